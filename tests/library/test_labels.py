"""Several labels in a cell: read, divided, learnt, decided and measured label by label."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from lockstep import Contract, Problem, UserError
from lockstep.adopting.cells import write_cells
from lockstep.adopting.inference import guess_target
from lockstep.adopting.several_labels import (
    choose_separator,
    find_doubts_of_labels,
    find_separator,
)
from lockstep.adopting.understanding import Understanding, Wishes, understand
from lockstep.core.contract import PLAIN, Column, Images
from lockstep.core.kinds import Kind
from lockstep.core.labels import decode_labels, encode_labels
from lockstep.core.params import Params
from lockstep.data.conformity import conform, join_lists, mask_missing
from lockstep.data.draws import choose_seed, draw_share, is_drawn, number_parts
from lockstep.data.split import hash_rows
from lockstep.modeling.each_label import EachLabel, EncodeByLabel, take_labels
from lockstep.modeling.expectation import Expectation
from lockstep.modeling.metrics import METRICS, find_metric
from lockstep.modeling.networks import NetworkLabeller
from lockstep.modeling.outcome import Outcome
from lockstep.modeling.postprocessing import Postprocessing, fit_postprocessing
from lockstep.modeling.smoothing import SmoothForest, SmoothNeighbours, SmoothTree
from lockstep.reading.tables import read_table
from lockstep.reporting.dependence import partial_dependence
from lockstep.reporting.gallery import show_mistakes
from lockstep.reporting.label_facts import describe_thresholds
from lockstep.reporting.labels import count_together, measure_labels
from owner.models import common
from pydantic import ValidationError
from sklearn import metrics
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import TargetEncoder

TAGS = Column(type="labels", categories=["red", "round", "old man"], none=("",), meaning="tags")
WORDS = {"title": "t", "source": "s", "licence": "none", "target": "tags"}
NUMBER = {"type": "numeric", "meaning": "a number"}


@pytest.fixture(scope="module")
def made() -> tuple[np.ndarray, np.ndarray]:
    """(n_rows, n_features) numbers, and (n_rows, n_labels) that hang on them."""
    X, y = make_multilabel_classification(200, 6, n_classes=4, random_state=0)
    return X, y


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    rng = np.random.default_rng(0)
    actual = (rng.random((80, 3)) < [0.5, 0.3, 0.06]).astype(int)
    predicted = np.clip(0.3 * actual + 0.6 * rng.random((80, 3)), 0, 1)
    return Outcome(actual, predicted, labels=("a", "b", "c"), thresholds=(0.5, 0.4, 0.6))


def parse(*cells: object, column: Column = TAGS) -> list[object]:
    frame = mask_missing(pd.DataFrame({"tags": pd.Series(cells, dtype="object")}), ("", "NA"))
    table, breaches = conform({"tags": column}, frame, PLAIN, ("", "NA"))
    values = table["tags"].astype("object").where(table["tags"].notna(), None).tolist()
    return [*values, *breaches["value"]]


def test_labels_of_a_cell_are_a_set_in_the_order_of_the_contract() -> None:
    assert parse("round|red", " red | round |red", "old man") == [
        "red|round",
        "red|round",
        "old man",
    ]


@pytest.mark.parametrize("mark", ["|", "; "])
def test_lists_of_labels_are_read_as_cells_are(mark: str) -> None:
    column = TAGS.model_copy(update={"separator": mark})
    cells = ["round", "red"], [], np.array(["red"], dtype=object)
    assert parse(*cells, column=column) == [f"red{mark}round", "", "red"]
    assert parse(["blue", "red"], column=column) == [None, f"blue{mark}red"]


def test_outcomes_that_are_lists_of_labels_are_written_as_cells_are() -> None:
    column = TAGS.model_copy(update={"separator": ";"})
    cells = pd.Series([["red", "round"], "red;round", [], None], dtype="object")
    assert write_cells(cells, column, PLAIN).fillna("?").tolist() == (
        ["red;round", "red;round", "", "?"]
    )


@pytest.mark.parametrize("marks", [("[", ",", "]"), ("", "\n", "")])
def test_lists_of_labels_in_json_are_read_as_those_in_parquet_are(
    tmp_path: Path, marks: tuple[str, str, str]
) -> None:
    cells = [["red", "blue"], ["red"], [], None, ["blue", "green"], ["green", "red"]] * 8
    begin, mark, end = marks
    rows = mark.join(json.dumps({"tags": cell, "size": [0.5, 2]}) for cell in cells)
    (tmp_path / "a.json").write_text(begin + rows + end, encoding="utf-8")
    pd.DataFrame({"tags": cells}).to_parquet(tmp_path / "a.parquet")
    for file in ("a.json", "a.parquet"):
        table = read_table(tmp_path / file, file, ("",))
        tags = join_lists(table["tags"])
        assert tags.fillna("").tolist()[:6] == (
            ["red|blue", "red", "", "", "blue|green", "green|red"]
        )
        column, _ = guess_target(tags, PLAIN, None)
        assert column is not None
        assert (column.type, column.categories) == ("labels", ["blue", "green", "red"])
    nested = read_table(tmp_path / "a.json", "a.json", ("",))["size"]
    assert {*nested} == {"[0.5, 2]"}


def test_lists_of_whole_numbers_are_labels(tmp_path: Path) -> None:
    rows = [{"tags": cell} for cell in ([0, 3], [3, 12], [12], [0], [], [0, 12]) * 8]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    column = TAGS.model_copy(update={"categories": ["0", "3", "12"]})
    tags = read_table(path, "a.jsonl", ("",))["tags"]
    assert parse(*tags[:5], column=column) == ["0|3", "3|12", "12", "0", ""]
    assert choose_separator(join_lists(tags)) == "|"
    assert parse(np.array([3, 0]), column=column) == ["0|3"]


LISTS = "{} holds lists written as text, such as {}; write the labels with | between them, such as "
LISTS += "a|d, or JSON lines in which they are lists"


@pytest.mark.parametrize("kind", [None, "multilabel"])
@pytest.mark.parametrize("lists", [['["a", "d"]', '["d"]', "[]"], ["['a' 'd']", "['d']", ""]])
def test_lists_written_as_text_are_refused_as_labels(
    tmp_path: Path, lists: list[str], kind: Kind | None
) -> None:
    assert refusal(tmp_path, lists, kind) == LISTS.format("a.csv: target 'tags'", lists[0])


def test_lists_of_numbers_written_as_text_are_refused_where_labels_are_sought(
    tmp_path: Path,
) -> None:
    lists = ["[0, 3]", "[3]", "[0]"]
    assert refusal(tmp_path, lists, "multilabel") == (
        LISTS.format("a.csv: target 'tags'", lists[0])
    )


@pytest.mark.parametrize("kind", [None, "classification"])
def test_intervals_are_no_lists(tmp_path: Path, kind: Kind | None) -> None:
    intervals = ["[0, 10]", "[11, 20]", "[21, 30]"]
    understood = understand_cells(tmp_path, intervals, kind)
    assert understood.contract.columns["tags"].categories == intervals


def test_a_label_that_holds_the_separator_is_refused_and_breaks_a_contract(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"size": row, "tags": ["x|y", "b"] if row % 2 else ["b"]} for row in range(40)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        understand([path], "a.jsonl", "source", Wishes("tags", kind="multilabel"))
    assert str(caught.value) == (
        "a.jsonl: target 'tags' has the label 'x|y', which holds |, as stands between labels; "
        "write the label without it"
    )
    assert parse(["red|round"], ["red"]) == [None, "red", '["red|round"]']
    column = TAGS.model_copy(update={"separator": ";"})
    assert parse(["red;round"], ["red"], column=column) == [None, "red", '["red;round"]']


def refusal(folder: Path, cells: list[str], kind: Kind | None) -> str:
    with pytest.raises(UserError) as caught:
        understand_cells(folder, cells, kind)
    return str(caught.value)


def understand_cells(folder: Path, cells: list[str], kind: Kind | None) -> Understanding:
    """What a table says of which the target has these cells again and again."""
    path = folder / "a.csv"
    table = pd.DataFrame({"size": [row * 0.37 for row in range(60)], "tags": cells * (60 // 3)})
    table.to_csv(path, index=False)
    return understand([path], "a.csv", "source", Wishes("tags", kind=kind))


def test_an_unknown_label_breaks_the_contract() -> None:
    assert parse("red|blue", "red") == [None, "red", "red|blue"]
    assert TAGS.rule() == "labels with | between them, of red, round, old man"


def test_an_empty_cell_is_none_of_the_labels_where_the_contract_says_so_or_else_missing() -> None:
    assert parse("", "red") == ["", "red"]
    no_word = TAGS.model_copy(update={"none": ("nothing",), "nullable": True})
    assert parse("", "nothing", column=no_word) == [None, ""]


def test_encoding_and_decoding_are_inverse() -> None:
    cells = pd.Series(["red|old man", "", "round"])
    matrix = encode_labels(cells, TAGS)
    assert matrix.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert decode_labels(matrix, TAGS).tolist() == cells.tolist()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"categories": ["a"]}, "two or more"),
        ({"categories": ["a", "b", "a"]}, "'a' stands there twice"),
        ({"categories": ["a|b", "c"]}, r"no cell can hold the label 'a\|b'"),
        ({"categories": ["a;b", "c"], "separator": ";"}, "no cell can hold"),
        ({"categories": ["a", ""]}, "no cell can hold"),
        ({}, "needs `categories`"),
    ],
)
def test_labels_that_cannot_be_told_apart_are_refused(
    words: dict[str, object], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        Column.model_validate({"type": "labels", "meaning": "tags", **words})


def test_only_the_target_has_labels_and_only_labels_have_a_separator() -> None:
    tags = {"type": "labels", "categories": ["a", "b"], "meaning": "tags"}
    with pytest.raises(ValidationError, match="of type labels is nothing but the target"):
        Contract.model_validate(
            {**WORDS, "columns": {"x": NUMBER, "tags": tags, "more": tags}},
        )
    with pytest.raises(ValidationError, match="type text has no `separator`"):
        Column(type="text", separator=";", meaning="a text")
    contract = Contract.model_validate({**WORDS, "columns": {"x": NUMBER, "tags": tags}})
    assert (contract.kind, contract.labels, contract.classes) == ("multilabel", ["a", "b"], [])


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (["a|b", "a", "b|c", "", "c|a|b"] * 8, "|"),
        (["a; b", "a", "b; c", "c; a"] * 8, ";"),
        (["a,b", "b,c", "a,c"] * 8, ","),
        (["Paris, France", "Lyon, France", "Berlin, Germany", "Bonn, Germany"] * 8, None),
        ([f"{name}, {number}" for name in "abc" for number in range(20)], None),
        (["a", "b", "c"] * 8, None),
        (["1,5", "2,5", "1,0"] * 8, None),
        (["well, this was good", "no, not this time", "it came, it went", "so, so"] * 8, None),
    ],
)
def test_labels_are_recognised_by_how_they_recur(cells: list[str], separator: str | None) -> None:
    assert find_separator(pd.Series(cells).replace("", None)) == separator


def test_cells_that_say_that_there_is_none_are_no_label() -> None:
    cells = pd.Series(["a|b", "a", "b", "No Finding", None] * 9, name="tags")
    column, doubts = guess_target(cells, PLAIN, None)
    assert column is not None
    assert (column.type, column.categories, column.none) == (
        "labels",
        ["a", "b"],
        ("", "No Finding"),
    )
    assert any("taken for rows with none of the labels" in doubt for doubt in doubts)
    as_classes = guess_target(cells, PLAIN, "classification").column
    assert as_classes is not None
    assert as_classes.type == "categorical"


def test_a_single_label_is_nothing_to_tell_apart() -> None:
    guess = guess_target(pd.Series(["a|a", "a", None] * 9), PLAIN, "multilabel")
    assert guess.column is None
    assert guess.doubts == ["holds fewer than two labels, 'a': left out"]


def test_what_is_odd_about_labels_is_told() -> None:
    matrix = np.zeros((40, 4), dtype=int)
    matrix[:20, :2], matrix[:, 2], matrix[:3, 3] = 1, 1, 1
    doubts = find_doubts_of_labels(matrix, ["a", "b", "always", "rare"])
    assert "'rare' (3)" in doubts[0]
    assert doubts[1].startswith("all rows have 'always'")
    assert doubts[2] == "labels that always come together: 'a' and 'b'; one says it all"


def test_parts_have_their_share_of_each_label_however_rare() -> None:
    rng = np.random.default_rng(1)
    labels = (rng.random((600, 8)) < np.geomspace(0.5, 0.02, 8)).astype("int8")
    hashes = hash_rows(pd.DataFrame(rng.random((600, 2))))
    parts = number_parts(hashes, labels, 5, 0)
    counts = np.array([labels[parts == part].sum(axis=0) for part in range(5)])
    assert (np.ptp(counts, axis=0) <= 2).all()
    assert np.ptp(np.bincount(parts)) <= 3
    drawn = draw_share(hashes, labels, 0.25, 0)
    assert np.abs(labels[drawn].sum(axis=0) - labels.sum(axis=0) / 4).max() <= 1
    assert (parts == number_parts(hashes, labels, 5, 0)).all()
    assert (parts != number_parts(hashes, labels, 5, 1)).any()


def test_rows_that_belong_together_stay_together_and_a_seed_divides_labels_evenly() -> None:
    rng = np.random.default_rng(1)
    labels = (rng.random((300, 3)) < [0.4, 0.2, 0.05]).astype("int8")
    groups = hash_rows(pd.DataFrame({"group": np.arange(300) // 5}))
    parts = number_parts(groups, labels, 4, 0)
    assert pd.Series(parts).groupby(groups).nunique().max() == 1
    drawn = is_drawn(groups, 0.25, choose_seed(groups, labels, 0.25))
    shares = labels[drawn].sum(axis=0) / labels.sum(axis=0)
    assert np.abs(shares - 0.25).max() < 0.1


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        SmoothForest(10, random_state=0),
        SmoothTree(min_samples_leaf=5),
        SmoothNeighbours(5),
        SmoothForest(10, class_weight="balanced", random_state=0),
    ],
    ids=repr,
)
def test_each_label_has_a_probability_of_its_own(
    made: tuple[np.ndarray, np.ndarray], estimator: object
) -> None:
    X, y = made
    y = np.column_stack([y, np.zeros(len(y), int), np.ones(len(y), int)])
    model = take_labels(estimator).fit(X, y)
    probabilities = model.predict_proba(X)
    assert probabilities.shape == y.shape
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert metrics.roc_auc_score(y[:, :4], probabilities[:, :4]) > 0.8
    assert (probabilities[:, 4] < 0.05).all()
    assert (probabilities[:, 5] > 0.95).all()
    assert (model.predict(X) == (probabilities >= 0.5)).all()


def test_one_estimator_per_label_is_what_scikit_learn_makes_by_hand(
    made: tuple[np.ndarray, np.ndarray],
) -> None:
    X, y = made
    ours = EachLabel(LogisticRegression()).fit(X, y).predict_proba(X)
    by_hand = [LogisticRegression().fit(X, labels).predict_proba(X)[:, 1] for labels in y.T]
    np.testing.assert_array_equal(ours, np.column_stack(by_hand))


def test_a_label_of_a_single_row_is_told_by_its_share() -> None:
    X, y = np.arange(20.0)[:, np.newaxis], np.zeros((20, 2), int)
    y[3, 0], y[:10, 1] = 1, 1
    probabilities = EachLabel(LogisticRegression()).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(probabilities[:, 0], 1.5 / 21)


def test_a_step_that_learns_from_the_target_learns_from_each_label() -> None:
    X = np.array([["x"], ["y"]] * 20, dtype=object)
    y = np.column_stack([np.tile([1, 0], 20), np.tile([0, 1], 20)])
    encoder = EncodeByLabel(TargetEncoder(target_type="continuous"))
    assert encoder.fit_transform(X, y).shape == (40, 2)
    first, second = encoder.transform(X[:1])[0]
    assert first > 0.9 > 0.1 > second


def test_a_network_has_an_output_for_each_label(made: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = made
    options = {"hidden_units": (8,), "dropout": 0.0}
    network = NetworkLabeller(
        build=common.perceptron, options=options, max_epochs=6, learning_rate=0.03
    ).fit(X, y)
    probabilities = network.predict_proba(X)
    assert probabilities.shape == y.shape
    assert metrics.roc_auc_score(y, probabilities) > 0.7


def test_a_network_of_labels_weights_no_classes() -> None:
    problem = Problem("multilabel", 0)
    with pytest.raises(UserError, match="cannot weight them"):
        problem.network(lambda: None, {"class_weight": "balanced"})


def test_metrics_of_labels_are_those_of_scikit_learn(outcome: Outcome) -> None:
    y, p, decisions = outcome.actual, outcome.predicted, outcome.decisions
    losses = [metrics.log_loss(y[:, place], p[:, place]) for place in range(3)]
    expected = {
        "log_loss": np.mean(losses),
        "average_precision": metrics.average_precision_score(y, p, average="macro"),
        "roc_auc": metrics.roc_auc_score(y, p, average="macro"),
        "f1_macro": metrics.f1_score(y, decisions, average="macro"),
        "f1_micro": metrics.f1_score(y, decisions, average="micro"),
        "hamming_loss": metrics.hamming_loss(y, decisions),
        "exact_match": metrics.accuracy_score(y, decisions),
    }
    scores = {metric.name: metric.score(outcome) for metric in METRICS["multilabel"]}
    assert scores == pytest.approx(expected | {"calibration_error": scores["calibration_error"]})
    weights = np.random.default_rng(0).integers(0, 3, (1, 80)).astype(float)
    repeated = outcome.take(np.repeat(np.arange(80), weights[0].astype(int)))
    for metric in METRICS["multilabel"]:
        assert metric.measure(outcome, weights)[0] == pytest.approx(metric.score(repeated))


def params(decision: object) -> Params:
    return Params.model_validate(
        {
            **{"seed": 1, "kind": "multilabel", "reproducibility": "strict"},
            **{"keras_backend": "jax", "split": {"test_fraction": 0.25}},
            "data": {"raw": "data/raw", "max_rejected": 0.1},
            "train": {"folds": 2, "candidates": {"baseline": {}}, "decision": decision},
            "evaluate": {"resamples": 20, "confidence": 0.95},
        }
    )


def test_each_label_is_decided_at_the_threshold_that_is_best_for_it(outcome: Outcome) -> None:
    learnt = fit_postprocessing(params("f1_macro"), outcome)
    assert learnt.thresholds is not None
    for place in range(2):
        tried = np.linspace(0.02, 0.98, 25)
        scores = [
            metrics.f1_score(outcome.actual[:, place], outcome.predicted[:, place] >= threshold)
            for threshold in [learnt.thresholds[place], *tried]
        ]
        assert scores[0] >= max(scores) - 1e-9
    assert outcome.actual[:, 2].sum() < 10
    assert learnt.thresholds[2] == 0.5
    assert fit_postprocessing(params(0.3), outcome).thresholds == (0.3,) * 3
    assert fit_postprocessing(params(None), outcome).thresholds is None
    dear, cheap = (
        fit_postprocessing(params({"missed": missed, "false_alarm": 1}), outcome).thresholds
        for missed in (20, 0.05)
    )
    assert dear is not None
    assert cheap is not None
    assert dear[0] < cheap[0]


def test_what_is_of_all_labels_together_is_best_at_one_threshold(outcome: Outcome) -> None:
    learnt = fit_postprocessing(params("f1_micro"), outcome)
    assert learnt.thresholds is not None
    assert len({*learnt.thresholds}) == 1
    scores = [
        metrics.f1_score(outcome.actual, outcome.predicted >= threshold, average="micro")
        for threshold in [learnt.thresholds[0], *np.linspace(0.02, 0.98, 25)]
    ]
    assert scores[0] >= max(scores) - 1e-9
    few = outcome.take(np.flatnonzero(outcome.actual.any(axis=1))[:3])
    assert fit_postprocessing(params("f1_micro"), few).thresholds == (0.5,) * 3


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (None, "where it is more probable than not"),
        (0.3, "from a probability of 0.3 on."),
        ("f1_micro", "from a probability of 0.2 on, at which f1_micro is best on the validation"),
        ("f1_macro", "on that is its own: that at which f1_macro of it is best on the validation"),
        ({"missed": 9, "false_alarm": 1}, "where a missed one costs 9 and a false alarm 1"),
    ],
)
def test_when_a_label_is_given_is_told(decision: object, expected: str) -> None:
    (line,) = describe_thresholds(Postprocessing(decision=decision, thresholds=(0.2, 0.2)))
    assert expected in line


def test_each_label_is_measured_by_itself(outcome: Outcome) -> None:
    lines = measure_labels(outcome, 0.95)
    precision, recall, f1, rows = metrics.precision_recall_fscore_support(
        outcome.actual, outcome.decisions
    )
    for place, line in enumerate(lines):
        assert (line["label"], line["rows"]) == (outcome.labels[place], rows[place])
        assert (line["precision"], line["recall"]) == pytest.approx(
            (precision[place], recall[place])
        )
        assert line["f1"] == pytest.approx(f1[place])
        low, high = line["recall_interval"]
        assert low < recall[place] <= high
    never = Outcome(outcome.actual * 0, outcome.predicted * 0, labels=outcome.labels)
    assert measure_labels(never, 0.95)[0]["precision"] is None


def test_labels_together_are_shares_of_the_rows_with_the_first() -> None:
    shares = count_together(np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0]]))
    np.testing.assert_array_equal(shares[:2], [[1, 0.5, 0], [0.5, 1, 0]])
    assert np.isnan(shares[2]).all()


def test_outcomes_are_expected_label_by_label(outcome: Outcome) -> None:
    expectation = Expectation.fit(outcome, {})
    draws = [*expectation.draw(outcome, {}, 50, 0)]
    means = np.mean([draw.actual.mean(axis=0) for draw in draws], axis=0)
    np.testing.assert_allclose(means, outcome.actual.mean(axis=0), atol=0.08)
    assert find_metric("multilabel", "log_loss", "").score(draws[0]) > 0


def test_the_images_with_the_most_wrong_labels_are_shown(outcome: Outcome) -> None:
    images = Images(width=3, height=2)
    model = SimpleNamespace(contract=SimpleNamespace(images=images))
    rows = pd.DataFrame({"image": [bytes(6)] * 80, "file": [f"{row}.png" for row in range(80)]})
    pictures, tables = show_mistakes(model, rows, outcome)
    wrong = (outcome.decisions != outcome.actual).sum(axis=1)
    assert tables["mistakes"].loc[0, "file"] == f"{wrong.argmax()}.png"
    assert len(tables["mistakes"]) == np.count_nonzero(wrong)
    first = next(axes.get_title() for axes in pictures["mistakes"].figure.axes)
    assert first == "{predicted}\nis {actual}".format(**tables["mistakes"].loc[0])
    assert pictures["mistakes"].caption.endswith(" gets the most labels wrong.")
    worst = [int(wrong.argmax())]
    pictures, _ = show_mistakes(model, rows.iloc[worst], outcome.take(worst))
    assert pictures["mistakes"].caption.startswith("The test image of which the champion gets")


def test_predictions_of_each_of_two_labels_depend_on_a_feature_in_their_own_way() -> None:
    tags = TAGS.model_dump(exclude_none=True) | {"categories": ["red", "round"]}
    contract = Contract.model_validate(WORDS | {"columns": {"size": NUMBER, "tags": tags}})

    def predict(X: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"probability_red": X["size"], "probability_round": 1 - X["size"]})

    rows = pd.DataFrame({"size": [0.2, 0.4]})
    model = SimpleNamespace(contract=contract, apply=predict)
    table = partial_dependence(model, rows, ["size"], seed=0).set_index(["class", "value"])
    assert table.loc["red", "prediction"].to_dict() == {0.2: 0.2, 0.4: 0.4}
    assert table.loc["round", "prediction"].to_dict() == {0.2: 0.8, 0.4: 0.6}
