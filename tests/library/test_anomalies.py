"""Looking for anomalies: detectors, oddness, rows made odd, and the way through a project."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import drawing, write_params
from lockstep.adopting.anomalies import guess_labels, require_no_label, require_ways
from lockstep.adopting.doubts import find_doubts
from lockstep.adopting.suggestion import list_idle_keys, suggest
from lockstep.adopting.summary import describe_plan
from lockstep.core.contract import Contract, Layout, load_contract
from lockstep.core.errors import UserError
from lockstep.core.params import EvaluateParams
from lockstep.core.project import Project
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.detectors import Ecod, NetworkDetector, PcaError, RobustZ
from lockstep.modeling.intervals import summarise
from lockstep.modeling.marginals import Marginals
from lockstep.modeling.metrics import METRICS, OWN_METRICS, metric
from lockstep.modeling.model import Model
from lockstep.modeling.oddness import Oddness
from lockstep.modeling.outcome import ODDNESS_IF, Outcome
from lockstep.modeling.problem import Problem
from lockstep.modeling.train_rows import find_learnt
from lockstep.monitoring.monitor import monitor
from owner import evaluate, ingest, models, preprocess, train  # noqa: F401
from sklearn.metrics import average_precision_score

CONTRACT = {
    "title": "Pumps",
    "source": "made up",
    "licence": "none",
    "anomalies": True,
    "columns": {
        "load": {"type": "numeric", "meaning": "a number", "range": [0, None]},
        "heat": {"type": "numeric", "meaning": "twice the load"},
        "rate": {"type": "integer", "meaning": "a number"},
        "site": {"type": "categorical", "categories": ["north", "south"], "meaning": "a place"},
    },
}
LABELLED = CONTRACT | {
    "target": "broken",
    "columns": CONTRACT["columns"]
    | {
        "broken": {
            "type": "binary",
            "categories": ["no", "yes"],
            "nullable": True,
            "meaning": "known",
        }
    },
}
EVALUATE = EvaluateParams(resamples=100, confidence=0.95)
METRIC = {metric.name: metric for metric in METRICS["anomalies"]}


def make_pumps(rows: int = 200) -> pd.DataFrame:
    """Heat follows the load; in the first rows it does not, or the load is far out."""
    rng = np.random.default_rng(0)
    load = rng.gamma(3, 10, rows)
    heat = 2 * load + rng.normal(0, 1, rows)
    heat[:8] += 50
    load[8:12] = 900
    site = np.where(rng.random(rows) < 0.3, "north", "south")
    rate = pd.array(rng.integers(50, 90, rows), dtype="Int64")
    return pd.DataFrame({"load": load, "heat": heat, "rate": rate, "site": site})


@pytest.fixture
def pumps() -> pd.DataFrame:
    return make_pumps()


@pytest.mark.parametrize("detector", [RobustZ(), Ecod()])
def test_a_row_far_from_the_others_is_the_oddest(detector: object) -> None:
    X = np.random.default_rng(1).normal(size=(100, 4))
    X[17] = 9
    assert detector.fit(X).score_samples(X).argmin() == 17


def test_ecod_adds_up_the_logarithms_of_tails() -> None:
    X = np.arange(1.0, 10.0)[:, np.newaxis]
    scores = -Ecod().fit(X).score_samples(np.array([[1.0], [5.0], [100.0]]))
    np.testing.assert_allclose(scores, -np.log([0.1, 0.5, 0.1]))


def test_pca_error_sees_what_each_column_by_itself_does_not() -> None:
    x = np.random.default_rng(0).normal(size=(300, 1))
    X = np.hstack([x, x + 0.01 * np.random.default_rng(1).normal(size=(300, 1))])
    odd, usual = -PcaError().fit(X).score_samples(np.array([[1.5, -1.5], [1.5, 1.5]]))
    assert odd > 100 * usual


@pytest.mark.matrix
def test_an_autoencoder_gives_its_rows_back() -> None:
    x = np.random.default_rng(0).normal(size=(200, 1))
    options = {"hidden_units": (8,), "code": 1, "learning_rate": 0.02, "max_epochs": 60}
    network = make_candidate("autoencoder", options, Problem("anomalies", 0))
    assert isinstance(network, NetworkDetector)
    odd, usual = -network.fit(np.hstack([x, x])).score_samples([[1.0, -1.0], [1.0, 1.0]])
    assert odd > 5 * usual


def test_oddness_is_the_share_of_rows_that_are_less_odd() -> None:
    scores = np.random.default_rng(0).gamma(2, size=2000)
    oddness = Oddness.fit(scores)
    ranks = oddness.rank(scores)
    assert abs(ranks - scores.argsort().argsort() / 2000).max() < 0.01
    far = oddness.rank(np.array([scores.max(), 2 * scores.max(), 1000 * scores.max()]))
    assert (np.diff(far) > 0).all()
    assert far[-1] < 1
    assert oddness.rank(np.array([scores.min() - 1])) < ranks.min()


def test_oddness_of_scores_that_are_all_the_same_is_a_half() -> None:
    assert Oddness.fit(np.ones(9)).rank(np.array([0.0, 1.0, 2.0])).tolist() == [0.25, 0.5, 0.75]


def test_a_row_is_made_odd_in_the_same_way_whatever_is_beside_it(pumps: pd.DataFrame) -> None:
    marginals = Marginals.fit(pumps, Contract.model_validate(CONTRACT), seed=3)
    whole, part = marginals.make_odd(pumps), marginals.make_odd(pumps[50:60])
    assert [*whole] == ["far", "mixed", "stuck"]
    for way, table in whole.items():
        pd.testing.assert_frame_equal(table[50:60], part[way])
        assert (table.dtypes == pumps.dtypes).all()
    far = whole["far"]
    is_changed = (far != pumps).to_numpy()
    assert (is_changed.sum(axis=1) == 1).mean() > 0.95  # a load that was far out may stay there
    assert far["load"].min() >= 0  # as the contract asks


def test_mixed_rows_have_values_of_other_rows(pumps: pd.DataFrame) -> None:
    marginals = Marginals.fit(pumps, Contract.model_validate(CONTRACT), seed=3)
    mixed = marginals.make_odd(pumps)["mixed"]
    new = mixed["heat"][mixed["heat"] != pumps["heat"]]
    assert len(new) > 50
    assert new.isin(pumps["heat"]).all()


def test_rows_of_a_single_number_are_made_odd_in_one_way(pumps: pd.DataFrame) -> None:
    alone = CONTRACT | {"columns": {"load": CONTRACT["columns"]["load"]}}
    marginals = Marginals.fit(pumps, Contract.model_validate(alone), seed=0)
    assert [*marginals.make_odd(pumps[["load"]])] == ["far"]


def make_outcome(actual: list[int], oddness: list[float], **ways: list[float]) -> Outcome:
    table = pd.DataFrame(
        {"oddness": oddness} | {f"{ODDNESS_IF}{way}": values for way, values in ways.items()}
    )
    names = np.array(["no", "yes", None], dtype=object)[actual]
    return Outcome.from_predictions(names, table, ["no", "yes"], 0.9)


def test_metrics_of_labels_leave_out_rows_of_which_nobody_knows() -> None:
    outcome = make_outcome([0, 1, -1, 1, 0], [0.2, 0.95, 0.99, 0.4, 0.92])
    scores = {name: metric.score(outcome) for name, metric in METRIC.items()}
    assert scores["precision"] == scores["recall"] == 0.5
    expected = average_precision_score([0, 1, 1, 0], [0.2, 0.95, 0.4, 0.92])
    assert scores["average_precision"] == pytest.approx(expected)
    assert np.isnan(scores["injected_precision"])


def test_anomalies_alone_tell_how_many_are_found_and_nothing_else() -> None:
    outcome = make_outcome([1, 1, -1, -1], [0.2, 0.95, 0.99, 0.4])
    scores = {name: metric.score(outcome) for name, metric in METRIC.items()}
    assert scores["recall"] == 0.5
    assert np.isnan([scores[name] for name in ("average_precision", "roc_auc", "precision")]).all()
    both = make_outcome([1, 0], [0.2, 0.1])
    weights = np.array([[1.0, 1.0], [2.0, 0.0]])
    precisions = METRIC["average_precision"].measure(both, weights)
    np.testing.assert_array_equal(precisions, [1, np.nan])


@pytest.mark.parametrize("calls", [0, 3])
def test_few_known_anomalies_tell_little_of_the_others(calls: int) -> None:
    oddness = [0.99] * calls + [0.2] * (3 - calls) + [0.1] * 97
    summary = summarise([METRIC["recall"]], make_outcome([1] * 3 + [0] * 97, oddness), EVALUATE, 0)
    low, high = summary["intervals"]["recall"]
    assert summary["recall"] == calls / 3
    assert low < 0.5 < high


def test_few_rows_that_are_called_anomalies_tell_little_of_the_others() -> None:
    outcome = make_outcome([1] * 30 + [0] * 70, [0.99] * 3 + [0.1] * 97)
    summary = summarise([METRIC["precision"]], outcome, EVALUATE, 0)
    assert summary["precision"] == 1
    assert summary["intervals"]["precision"][0] < 0.5


@pytest.mark.parametrize(("actual", "expected"), [([1, 0, -1], 2 / 3), ([-1, -1, -1], np.nan)])
def test_an_own_metric_sees_rows_of_which_it_is_known_what_they_are(
    monkeypatch: pytest.MonkeyPatch, actual: list[int], expected: float
) -> None:
    monkeypatch.setitem(OWN_METRICS, "anomalies", {})

    @metric(kind="anomalies")
    def mean_hits(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray) -> float:
        return sum(sample_weight * (y_true == y_pred)) / sum(sample_weight)

    outcome, weights = make_outcome(actual, [0.2, 0.1, 0.3]), np.array([[1.0, 2.0, 3.0]])
    figures = OWN_METRICS["anomalies"]["mean_hits"].measure(outcome, weights)
    np.testing.assert_array_equal(figures, [expected])


def test_injected_rows_count_as_one_in_ten() -> None:
    oddness, far, mixed = [0.1, 0.2, 0.3], [0.9, 0.95, 0.99], [0.1, 0.2, 0.3]
    outcome = make_outcome([-1, -1, -1], oddness, far=far, mixed=mixed)
    assert METRIC["injected_recall"].score(outcome) == 0.5
    assert METRIC["injected_precision"].score(outcome) == pytest.approx((1 + 0.1) / 2)
    assert np.isnan(METRIC["average_precision"].score(outcome))


def test_ways_that_are_always_or_never_seen_are_no_certain_figure() -> None:
    rows = 40
    outcome = make_outcome([-1] * rows, [0.1] * rows, far=[0.9] * rows, mixed=[0.1] * rows)
    summary = summarise([METRIC["injected_recall"]], outcome, EVALUATE, 0)
    low, high = summary["intervals"]["injected_recall"]
    assert low < 0.45
    assert high > 0.55


def test_known_anomalies_are_not_learnt_from() -> None:
    rows = pd.DataFrame({"broken": pd.Series(["no", "yes", None], dtype="str")})
    learnt = find_learnt(rows, Contract.model_validate(LABELLED))
    assert learnt.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["yes"] * 4, "all rows are 'yes'; what is usual is learnt from rows that are not"),
        (["no", None, "no"], "no row is an anomaly, all labels are 'no'"),
        (["0"] * 3, "no row is an anomaly, all labels are '0'"),
        (["a", "b", "c"], "has 3 different values; two were expected"),
        ([None, None], "holds nothing; without labels say"),
    ],
)
def test_labels_that_tell_nothing_apart_are_refused(cells: list[str | None], expected: str) -> None:
    series = pd.Series(cells, dtype="str", name="broken")
    with pytest.raises(UserError, match=expected):
        guess_labels(series, Layout(), "pumps.csv: target 'broken'")


@pytest.mark.parametrize(
    ("cells", "categories"),
    [
        (["yes", None, None], ["normal", "yes"]),
        (["fraud", "fine", "fine"], ["fine", "fraud"]),
        (["1", "0", "0", None], ["0", "1"]),
        (["normal", "attack", "attack"], ["normal", "attack"]),
        (["OK", "broken", "broken"], ["OK", "broken"]),
    ],
)
def test_the_second_label_is_the_anomaly(cells: list[str | None], categories: list[str]) -> None:
    column, _ = guess_labels(pd.Series(cells, dtype="str", name="broken"), Layout(), "target")
    assert column is not None
    assert column.categories == categories
    assert column.nullable


@pytest.mark.parametrize(
    ("cells", "is_doubtful"),
    [(["a"] * 3 + ["b"] * 4, True), (["a"] + ["b"] * 6, False), (["no", "odd", "odd"], False)],
)
def test_a_rarer_label_that_is_not_rare_is_doubtful(cells: list[str], is_doubtful: bool) -> None:
    _, doubts = guess_labels(pd.Series(cells, dtype="str", name="broken"), Layout(), "target")
    assert any("is taken for the anomaly" in doubt for doubt in doubts) == is_doubtful


@pytest.mark.parametrize(
    ("types", "found"),
    [
        (["categorical", "datetime"], "only 'c0' is there; add such a column"),
        (["datetime"], "neither is there"),
        (["categorical", "categorical"], None),
        (["integer"], None),
    ],
)
def test_columns_that_cannot_be_made_odd_are_refused(types: list[str], found: str | None) -> None:
    texts = {"categories": ["a", "b"]}
    columns = {
        f"c{place}": {"type": type_, "meaning": "m"} | (texts if type_ == "categorical" else {})
        for place, type_ in enumerate(types)
    }
    contract = Contract.model_validate(CONTRACT | {"columns": columns})
    if found is None:
        require_ways(contract, "pumps.csv")
        return
    with pytest.raises(UserError, match=rf"pumps\.csv: --kind anomalies: .*{found}"):
        require_ways(contract, "pumps.csv")


@pytest.mark.parametrize(("normal", "is_asked"), [(0, False), (19, False), (20, True)])
def test_labels_choose_the_champion_only_where_both_kinds_are_known(
    normal: int, is_asked: bool
) -> None:
    labels = ["yes"] * 30 + ["no"] * normal + [None] * (100 - 30 - normal)
    table = make_pumps(100).assign(broken=pd.Series(labels, dtype="str"))
    settings = suggest(Contract.model_validate(LABELLED), table)
    assert (settings["train.metric"] == "average_precision") == is_asked
    assert ("lof" in settings["train.candidates"]) == is_asked
    assert settings["train.champion"] == (None if is_asked else "isolation_forest")
    plan = describe_plan(Contract.model_validate(LABELLED), table, settings, ())
    assert ("takes: isolation_forest, since no figure without labels" in plan) == (not is_asked)


def test_a_column_that_is_called_like_the_target_without_a_name_is_asked_about() -> None:
    with pytest.raises(UserError, match="say `--target anomaly` if it tells known ones"):
        require_no_label(["load", "anomaly"], "pumps.csv")


@pytest.mark.parametrize(
    ("known", "normal", "contamination"),
    [(50, 950, 0.05), (50, 450, 0.1), (50, 0, 0.05), (2, 998, 0.002), (2, 0, 0.01), (7, 3, 0.5)],
)
def test_as_many_anomalies_are_expected_as_are_known(
    known: int, normal: int, contamination: float
) -> None:
    unknown = [None] * (1000 - known - normal)
    labels = pd.Series(["yes"] * known + ["no"] * normal + unknown, dtype="str")
    table = pd.DataFrame({"load": np.arange(1000.0), "broken": labels})
    names = ("load", "broken")
    columns = {name: LABELLED["columns"][name] for name in names}
    contract = Contract.model_validate(LABELLED | {"columns": columns})
    assert suggest(contract, table)["train.contamination"] == contamination
    assert "train.decision" not in list_idle_keys(contract)


@pytest.mark.parametrize(
    ("known", "normal", "basis"),
    [
        (10, 990, "1% are called anomalies, the share that the labels tell: "),
        (2, 0, "1% are called anomalies, where the labels tell 0.2%: "),
        (60, 40, "50% are called anomalies, where the labels tell 60%: "),
        (0, 0, "1% are called anomalies: "),
    ],
)
def test_what_the_labels_tell_of_the_share_of_anomalies_is_said(
    known: int, normal: int, basis: str
) -> None:
    texts = ["yes"] * known + ["no"] * normal + [None] * (1000 - known - normal)
    table = pd.DataFrame({"load": np.arange(1000.0), "broken": pd.Series(texts, dtype="str")})
    columns = {name: LABELLED["columns"][name] for name in table}
    contract = Contract.model_validate(LABELLED | {"columns": columns})
    assert basis in describe_plan(contract, table, suggest(contract, table), ())
    doubt = "100 of 1000 rows have a label, and 60% of them are anomalies: where suspicious rows"
    assert (doubt in str(find_doubts(table, contract))) == (normal == 40)


@pytest.mark.parametrize("contamination", [0, 0.6])
def test_contamination_is_above_none_and_at_most_half(
    project: Project, contamination: float
) -> None:
    write_params(project, train={"folds": 2, "candidates": {"baseline": {}}})
    content = json.loads(project.params_file.read_text())
    content["train"]["contamination"] = contamination
    write_params(project, **content)
    with pytest.raises(UserError, match=r"params\.yaml: train\.contamination: found 0"):
        _ = project.params


def test_kind_and_contract_must_both_say_anomalies(project: Project) -> None:
    project.contract_file.write_text(json.dumps(CONTRACT))
    with pytest.raises(UserError, match="says kind: classification; `use FILE --kind anomalies`"):
        load_contract(project, "classification")


def start(project: Project, contract: dict[str, object], rows: pd.DataFrame) -> None:
    """The project with these data, and few candidates."""
    candidates = {"baseline": {}, "pca_error": {}, "isolation_forest": {"trees": 20}}
    train = {"folds": 3, "contamination": 0.1, "candidates": candidates}
    data = {"raw": "data/raw/pumps.csv", "max_rejected": 0.0}
    write_params(project, kind="anomalies", train=train, data=data)
    project.contract_file.write_text(json.dumps(contract))
    vars(project).pop("contract", None)
    rows.to_csv(project.raw / "pumps.csv", index=False)


@pytest.mark.parametrize("is_labelled", [pytest.param(False, marks=pytest.mark.matrix), True])
def test_the_way_from_rows_to_a_report(
    project: Project,
    pumps: pd.DataFrame,
    is_labelled: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    labels = pd.Series(["yes"] * 12 + ["no"] * 100 + [None] * 88)
    start(
        project,
        LABELLED if is_labelled else CONTRACT,
        pumps.assign(broken=labels) if is_labelled else pumps,
    )
    with drawing():
        for stage in (ingest.ingest, preprocess.preprocess, train.train, evaluate.evaluate):
            stage(project)
    train_rows, test = project.table(project.train).read(), project.table(project.test).read()
    assert len(train_rows) + len(test) == len(pumps)  # none is dropped for lack of a label
    metrics = json.loads(project.metrics.read_text())
    assert metrics["injected_precision"] > 0.3
    assert {*metrics["injected"]} == {"far", "mixed", "stuck"}
    assert (metrics["average_precision"] is not None) == is_labelled
    page = project.report.read_text(encoding="utf-8")
    assert ("average_precision" in page) == is_labelled  # what nobody knows is no line
    assert ("known to be" in page) == is_labelled
    assert ("No test row has a label, so nobody knows how many" in page) != is_labelled
    assert "The oddest test rows" in page
    assert "not how many of the true anomalies it finds" in page
    assert "without labels nothing does" in page
    assert "rows made odd on purpose better than the baseline: injected_precision on" in page
    model = Model.load(project.champion)
    new = pd.DataFrame({"load": [30.0, 900.0], "heat": [60.0, 60.0], "rate": 60, "site": "south"})
    answers = model.predict(new)
    assert answers["prediction"].tolist() == model.contract.classes
    assert answers["because"].isna().tolist() == [True, False]
    assert answers["because"][1].startswith("load 900 (usually ")
    assert answers["oddness"].is_monotonic_increasing
    if is_labelled:
        # Rows like all others, each of which was an anomaly in truth.
        pd.concat([pumps[12:].assign(broken="yes")] * 3).to_csv("missed.csv", index=False)
        assert monitor(["missed.csv"], None, None, None) == 1
        assert "recall turned out to be 0.0" in capsys.readouterr().out


def test_train_rows_that_are_all_anomalies_are_refused(
    project: Project, pumps: pd.DataFrame
) -> None:
    start(project, LABELLED, pumps.assign(broken="yes"))
    ingest.ingest(project)
    preprocess.preprocess(project)
    with pytest.raises(UserError, match="all train rows are 'yes', the anomaly"):
        train.train(project)
