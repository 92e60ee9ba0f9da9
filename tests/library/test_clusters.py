"""Looking for clusters: their number, how good they are, and the way through a project."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import drawing, write_params
from lockstep.adopting.clusters import require_no_target
from lockstep.adopting.contract_text import format_contract
from lockstep.adopting.suggestion import list_idle_keys, suggest
from lockstep.adopting.understanding import understand
from lockstep.adopting.wishes import Wishes
from lockstep.commands.predict import predict_with_champion
from lockstep.core.contract import CLUSTER, Contract, load_contract
from lockstep.core.errors import UserError
from lockstep.core.kinds import Kind
from lockstep.core.project import Project
from lockstep.data.inner_folds import Units, learning_from
from lockstep.modeling.adjusted_rand import adjusted_rand
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.cluster_profiles import profile_clusters
from lockstep.modeling.cluster_trials import try_clusters, try_structureless
from lockstep.modeling.clusterer import Clusterer, Density, Halves
from lockstep.modeling.metrics import METRICS
from lockstep.modeling.model import Model
from lockstep.modeling.outcome import Outcome
from lockstep.modeling.problem import Problem
from lockstep.modeling.silhouettes import measure_silhouettes
from lockstep.modeling.stability import choose_number
from lockstep.modeling.structureless import Box, judge_structure
from lockstep.reporting.cluster_facts import describe_number, describe_structure
from lockstep.reporting.measure import measure, predict_all
from owner import evaluate, ingest, models, preprocess, train  # noqa: F401
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score, silhouette_samples
from sklearn.pipeline import make_pipeline

CONTRACT = {
    "title": "Birds",
    "source": "made up",
    "licence": "none",
    "clusters": True,
    "columns": {
        "wing": {"type": "numeric", "meaning": "a length"},
        "weight": {"type": "numeric", "meaning": "a weight"},
        "island": {"type": "categorical", "categories": ["east", "west"], "meaning": "a place"},
    },
}
METRIC = {metric.name: metric for metric in METRICS["clustering"]}
CENTRES = [[0, 0, 0], [9, 0, 0], [0, 9, 9]]
KMEANS = KMeans(n_init=1, random_state=0)


def make_groups(*sizes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows around some of the centres, and which one each is around."""
    X, centres = make_blobs(sizes, 3, centers=CENTRES[: len(sizes)], random_state=seed)
    return X, centres


def make_birds(rows: int = 150) -> pd.DataFrame:
    """Small birds of the west, large ones of the east, and light ones with long wings."""
    rng = np.random.default_rng(0)
    kind = rng.permutation(np.repeat([0, 1, 2], [rows // 2, rows // 3, rows // 6]))
    return pd.DataFrame(
        {
            "wing": np.array([10.0, 30.0, 30.0])[kind] + rng.normal(0, 1, rows),
            "weight": np.array([100.0, 400.0, 100.0])[kind] + rng.normal(0, 15, rows),
            "island": np.where(kind == 1, "east", "west"),
        }
    )


def start(project: Project, rows: pd.DataFrame, **options: object) -> None:
    """The project with these rows, and few candidates."""
    candidates = {"baseline": {}, "kmeans": {"starts": 1}, "hdbscan": {"share": 0.1}}
    train = {"folds": 2, "candidates": candidates, **options}
    data = {"raw": "data/raw/birds.csv", "max_rejected": 0.0}
    write_params(project, kind="clustering", train=train, data=data)
    project.contract_file.write_text(json.dumps(CONTRACT))
    vars(project).pop("contract", None)
    rows.to_csv(project.raw / "birds.csv", index=False)


def test_the_way_from_rows_to_clusters_of_new_ones(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    start(project, make_birds(), clusters=3)
    with drawing():
        for stage in (ingest.ingest, preprocess.preprocess, train.train, evaluate.evaluate):
            stage(project)
    train_rows, test = project.table(project.train).read(), project.table(project.test).read()
    assert len(train_rows) + len(test) == 150  # none is dropped for lack of a target
    model, baseline = Model.load(project.champion), Model.load(project.baseline)
    _, outcomes = predict_all(project.table(project.test), model, baseline)
    metrics = measure(project.params, *outcomes)
    assert metrics["stable_silhouette"] > 0.6
    assert metrics["agreement"] == 1
    assert metrics["structureless"]["is_exceeded"]
    assert model.clusters == ["1", "2", "3"]
    page = project.report.read_text(encoding="utf-8")
    assert "There are clusters: stable_silhouette is" in page
    assert "island east 100% (all rows: east " in page
    kept = pd.read_csv(project.plots / "predictions.csv")
    outcome = Outcome.from_predictions(np.array([]), kept, [])  # as `compare` reads it again
    for name, metric in METRIC.items():
        assert metric.score(outcome) == pytest.approx(metrics[name])
    new = pd.DataFrame({"wing": [10.0, 30, 30], "weight": [100.0, 400, 110]})
    new["island"] = ["west", "east", "west"]
    answers = model.predict(new)
    assert answers["prediction"].tolist() == ["1", "2", "3"]  # the largest one first
    assert answers["clarity"].between(0.5, 1).all()
    new.to_csv("new.csv", index=False)
    for is_exceeded in (True, False):
        metrics["structureless"]["is_exceeded"] = is_exceeded
        project.metrics.write_text(json.dumps(metrics))
        capsys.readouterr()
        predict_with_champion(Path("new.csv"), None)
        assert ("have clusters as clear as these" in capsys.readouterr().err) != is_exceeded


@pytest.mark.parametrize("count", [3, 5])
def test_the_index_and_the_silhouettes_are_those_of_scikit_learn(count: int) -> None:
    X, one = make_blobs(80, 2, centers=count, random_state=0)
    other = np.where(np.arange(80) % 3 > 0, one, 0)
    equal = np.ones((1, 80))
    assert adjusted_rand(one, other, equal)[0] == pytest.approx(adjusted_rand_score(one, other))
    np.testing.assert_allclose(measure_silhouettes(X, other), silhouette_samples(X, other))


def test_a_row_that_is_drawn_twice_makes_no_pair_with_itself() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 3, (2, 30))
    weights = rng.multinomial(30, np.full(30, 1 / 30), size=2000).astype("float64")
    whole = adjusted_rand(one, other, np.ones((1, 30)))[0]
    assert adjusted_rand(one, other, weights).mean() == pytest.approx(whole, abs=0.01)


def test_the_index_of_single_clusters_is_one_and_of_single_rows_unknown() -> None:
    same = np.zeros(2, "int64")
    indices = adjusted_rand(same, same, np.array([[1.0, 1.0], [1.0, 0.0]]))
    np.testing.assert_array_equal(indices, [1, np.nan])


def test_silhouettes_of_very_many_rows_are_nearly_those_of_all() -> None:
    X, places = make_blobs(3000, 2, centers=4, random_state=1)
    gaps = measure_silhouettes(X, places) - silhouette_samples(X, places)
    assert abs(gaps).max() < 0.05
    assert abs(gaps.mean()) < 0.005


@pytest.mark.parametrize("sizes", [(40, 40), (60, 40, 40)])
def test_as_many_clusters_are_found_as_there_are(sizes: tuple[int, ...]) -> None:
    X, _ = make_groups(*sizes)
    number, trials = choose_number(Clusterer(KMEANS), X, seed=0)
    assert number == len(sizes)
    assert [trial.clusters for trial in trials] == [*range(2, len(trials) + 2)]


def test_rows_of_a_group_are_found_again_in_no_other_half() -> None:
    rng = np.random.default_rng(0)
    persons = np.repeat(np.arange(12, dtype="uint64"), 20)
    X = rng.uniform(size=(12, 2))[persons] + rng.normal(0, 0.01, (240, 2))
    alone = choose_number(Clusterer(KMEANS), X, seed=0)[1]
    with learning_from(Units(persons, "group")):
        whole = choose_number(Clusterer(KMEANS), X, seed=0)[1]
    assert alone[-1].agreement > 0.9
    assert whole[-1].agreement < 0.6


@pytest.mark.parametrize(
    "estimator",
    [KMEANS, AgglomerativeClustering(), Density(0.1), Halves()],
    ids=lambda one: type(one).__name__,
)
def test_clusters_are_numbered_from_the_largest_on_and_take_in_new_rows(estimator: object) -> None:
    X, groups = make_groups(20, 50)
    clusterer = Clusterer(estimator, 2).fit(X)
    new, of_new = make_groups(5, 5, seed=1)
    if isinstance(estimator, Halves):
        assert {*np.bincount(clusterer.labels_)} == {35}
    else:
        assert (clusterer.labels_ == 1 - groups).all()
        assert (clusterer.predict(new) == 1 - of_new).all()
        assert (clusterer.assign(new)[:, 1] > 0.4).all()
    middle = clusterer.centres_.mean(axis=0, keepdims=True)
    assert abs(clusterer.assign(middle)[0, 1]) < 1e-9


def test_noise_is_of_the_nearest_cluster() -> None:
    X, groups = make_groups(40, 40)
    far = np.array([[4.2, 0, 0], [4.9, 0, 0]])  # between both, and nearer to one
    clusterer = Clusterer(Density(0.2)).fit(np.vstack([X, far]))
    assert Density(0.2).fit(np.vstack([X, far])).labels_[-1] == -1
    assert clusterer.labels_[-1] == clusterer.labels_[:80][groups == 1][0]


def test_a_single_cluster_is_told_and_worth_nothing() -> None:
    X = np.random.default_rng(0).normal(size=(60, 3))
    with pytest.warns(UserWarning, match="it finds no clusters: all rows are of one"):
        clusterer = Clusterer(Density(0.4)).fit(X)
    outcome = try_clusters(clusterer, X[:20])
    assert METRIC["stable_silhouette"].score(outcome) == 0
    assert METRIC["agreement"].score(outcome) == 0
    assert (clusterer.assign(X)[:, 1] == 0).all()


@pytest.mark.parametrize(
    ("X", "clusters", "expected"),
    [
        (np.ones((9, 2)), None, "all rows are the same to it"),
        (
            np.array([[1.0], [2.0], [2.0]]),
            3,
            "train.clusters asks for 3 clusters, and 2 rows are different",
        ),
    ],
)
def test_rows_that_hold_no_clusters_are_refused(
    X: np.ndarray, clusters: int | None, expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        Clusterer(KMEANS, clusters).fit(X)


def test_few_rows_are_two_clusters() -> None:
    assert Clusterer(KMEANS).fit(np.array([[0.0], [0.1], [5.0]])).labels_.tolist() == [0, 0, 1]


def test_rows_without_structure_fill_the_box_of_the_others() -> None:
    X, _ = make_groups(30, 30)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    rows = Box.fit(X @ turn).draw(500, np.random.default_rng(0)) @ turn.T
    centred = X - X.mean(axis=0)
    assert abs(rows[:, 0] - X[:, 0].mean()).max() < 1.2 * abs(centred[:, 0]).max()


def test_clusters_are_held_against_those_of_as_many_rows_without_any() -> None:
    X, _ = make_groups(60, 40)
    even = np.random.default_rng(0).uniform(size=(100, 3))
    for rows, is_expected in ((X, True), (even, False)):
        order = np.random.default_rng(0).permutation(100)
        clusterer = Clusterer(KMEANS, 2).fit(rows[order[:60]])
        figure = METRIC["stable_silhouette"].score(try_clusters(clusterer, rows[order[60:]]))
        references = [*try_structureless(clusterer, 40, seed=0)]
        assert len(references) == 19
        assert judge_structure(figure, references)["is_exceeded"] == is_expected


def test_structure_is_shown_only_above_all_rows_without_any() -> None:
    assert judge_structure(0.5, [0.1, 0.4])["is_exceeded"]
    assert not judge_structure(0.4, [0.1, 0.4])["is_exceeded"]
    assert not judge_structure(None, [0.1, 0.4])["is_exceeded"]


def test_more_clusters_than_a_fold_has_validation_rows_are_refused(project: Project) -> None:
    start(project, make_birds(), clusters=61)
    ingest.ingest(project)
    preprocess.preprocess(project)
    expected = r"params\.yaml: train\.clusters: 61 clusters .* which are only 55; lower it"
    with pytest.raises(UserError, match=expected):
        train.train(project)


@pytest.mark.parametrize(
    ("rows", "asked", "expected"),
    [
        (40, None, "kmeans has 2 clusters: of all numbers from 2 to 4, 2 are found again best"),
        (9, None, "kmeans has 2 clusters: the train rows are too few to choose among numbers."),
        (9, 3, "kmeans has 3 clusters: train.clusters in params.yaml asks for 3."),
    ],
)
def test_the_report_says_why_there_are_so_many(
    rows: int, asked: int | None, expected: str, project: Project
) -> None:
    start(project, make_birds(), clusters=asked)
    X, _ = make_groups(rows // 2, rows - rows // 2)
    pipeline = make_pipeline(Clusterer(KMEANS, asked).fit(X))
    model = Model(pipeline, "kmeans", "clustering", Contract.model_validate(CONTRACT))
    assert describe_number(model, project.params).startswith(expected)


def test_a_cluster_that_vanishes_is_told(project: Project) -> None:
    start(project, make_birds(), clusters=3)
    X, _ = make_groups(9, 9)
    clusterer = Clusterer(KMEANS, 2).fit(X)
    clusterer.number_, clusterer.centres_ = 3, clusterer.centres_[:1]
    model = Model(
        make_pipeline(clusterer), "kmeans", "clustering", Contract.model_validate(CONTRACT)
    )
    expected = "kmeans has 1 cluster: train.clusters in params.yaml asks for 3, but some have no"
    assert describe_number(model, project.params).startswith(expected)


def test_structure_and_the_comparison_with_the_baseline_fit_together() -> None:
    structure = {"mean": 0.1, "highest": 0.2, "is_exceeded": True}
    metrics = {"stable_silhouette": 0.5, "structureless": structure}
    assert describe_structure(metrics, is_better=True).startswith("There are clusters: ")
    assert "What is not shown" in describe_structure(metrics, is_better=False)


def test_clusters_of_two_parts_have_nothing_in_common() -> None:
    X, _ = make_groups(20, 20)
    outcome = try_clusters(Clusterer(KMEANS, 2).fit(X), X)
    turned = try_clusters(Clusterer(KMEANS, 2).fit(X), X)
    turned.predicted[:] = 1 - turned.predicted
    both = Outcome.concatenate([outcome, turned], None)
    assert METRIC["agreement"].score(both) == 1
    assert both.clusters is not None
    assert both.clusters["part"].tolist() == [0] * 40 + [1] * 40


@pytest.mark.parametrize("name", ["kmeans", "gaussian_mixture", "agglomerative", "hdbscan"])
def test_a_candidate_finds_as_many_clusters_as_params_say(name: str) -> None:
    X, _ = make_groups(40, 40)
    clusterer = make_candidate(name, {}, Problem("clustering", 0, clusters=4)).fit(X)
    assert clusterer.count == (2 if name == "hdbscan" else 4)


def test_use_finds_nothing_doubtful_in_plain_rows(tmp_path: Path) -> None:
    path = tmp_path / "birds.csv"
    make_birds().to_csv(path, index=False)
    understanding = understand([path], "birds.csv", "made up", Wishes(kind="clustering"))
    assert not any(understanding.doubts.values())


def test_the_contract_of_clusters_has_no_target() -> None:
    contract = Contract.model_validate(CONTRACT)
    assert contract.kind == "clustering"
    assert contract.target == CLUSTER
    assert contract.features == ["wing", "weight", "island"]
    assert contract.required is None
    again = Contract.model_validate(contract.model_dump(mode="json", exclude_none=True))
    assert again == contract


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"target": "wing"}, "target: clusters are found without one; leave it out"),
        ({"anomalies": True}, "either they or anomalies are looked for"),
        ({"columns": {"cluster": CONTRACT["columns"]["wing"]}}, "'cluster' is what is found"),
    ],
)
def test_a_contract_of_clusters_says_nothing_else(change: dict[str, object], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Contract.model_validate(CONTRACT | change)


def test_kind_and_contract_must_both_say_clusters(project: Project) -> None:
    project.contract_file.write_text(json.dumps(CONTRACT))
    with pytest.raises(UserError, match="says kind: classification; `use FILE --kind clustering`"):
        load_contract(project, "classification")


@pytest.mark.parametrize("clusters", [1, 2.5])
def test_there_are_two_clusters_at_least(project: Project, clusters: float) -> None:
    start(project, make_birds(), clusters=clusters)
    with pytest.raises(UserError, match=r"params\.yaml: train\.clusters: "):
        _ = project.params


def test_a_profile_tells_in_what_a_cluster_differs_from_all_rows() -> None:
    birds = make_birds().assign(noise=np.arange(150) % 7)
    columns = CONTRACT["columns"] | {"noise": {"type": "integer", "meaning": "nothing"}}
    columns["weight"] = columns["weight"] | {"unit": "g", "private": True}
    contract = Contract.model_validate(CONTRACT | {"columns": columns})
    places = np.where(birds["island"] == "east", 1, 0)
    _, large, empty = profile_clusters(birds, places, ["1", "2", "3"], contract)
    assert (empty.cluster, empty.traits) == ("3", [])
    assert [trait.column for trait in large.traits] == ["island", "weight", "wing"]
    island, weight, wing = large.traits
    assert (island.typical, island.usual) == ("east 100%", "east 33%")
    assert (weight.typical, weight.usual) == ("", "")  # private: named, and no value told
    assert weight.effect > 1
    assert float(wing.typical) > float(wing.usual)
    heavy, *_ = profile_clusters(birds.assign(wing=birds["wing"] + 13749), places, ["1"], contract)
    assert heavy.traits[-1].typical.startswith("137")  # no power of ten


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        (Wishes(target="wing"), "found without a target; leave it out, and say `--drop wing`"),
        (Wishes(sequence="wing"), "--kind clustering and --sequence: clusters are looked for"),
        (Wishes(horizon=3), "--kind clustering and --horizon: clusters are looked for"),
        (Wishes(), "there is a column 'cluster', which is what is to be found: say `--drop"),
    ],
)
def test_nothing_but_rows_is_asked_for(wishes: Wishes, expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        require_no_target(wishes, ["wing", "cluster"], "birds.csv")


@pytest.mark.parametrize("kind", ["clustering", "anomalies"])
def test_rows_of_sentences_alone_are_refused_as_such(tmp_path: Path, kind: Kind) -> None:
    notes = [f"the bird {number} was seen at the old pier" for number in range(40)]
    pd.DataFrame({"note": notes}).to_csv(tmp_path / "notes.csv", index=False)
    reason = f"no column is left to learn from: note holds sentences, of which --kind {kind} learns"
    with pytest.raises(UserError, match=reason):
        understand([tmp_path / "notes.csv"], "notes.csv", "made up", Wishes(kind=kind))


def test_what_clusters_have_no_use_for_is_not_in_front_of_the_owner() -> None:
    contract = Contract.model_validate(CONTRACT)
    text = format_contract(contract)
    assert "clusters: true  # rows that are alike are looked for; there is no target" in text
    assert "target:" not in text
    assert "cluster:" not in text
    idle = list_idle_keys(contract)
    assert {"train.decision", "train.contamination", "train.training_sizes"} <= {*idle}
    assert "train.clusters" not in idle


def test_rows_without_a_target_get_clusterers_and_no_step_that_needs_one() -> None:
    island = {"type": "categorical", "categories": [*map(str, range(99))], "meaning": "a place"}
    contract = Contract.model_validate(
        CONTRACT | {"columns": CONTRACT["columns"] | {"island": island}}
    )
    settings = suggest(contract, make_birds())
    assert settings["train.clusters"] is None
    assert settings["features.columns"] == {"island": [{"one_hot": {"min_frequency": 0.01}}]}
    for name, options in settings["train.candidates"].items():
        assert isinstance(make_candidate(name, options, Problem("clustering", 0)), Clusterer)
