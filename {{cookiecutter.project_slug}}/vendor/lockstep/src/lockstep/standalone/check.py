"""Whether a model answers here as it did where it was packed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import zip_longest

from ..core.errors import UserError
from .golden import Row, list_answers, make_frame, read_golden
from .model_package import GOLDEN, ModelPackage

SAME = "the same numbers to the last bit"
CLOSE = 1e-5
"""By how much numbers may differ, as a share of the largest one of their column: other processors
sum in another order, and networks compute with 32 bits."""


def check(package: ModelPackage) -> None:
    """Let the model answer to its golden rows, and print whether it gives the same numbers.

    Raises:
        UserError: A file is not the one that was packed, or an answer is another one by more than
            rounding.
    """
    for difference in package.find_differences():
        print(f"check: {difference}", file=sys.stderr)
    model = package.model  # all files are those that were packed now
    rows, expected = read_golden(package.folder / GOLDEN)
    answers = list_answers(model.predict(make_frame(rows, model.contract)))
    no_answer: Row = {}
    pairs = [*zip_longest(answers, expected, fillvalue=no_answer)]
    wrong = sum(_list_texts(one) != _list_texts(other) for one, other in pairs)
    gaps = {name: _measure_gap(answers, expected, name) for name in _list_numbers(expected)}
    widest = max(gaps, key=lambda name: gaps[name], default="")
    gap = gaps.get(widest, 0.0)
    what = f"{package.info['name']} {package.version}"
    golden = "golden forecasts" if model.contract.forecasts else "golden rows"
    if wrong:
        raise UserError(f"{what}: {wrong} of {len(pairs)} {golden} have other answers here")
    if gap > CLOSE:
        raise UserError(f"{what}: {widest} of the {golden} differs by up to {gap:.1g} here")
    result = f"{widest} differs by up to {gap:.1g} of its largest" if gap else SAME
    print(f"check: {what}: {len(expected)} {golden}, {result}")


def _list_numbers(answers: Sequence[Row]) -> list[str]:
    return [name for name, cell in answers[0].items() if isinstance(cell, float)]


def _list_texts(answer: Row) -> Row:
    return {name: cell for name, cell in answer.items() if not isinstance(cell, float)}


def _measure_gap(answers: Sequence[Row], expected: Sequence[Row], name: str) -> float:
    """The largest difference between numbers, as a share of the largest of them."""
    pairs = [(row[name], other[name]) for row, other in zip(answers, expected, strict=True)]
    largest = max(abs(number) for _, number in pairs)
    gap = max(abs(number - other) for number, other in pairs)
    return gap / largest if gap else 0.0
