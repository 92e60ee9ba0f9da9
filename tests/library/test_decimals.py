"""Figures near zero are written with the decimals that tell them apart."""

from math import nan

import pytest
from lockstep.core.decimals import count_decimals
from lockstep.docs.results import _format_mean
from lockstep.records.run import Figure
from lockstep.records.wording import format_ends, format_figure, format_number
from lockstep.reporting.facts import Estimate


@pytest.mark.parametrize(
    ("figures", "decimals"),
    [
        ([0.32107], 4),
        ([-0.00214], 4),
        ([0.000123], 6),
        ([-0.0000123, 0.0000001], 7),
        ([0.0000123, 0.5], 4),
        ([0.00032, nan], 6),
        ([2.2e-16], 4),
        ([0.0], 4),
        ([nan], 4),
    ],
)
def test_the_largest_of_small_figures_shows_three_digits(
    figures: list[float], decimals: int
) -> None:
    assert count_decimals(*figures) == decimals


def test_a_small_figure_is_told_from_its_baseline_wherever_it_stands() -> None:
    scores = {"deviance": 0.000123, "intervals": {"deviance": [0.0001101, 0.00014]}}
    assert str(Estimate.from_scores(scores, "deviance")) == "0.000123 (0.000110 to 0.000140)"
    assert _format_mean("0.000123", "0.00001") == "0.000123 ± 0.000010"
    assert format_figure(Figure(0.000123, 0.00001)) == "0.000123 +- 0.000010"
    assert format_figure(Figure(0.3211, 0.00001)) == "0.3211 +- 0.0000"
    assert format_ends((-0.000004, 0.000123), "+") == "-0.000004 to +0.000123"
    assert format_ends((-0.000004, 0.0123), "+") == "+0.0000 to +0.0123"
    assert format_number(12345.678) == "12346"
