"""What the figures of sequences show is what was measured, by what it is and was taken for."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from lockstep.core.contract import Contract
from lockstep.core.examples import frame_contract
from lockstep.data.past import encode_pasts
from lockstep.modeling.outcome import Outcome
from lockstep.modeling.signals import join_channels, part_channels
from lockstep.reporting import signals as reporting_signals
from lockstep.reporting.facts import describe_test_size
from lockstep.reporting.signal_gallery import show_signals
from lockstep.reporting.signals import Signals
from made_up_sequences import CONTRACT

EXAMPLES = frame_contract(Contract.model_validate(CONTRACT))
ANGLE, SPEED = 0, 1


def make_signals() -> np.ndarray:
    """(30, 24, 2) of which the speed alone differs by whether a row's number is odd."""
    signals = np.random.default_rng(0).normal(size=(30, 24, 2))
    signals[1::2, :, SPEED] += 5
    signals[4, :10] = np.nan
    return signals


def show(outcome: Outcome) -> Signals:
    rows = pd.DataFrame(
        {
            "swing": [f"swing {number}" for number in range(30)],
            "signal": encode_pasts(make_signals()),
            "weight": 1.0,
        }
    )
    return Signals(SimpleNamespace(contract=EXAMPLES), rows, outcome)


@pytest.fixture
def classes() -> Outcome:
    """Two of which are wrong, of the row 3 more surely than of the row 8."""
    actual = np.arange(30) % 2
    predicted = np.eye(2)[actual] * 0.8 + 0.1
    predicted[3], predicted[8] = [0.95, 0.05], [0.4, 0.6]
    return Outcome(actual, predicted, ("once", "often"))


@pytest.fixture
def numbers() -> Outcome:
    actual = np.arange(30.0)
    predicted = actual + np.where(np.arange(30) == 7, -5, 0.1)
    return Outcome(actual, predicted)


def test_the_test_is_told_by_its_sequences() -> None:
    assert describe_test_size(pd.DataFrame(index=range(1158)), EXAMPLES) == "1,158 test sequences"


def test_means_are_of_the_rows_of_a_class_and_the_channel_that_differs_is_first(
    classes: Outcome,
) -> None:
    table = show(classes).tabulate_means()
    assert list(table["channel"].unique()) == ["speed", "angle"]
    once = table[(table["part"] == "once") & (table["channel"] == "speed")]
    expected = make_signals()[::2, :, SPEED]
    assert list(once["point"]) == [*range(-23, 1)]
    assert once["mean"].to_numpy() == pytest.approx(np.nanmean(expected, axis=0))
    assert once["spread"].to_numpy() == pytest.approx(np.nanstd(expected, axis=0))


def test_the_worst_mistakes_are_shown_in_the_channel_that_tells_most(classes: Outcome) -> None:
    signals = show(classes)
    mistakes = signals.tabulate_mistakes()
    assert mistakes[["row", "sequence"]].to_numpy().tolist() == [[3, "swing 3"], [8, "swing 8"]]
    traces = signals.trace_mistakes()
    assert {*traces["channel"]} == {"speed"}
    worst = traces[traces["row"] == 3]
    own = make_signals()
    assert worst["value"].to_numpy() == pytest.approx(own[3, :, SPEED])
    assert worst["actual"].to_numpy() == pytest.approx(own[1::2, :, SPEED].mean(axis=0))
    assert worst["predicted"].to_numpy() == pytest.approx(np.nanmean(own[::2, :, SPEED], axis=0))


def test_numbers_are_parted_into_thirds_and_the_largest_error_comes_first(
    numbers: Outcome,
) -> None:
    signals = show(numbers)
    assert signals.shown_parts == ["0 to 9.67", "9.67 to 19.3", "19.3 to 29"]
    mistakes = signals.tabulate_mistakes()
    assert mistakes.loc[0, ["row", "actual", "predicted"]].tolist() == [7, 7, 2]
    gallery = show_signals(signals, "size")
    assert {*gallery.pictures} == {"signals", "signal_mistakes"}
    assert "third by size" in gallery.pictures["signals"].caption


def test_what_is_left_out_of_a_figure_is_told(
    classes: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting_signals, "MOST_CHANNELS", 1)
    gallery = show_signals(show(classes), "drive")
    assert "1 of 2 channels are shown" in gallery.pictures["signals"].caption
    (axes,) = gallery.pictures["signals"].figure.axes
    assert axes.get_title(loc="left") == "speed"


def test_a_set_of_labels_that_no_row_has_is_drawn_by_those_that_have_it_among_others() -> None:
    actual = np.column_stack([np.arange(30) % 2, np.arange(30) % 3 == 0, np.ones(30)]).astype(int)
    predicted = actual * 0.8 + 0.1
    predicted[3, 1:] = 0.2  # of the first label alone, which never comes so
    signals = show(Outcome(actual, predicted, labels=("a", "b", "c")))
    assert "a" in signals.parts
    traces = signals.trace_mistakes()
    drawn = traces[traces["row"] == 3]
    channel = ["angle", "speed"].index(drawn["channel"].iloc[0])
    expected = make_signals()[1::2, :, channel].mean(axis=0)
    assert drawn["predicted"].to_numpy() == pytest.approx(expected)


def test_rows_of_several_labels_are_parted_by_all_of_them() -> None:
    actual = np.array([[1, 0], [1, 1]])[np.arange(30) % 2]
    predicted = actual * 0.8 + 0.1
    predicted[3], predicted[8, 1] = [0.1, 0.1], 0.9
    outcome = Outcome(actual, predicted, labels=("a", "b"), thresholds=(0.5, 0.5))
    pictures, tables = show_signals(show(outcome), "tags")
    assert [*tables["signals"]["part"].unique()] == ["a", "a, b"]
    assert "over the test rows of a set of labels, with" in pictures["signals"].caption
    mistakes = tables["mistakes"][["row", "actual", "predicted"]]
    assert mistakes.to_numpy().tolist() == [[3, "a, b", "none"], [8, "a", "a, b"]]
    titles = [axes.get_title(loc="left") for axes in pictures["signal_mistakes"].figure.axes]
    assert any("swing 3\nis a, b, taken for none" in title for title in titles)


def test_without_a_mistake_there_is_no_figure_of_them() -> None:
    actual = np.arange(30) % 2
    gallery = show_signals(show(Outcome(actual, np.eye(2)[actual], ("once", "often"))), "drive")
    assert [*gallery.pictures] == ["signals"]
    assert gallery.tables["mistakes"].empty


def test_one_row_of_a_class_has_no_mean_and_is_no_error() -> None:
    actual = np.zeros(30, dtype="int64")
    actual[5] = 1
    gallery = show_signals(show(Outcome(actual, np.eye(2)[1 - actual], ("once", "often"))), "drive")
    table = gallery.tables["signals"].set_index("part")
    assert table.loc["often", "mean"].isna().all()
    assert {*gallery.pictures} == {"signals", "signal_mistakes"}


def test_channels_are_parted_and_joined_to_the_same_signals() -> None:
    X = pd.DataFrame({"weight": 1.0, "signal": encode_pasts(make_signals())})[EXAMPLES.features]
    parted = part_channels(X, EXAMPLES)
    assert {*parted} == {"weight", "angle", "speed"}
    assert parted["angle"][2] == make_signals()[2, :, ANGLE].tobytes()
    pd.testing.assert_frame_equal(join_channels(parted, EXAMPLES), X)
