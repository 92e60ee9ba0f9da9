"""What evaluate finds out beside the metrics: intervals, decisions, slices, dependence."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT, StubPipeline, make_fruit, make_params
from lockstep.core.contract import Contract
from lockstep.modeling.blocks import SIZE
from lockstep.modeling.model import Model
from lockstep.modeling.outcome import Outcome
from lockstep.reporting import figures
from lockstep.reporting.curves import decision_curve
from lockstep.reporting.dependence import partial_dependence
from lockstep.reporting.measure import measure, predict_all
from lockstep.reporting.slices import is_worse, measure_slices, row_losses

TERMS = Contract.model_validate(CONTRACT)


def find_worse(rows: pd.DataFrame, losses: np.ndarray, terms: Contract = TERMS) -> pd.DataFrame:
    slices = measure_slices(terms, rows, losses)
    return slices[is_worse(slices)]


def test_a_part_that_is_predicted_worse_is_found() -> None:
    rows = make_fruit(200)
    losses = np.random.default_rng(0).exponential(size=200)
    assert find_worse(rows, losses).empty
    is_green = (rows["colour"] == "green").to_numpy()
    worse = find_worse(rows, losses + is_green)
    assert worse.iloc[0][["column", "value", "rows"]].tolist() == [
        "colour",
        "green",
        is_green.sum(),
    ]
    assert worse.iloc[0]["loss"] > worse.iloc[0]["loss_elsewhere"] + 0.5


def test_numbers_are_cut_into_quarters_and_what_is_missing() -> None:
    rows = make_fruit(200).assign(weight=np.arange(200.0))
    rows["seeds"] = rows["seeds"].astype("Int64").mask(np.arange(200) < 30)
    rows.loc[rows["seeds"].notna(), "seeds"] = 7
    losses = np.random.default_rng(0).exponential(size=200) + 3 * (np.arange(200) < 30)
    slices = measure_slices(TERMS, rows, losses)
    values = slices.groupby("column")["value"].agg(set)
    assert values["weight"] == {"0 to 49 g", "50 to 99 g", "100 to 149 g", "150 to 199 g"}
    assert values["seeds"] == {"missing", "7"}
    assert find_worse(rows, losses)["value"].tolist()[:2] == ["missing", "0 to 49 g"]


def test_times_are_cut_into_quarters() -> None:
    seen = {"type": "datetime", "meaning": "when"}
    terms = Contract.model_validate(CONTRACT | {"columns": CONTRACT["columns"] | {"seen": seen}})
    rows = make_fruit(40).assign(seen=pd.date_range("2026-01-01", periods=40))
    slices = measure_slices(terms, rows, np.ones(40))
    assert "2026-01-01 to 2026-01-10" in set(slices["value"])
    assert not is_worse(slices).any()


@pytest.mark.parametrize("rows", [1, 9, 19])
def test_few_rows_are_no_slices(rows: int) -> None:
    assert measure_slices(TERMS, make_fruit(rows), np.ones(rows)).empty


def test_chance_is_seldom_called_worse() -> None:
    rng = np.random.default_rng(0)
    alarms = [not find_worse(make_fruit(60), rng.exponential(size=60)).empty for _ in range(60)]
    assert np.mean(alarms) < 0.1


def test_a_part_of_few_groups_is_not_called_worse_for_its_many_rows() -> None:
    # Colour, loss and group go together: one loss for each of six groups of 50 rows.
    rng = np.random.default_rng(0)
    groups = np.arange(6).repeat(50)
    rows = make_fruit(300).assign(colour=np.where(groups % 2, "green", "red"))
    losses = np.array([1.0, 1.5, 2.0, 2.2, 0.5, 0.9])[groups] + rng.normal(0, 0.1, 300)
    assert not find_worse(rows, losses).empty
    slices = measure_slices(TERMS, rows, losses, groups)
    assert len(slices) == len(measure_slices(TERMS, rows, losses))
    assert not is_worse(slices)[slices["column"] == "colour"].any()


def test_losses_of_rows_are_those_of_the_metrics() -> None:
    probabilities = np.array([[0.5, 0.5], [0.0, 1.0]])
    classes = Outcome(np.array([0, 0]), probabilities, ("apple", "melon"))
    assert row_losses(classes).tolist() == pytest.approx([np.log(2), 36.04], abs=0.01)
    numbers = Outcome(np.array([1.0, 5.0]), np.array([3.0, 4.0]))
    assert row_losses(numbers).tolist() == [2, 1]
    forecasts = replace(numbers, forecasts=pd.DataFrame({"spread": [4.0, 0.5]}))
    assert row_losses(forecasts).tolist() == [0.5, 2]


def test_the_net_benefit_weighs_false_alarms_by_the_threshold() -> None:
    actual, sure = np.array([1, 1, 0, 0, 0]), np.array([0.9, 0.3, 0.6, 0.1, 0.1])
    champion = Outcome(actual, np.column_stack([1 - sure, sure]), ("apple", "melon"))
    baseline = Outcome(actual, np.tile([0.6, 0.4], (5, 1)), ("apple", "melon"))
    curve = decision_curve(champion, baseline).set_index("threshold")
    assert curve.loc[0.25].to_dict() == pytest.approx(
        {"champion": 2 / 5 - 1 / 5 / 3, "baseline": 2 / 5 - 3 / 5 / 3, "all": 0.2, "none": 0}
    )
    assert curve.loc[0.5, "champion"] == pytest.approx(1 / 5 - 1 / 5)
    assert curve.loc[0.5, "baseline"] == 0


def test_decisions_and_intervals_are_measured() -> None:
    sure = np.array([0.9, 0.3, 0.6, 0.1])
    shares = np.column_stack([1 - sure, sure])
    outcome = Outcome(np.array([1, 1, 0, 0]), shares, ("apple", "melon"), threshold=0.2)
    assert measure(make_params(), outcome, outcome)["decisions"] == {
        "threshold": 0.2,
        "true_negatives": 1,
        "false_positives": 1,
        "false_negatives": 0,
        "true_positives": 2,
    }
    numbers = np.arange(10.0)
    ends = np.column_stack([numbers - 1, numbers + 1])
    ends[0] += 5
    outcome = Outcome(numbers, numbers, interval=ends)
    params = make_params(
        kind="regression", train={**make_params().train.model_dump(), "metric": "mae"}
    )
    measured = measure(params, outcome, outcome)["prediction_intervals"]
    assert (measured["coverage"], measured["mean_width"]) == (0.9, 2)
    # Wilson's interval of 9 in 10.
    assert measured["interval"] == pytest.approx([0.5958, 0.9821], abs=1e-3)


def test_rows_of_a_group_make_the_interval_of_the_coverage_no_narrower() -> None:
    def measure_coverage(times: int) -> dict:
        numbers, groups = np.arange(10.0).repeat(times), np.arange(10).repeat(times)
        ends = np.column_stack([numbers - 1, numbers + 1])
        ends[:times] += 5
        outcome = Outcome(numbers, numbers, groups=groups, interval=ends)
        settings = {**make_params().train.model_dump(), "metric": "mae"}
        params = make_params(kind="regression", train=settings)
        return measure(params, outcome, outcome)["prediction_intervals"]

    assert measure_coverage(20) == measure_coverage(1)


def make_model(probability: object) -> Model:
    """One whose probability of a melon is a function of the rows."""

    def predict_proba(X: pd.DataFrame) -> np.ndarray:
        sure = np.asarray(probability(X), dtype=float)
        return np.column_stack([1 - sure, sure])

    pipeline = StubPipeline(classes_=np.array(["apple", "melon"]), predict_proba=predict_proba)
    return Model(pipeline, "", "classification", TERMS)


class StubTable(list):
    """Batches of rows that are in memory."""

    def map(self, function: Callable[[pd.DataFrame], object]) -> Iterator[object]:
        return map(function, self)


def test_rows_of_equal_features_are_drawn_together_and_make_no_interval_narrower() -> None:
    few = make_fruit(40).drop_duplicates(TERMS.features)
    many = pd.concat([few] * 5, ignore_index=True)
    model = make_model(lambda X: X["weight"].rank(pct=True) * 0 + 0.4)
    results = {}
    for name, rows in (("few", [few]), ("many", [many.iloc[:70], many.iloc[70:]])):
        _, [outcome] = predict_all(StubTable(rows), model)
        assert outcome.groups.max() + 1 == len(few)
        low, high = measure(make_params(), outcome, outcome)["intervals"]["log_loss"]
        results[name] = high - low
    assert results["many"] == pytest.approx(results["few"], rel=0.2)


def test_groups_are_drawn_together_where_the_contract_names_them() -> None:
    rows = make_fruit(30).assign(crate=["a", "b", "c"] * 10)
    columns = CONTRACT["columns"] | {"crate": {"type": "identifier", "meaning": "crate"}}
    terms = Contract.model_validate(CONTRACT | {"columns": columns, "group": "crate"})
    _, [outcome] = predict_all(
        StubTable([rows]), replace(make_model(lambda X: X["weight"] * 0), contract=terms)
    )
    assert outcome.groups.tolist() == [0, 1, 2] * 10


def test_partial_dependence_is_the_mean_prediction_with_one_value_for_all() -> None:
    rows = make_fruit(200)
    model = make_model(lambda X: X["weight"] / 1000 + 0.3 * (X["colour"] == "red"))
    table = partial_dependence(model, rows, ["weight", "colour"], seed=1)
    assert set(table["class"]) == {"melon"}
    weights = table[table["feature"] == "weight"]
    assert set(weights["value"]) <= set(rows["weight"])
    others = (weights["prediction"] - weights["value"].astype(float) / 1000).to_numpy()
    np.testing.assert_allclose(others, 0.3 * (rows["colour"] == "red").mean())
    green, red = table.loc[table["feature"] == "colour", "prediction"]
    assert red - green == pytest.approx(0.3)


def test_partial_dependence_of_very_many_rows_and_levels_is_of_some() -> None:
    levels = [f"l{place:03}" for place in range(40)]
    colour = {"type": "categorical", "categories": levels, "meaning": "colour"}
    terms = Contract.model_validate(
        CONTRACT | {"columns": CONTRACT["columns"] | {"colour": colour}}
    )
    sizes = []
    model = make_model(lambda X: sizes.append(len(X)) or np.full(len(X), 0.5))
    model = Model(model.pipeline, "", "classification", terms)
    colours = np.random.default_rng(0).choice(levels, 5000)
    table = partial_dependence(model, make_fruit(5000).assign(colour=colours), ["colour"], seed=1)
    assert len(table) == 10
    assert sum(sizes) == 12 * SIZE  # 3,000 in whole blocks


def test_partial_dependence_tries_values_that_rows_have_in_their_own_type() -> None:
    seen = {"type": "datetime", "meaning": "when", "nullable": True}
    columns = CONTRACT["columns"] | {"seen": seen}
    terms = Contract.model_validate(CONTRACT | {"columns": columns})
    rows = make_fruit(50).assign(seen=pd.date_range("2026-01-01", periods=50))
    rows["seeds"] = rows["seeds"].astype("Int64").mask(rows["seeds"] == 0)
    rows.loc[3, "seen"] = pd.NaT
    types: list[pd.Series] = []
    model = make_model(lambda X: types.append(X.dtypes) or np.full(len(X), 0.5))
    model = Model(model.pipeline, "", "classification", terms)
    table = partial_dependence(model, rows, ["seeds", "seen"], seed=1)
    for feature, values in table.groupby("feature")["value"]:
        assert set(values) <= set(rows[feature].dropna())
    assert all(one.equals(rows[terms.features].dtypes) for one in types)
    assert figures.partial_dependence(table, "probability").axes


@pytest.mark.parametrize(("count", "is_beside"), [(3, False), (10, True)])
def test_a_legend_of_many_classes_lies_beside_their_curves(*, count: int, is_beside: bool) -> None:
    averages = {f"a class of number {number}": 0.5 for number in range(count)}
    table = pd.DataFrame({"class": list(averages), "recall": 0.5, "precision": 0.5})
    figure = figures.precision_recall_curves(table, averages)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    legend = axes.get_legend().get_window_extent()
    assert (legend.x0 >= axes.get_window_extent().x1) == is_beside
    assert legend.x1 <= figure.bbox.x1


def test_unequal_folds_are_one_point_per_size_of_the_training_sizes() -> None:
    table = pd.DataFrame(
        {
            "rows": [10, 10, 20, 20, 38, 42],
            "fold": [1, 2, 1, 2, 2, 1],
            "train": [0.1, 0.1, 0.2, 0.2, 0.3, 0.3],
            "validation": [0.9, 0.7, 0.6, 0.4, 0.5, 0.3],
        }
    )
    (axes,) = figures.training_sizes(table, "log_loss", "linear").axes
    train, validation = axes.get_lines()
    assert list(validation.get_xdata()) == [10, 20, 40]
    assert validation.get_ydata() == pytest.approx([0.8, 0.5, 0.4])
    assert train.get_ydata() == pytest.approx([0.1, 0.2, 0.3])
    band = axes.collections[1].get_paths()[0].vertices
    assert {0.3, 0.5} <= {*band[band[:, 0] == 40, 1].round(9)}
