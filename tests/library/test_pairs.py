"""Two runs on the same test rows: which rows are paired, and by how much one is better."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lockstep.core.errors import UserError
from lockstep.core.params import EvaluateParams
from lockstep.modeling.metrics import METRICS, OF_RATES, find_metric
from lockstep.records.pairs import Pair, measure_gains, pair_runs
from lockstep.records.run import WORKSPACE, read_run
from made_up_runs import History, make_predictions

SETTINGS = EvaluateParams(resamples=200, confidence=0.95)
CLASSIFICATION = METRICS["classification"]


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def pair(
    history: History, before: pd.DataFrame, after: pd.DataFrame, changes: dict | None = None
) -> Pair | None:
    """Those of a commit with `before`, and the workspace with `after`."""
    history.commit("before", predictions=before, test={"rows": len(before)})
    history.run(predictions=after, **(changes or {}))
    repository = history.repository
    return pair_runs(repository, read_run(repository, "HEAD"), read_run(repository, WORKSPACE))


def reverse(history: History) -> Pair:
    repository = history.repository
    turned = pair_runs(repository, read_run(repository, WORKSPACE), read_run(repository, "HEAD"))
    assert turned is not None
    return turned


def test_rows_are_paired_by_their_names_in_whatever_order_they_stand(history: History) -> None:
    before, after = make_predictions(seed=1), make_predictions(seed=2)
    both = pair(history, before.iloc[:30], after.iloc[10:].sample(frac=1, random_state=0))
    assert both is not None and len(both) == 20
    own = before.iloc[10:30].set_index("row").sort_index()["probability_melon"]
    theirs = after.iloc[10:30].set_index("row").sort_index()["probability_melon"]
    assert both.before.predicted[:, 1].tolist() == own.tolist()
    assert both.after.predicted[:, 1].tolist() == theirs.tolist()
    assert (both.before.actual == both.after.actual).all()


def test_rows_of_one_name_are_paired_in_their_order_and_by_what_is_true(history: History) -> None:
    before = make_predictions(4).assign(
        row="same", actual=["apple", "melon", "apple", "melon"], probability_melon=[1, 2, 3, 4]
    )
    after = before.assign(
        actual=["melon", "apple", "melon", "melon"], probability_melon=[5, 6, 7, 8]
    )
    both = pair(history, before, after)
    assert both is not None
    assert both.before.predicted[:, 1].tolist() == [1, 2, 4]
    assert both.after.predicted[:, 1].tolist() == [6, 5, 7]


def test_identifiers_pair_rows_whose_features_are_others_if_both_runs_have_some(
    history: History,
) -> None:
    before = make_predictions().assign(id=[f"{number:016x}" for number in range(40)])
    after = before.assign(row=before["row"].str.replace("0", "f"))
    both = pair(history, before, after)
    assert both is not None and len(both) == 40
    history.commit("by identifiers")
    assert pair(history, before.drop(columns="id"), after) is None
    history.commit("by rows")
    assert pair(history, before.assign(id="of many"), after) is None


def test_the_same_numbers_with_other_intervals_are_not_the_same(history: History) -> None:
    numbers = {"kind": "regression", "classes": [], "target": "weight"}
    names = [f"{number:016x}" for number in range(4)]
    before = pd.DataFrame({"prediction": [1.0, 2, 3, 4], "actual": [1.0, 2, 3, 5], "row": names})
    before = before.assign(prediction_low=0.0, prediction_high=9.0)
    history.run(**numbers)
    same, other = (pair(history, before, before.assign(prediction_low=low)) for low in (0.0, 1.0))
    assert same is not None and same.is_alike
    assert other is not None and not other.is_alike


def test_of_two_groupings_the_coarser_one_holds(history: History) -> None:
    fine, coarse = make_predictions(), make_predictions().assign(group=np.arange(40) // 4)
    both = pair(history, coarse, fine)
    assert both is not None and both.after.groups is not None and both.before.groups is not None
    assert len(set(both.after.groups)) == len(set(both.before.groups)) == 10
    wide = measure_gains(both, CLASSIFICATION, SETTINGS, 0)
    alone = pair(history, fine.drop(columns="group"), fine.drop(columns="group"))
    assert alone is not None and alone.after.groups is not None
    assert len(set(alone.after.groups)) == 40
    assert wide["log_loss"].figure == 0


def test_a_pair_turned_round_gives_the_same_gains_of_the_other_sign(history: History) -> None:
    after = make_predictions(skill=2, seed=3).sample(frac=1, random_state=0)
    both = pair(history, make_predictions(skill=0.5), after)
    assert both is not None
    gains = measure_gains(both, CLASSIFICATION, SETTINGS, 0)
    losses = measure_gains(reverse(history), CLASSIFICATION, SETTINGS, 0)
    assert gains["log_loss"].low > 0
    for name, gain in gains.items():
        assert losses[name] == pytest.approx((-gain.figure, -gain.high, -gain.low))


def test_a_model_is_no_better_than_itself(history: History) -> None:
    both = pair(history, make_predictions(), make_predictions())
    assert both is not None and both.is_alike
    assert measure_gains(both, CLASSIFICATION, SETTINGS, 0)["log_loss"] == (0, 0, 0)


def test_another_threshold_is_another_model_of_the_same_probabilities(history: History) -> None:
    changes = {"model": {"postprocessing": {"threshold": 0.9}}}
    both = pair(history, make_predictions(), make_predictions(), changes)
    assert both is not None and not both.is_alike
    gains = measure_gains(both, CLASSIFICATION, SETTINGS, 0)
    assert gains["log_loss"].figure == 0 > gains["accuracy"].figure


def test_numbers_are_paired_to_the_last_bit_and_with_their_intervals(history: History) -> None:
    numbers = make_predictions()[["row"]].assign(prediction=np.arange(40) / 3, actual=1e15)
    numbers = numbers.assign(prediction_low=numbers["prediction"] - 0.1, prediction_high=1e17 / 3)
    both = pair(
        history,
        numbers.astype({"actual": "object"}).assign(actual=10**15),
        numbers,
        {"kind": "regression", "classes": []},
    )
    assert both is None, "a commit of classes has nothing in common with one of numbers"
    both = pair(history, numbers, numbers)
    assert both is not None and both.after.interval is not None
    assert (both.after.predicted == numbers.set_index("row").sort_index()["prediction"]).all()
    assert set(both.after.interval[:, 1]) == {1e17 / 3}
    assert measure_gains(both, METRICS["regression"], SETTINGS, 0)["rmse"].figure == 0


@pytest.mark.parametrize("has_exposure", [(True, False), (False, True)])
def test_both_runs_are_measured_by_the_exposure_that_one_of_them_has(
    history: History, has_exposure: tuple[bool, bool]
) -> None:
    table = make_predictions()[["row"]].assign(prediction=np.arange(40) / 3 + 1, actual=2.0)
    with_exposure = table.assign(exposure=np.arange(40) % 4 + 0.5)
    before, after = (with_exposure if has else table for has in has_exposure)
    history.run(kind="regression", classes=[])
    both = pair(history, before, after)
    assert both is not None and both.is_alike
    for name in OF_RATES:
        gains = measure_gains(both, [find_metric("regression", name, "key")], SETTINGS, 0)
        assert gains[name].is_nothing
    expected = with_exposure.set_index("row").sort_index()["exposure"].tolist()
    assert both.before.exposure.tolist() == both.after.exposure.tolist() == expected


def test_names_that_a_spreadsheet_would_run_are_the_same_in_both(history: History) -> None:
    table = make_predictions().replace({"apple": "=apple", "melon": "'-melon"})
    table = table.rename(
        columns={
            "probability_apple": "probability_=apple",
            "probability_melon": "probability_'-melon",
        }
    )
    history.run(classes=["=apple", "'-melon"])
    both = pair(history, table, table.assign(subgroup_colour=["+red", None] * 20))
    assert both is not None and len(both) == 40
    assert sorted(set(both.subgroups["colour"])) == ["'+red", "missing"]


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (None, make_predictions(), {}),
        (make_predictions(), None, {}),
        (make_predictions().drop(columns="row"), make_predictions(), {}),
        (make_predictions(), make_predictions().assign(row="new"), {}),
        (make_predictions(), make_predictions(), {"classes": ["apple", "melon", "pear"]}),
    ],
)
def test_without_rows_or_classes_in_common_there_is_no_pair(
    history: History, before: pd.DataFrame, after: pd.DataFrame, changes: dict
) -> None:
    history.commit("before", predictions=before, target="fruit")
    history.run(predictions=after, **changes)
    repository = history.repository
    runs = [read_run(repository, name) for name in ("HEAD", WORKSPACE)]
    assert pair_runs(repository, *runs) is None


@pytest.mark.parametrize(
    "content",
    ["row,actual\n1,apple\n", "row,actual,probability_apple\n\x00", "row,actual\n1,pear\n"],
)
def test_a_table_that_is_none_is_told_in_a_line(history: History, content: str) -> None:
    history.commit("before", predictions=make_predictions())
    (history.paths.plots / "predictions.csv").write_text(content)
    repository = history.repository
    runs = [read_run(repository, name) for name in ("HEAD", WORKSPACE)]
    with pytest.raises(UserError, match=r"predictions\.csv of workspace: not what `evaluate`"):
        pair_runs(repository, *runs)


def test_forecasts_are_paired_with_what_they_are_measured_in(history: History) -> None:
    forecasts = pd.DataFrame(
        {
            "actual": [1.0, 2.0, 3.0, 4.0],
            "step": [1, 2, 1, 2],
            "spread": 1.0,
            "scale": [2.0, 2.0, np.nan, np.nan],
            "squared_scale": 4.0,
            "row": ["a", "b", "c", "d"],
            "group": [0, 0, 1, 1],
        }
    )
    before = forecasts.assign(prediction=[2.0, 3.0, 9.0, 9.0])
    after = forecasts.assign(prediction=[1.5, 2.5, 3.0, 4.0])
    history.record = history.record | {"kind": "forecasting", "classes": []}
    both = pair(history, before, after)
    assert both is not None
    mase = next(one for one in METRICS["forecasting"] if one.name == "mase")
    assert [mase.score(one) for one in (both.before, both.after)] == [0.5, 0.25]
    assert both.after.forecasts["step"].tolist() == [1, 2, 1, 2]
