"""Guessing the contract of a table from its cells.

Nothing here is certain: each column says what it was taken for, for a person to correct.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.contract import GROUPS, Column, Layout, Type
from ..core.errors import shorten
from ..reading.conformity import as_texts, numbers, times

if TYPE_CHECKING:
    import pandas as pd

NOTHING = ("", "?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "(null)", "<NA>")
"""Texts that hardly ever mean anything but a missing value."""
PERHAPS_NOTHING = re.compile(
    r"[-\u2013\u2014.*?#]+|none|nil|missing|unknown|undefined|n\.?\s?a\.?|not available|tbd|"
    r"[+-]?(inf|infinity|nan)",
    re.IGNORECASE,
)
"""Texts that mean a missing value among numbers or times, and may be a category elsewhere."""
SENTINEL = re.compile(r"(-?9{2,}|-1)(\.0+)?")
FORMATS = (
    "ISO8601",
    *("%Y/%m/%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y.%m.%d"),
    *("%d.%m.%Y", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%y"),
    *("%d/%m/%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y", "%m/%d/%Y %H:%M:%S"),
    *("%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%d/%m/%y", "%m/%d/%y"),
    *("%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y"),
)
"""How dates are written; the first that fits all cells is taken."""
DIGITS_OF_A_DAY = "%Y%m%d"
SCALES = [
    scale.split(",")
    for scale in (
        "very low,low,moderate,medium,high,very high",
        "xxs,xs,s,m,l,xl,xxl,xxxl",
        "tiny,small,medium,large,huge",
        "never,rarely,seldom,sometimes,often,usually,always",
        "very poor,poor,fair,average,good,very good,excellent",
        "strongly disagree,disagree,neutral,agree,strongly agree",
        "very dissatisfied,dissatisfied,neutral,satisfied,very satisfied",
        "none,mild,moderate,severe",
        "cold,cool,mild,warm,hot",
        "bronze,silver,gold,platinum",
        "basic,standard,premium",
        "beginner,intermediate,advanced,expert",
        "junior,mid,senior",
        "minor,major,critical",
    )
]
"""Words with an order."""
POSITIVE = ("yes", "y", "true", "t", "1", "positive", "pos", "present", "on", "ja", "oui", "si")
NEGATIVE = ("no", "n", "false", "f", "0", "negative", "neg", "absent", "off", "nein", "non", "-1")
NAMES = re.compile(r"(^|[_\s.-])([iI][dD]|uuid|guid|key)$|[a-z]I[dD]$")
"""What a column is called that names a thing, such as a customer."""
NUMBERS_ROWS = re.compile(r"(^|[_\s.-])(nr|no|number|index|row)$", re.IGNORECASE)
EACH_ONCE, NAMES_ROW = "each value once", "names the row: no feature"
MANY_CATEGORIES, MOST_CATEGORIES = 50, 100
FEW_VALUES = 10
FEW_ROWS_OF_A_CLASS = 5
AMONG_NUMBERS = 0.9
"""Share of cells that must be numbers for the others to be taken for missing ones."""


class Guess(NamedTuple):
    """What a column was taken for; nothing when it holds nothing."""

    column: Column | None
    doubts: list[str]


def guess_missing(frame: pd.DataFrame) -> tuple[str, ...]:
    """The texts that stand for a missing value wherever they are in the table."""
    found = {
        text
        for name in frame.columns
        if frame[name].dtype in ("str", "object")
        for text in as_texts(frame[name]).loc[lambda texts: texts.isin(NOTHING)].unique()
    }
    return ("", *(text for text in NOTHING if text in found | {"NA"} and text))


def guess(cells: pd.Series, layout: Layout) -> Guess:
    """Guess what a column of (n_rows,) cells holds.

    The guess admits every cell of the column. The index of a sample has the places that its rows
    have in the table.
    """
    found = _guess_values(cells, layout)
    column = found.column
    if column is None or column.missing or column.type not in ("integer", "categorical"):
        return found
    texts = as_texts(cells.dropna())
    if column.type == "integer" and {*texts} == {"0", "1"}:
        return _finished(cells, texts, "binary", "zeros and ones", categories=["0", "1"])
    distinct = texts.nunique()
    if distinct <= FEW_VALUES:
        return found
    if column.type == "integer" and distinct == len(texts) and _counts_rows(cells):
        # A plain count starts anew with the next delivery.
        once = bool(NAMES.search(str(cells.name)))
        return _finished(cells, texts, "identifier", EACH_ONCE, [NAMES_ROW], unique=once)
    if NAMES.search(str(cells.name)):
        return _finished(cells, texts, "identifier", f"{distinct} different", [_repeats(cells)])
    return found


def guess_target(cells: pd.Series, layout: Layout, kind: str | None) -> Guess:
    """Guess the column to predict: as a category where it has few values, unless `kind` says."""
    found = _guess_values(cells, layout)
    column = found.column
    if column is None:
        return found
    texts = as_texts(cells.dropna())
    distinct = texts[~texts.isin(list(column.missing))].nunique()
    if column.type in ("numeric", "integer"):
        rows_of_each = texts.value_counts()
        few = distinct <= FEW_VALUES and distinct <= max(2, len(texts) / 5)
        few = few and (distinct == 2 or rows_of_each.min() >= FEW_ROWS_OF_A_CLASS)
        as_it_is = kind == "regression" or (kind is None and not few)
    else:
        as_it_is = kind == "regression" or distinct > MOST_CATEGORIES
    if as_it_is or column.categories:
        return found
    doubts = [*found.doubts]
    if column.type in ("numeric", "integer") and distinct > 2 and kind is None:
        doubts.append(
            f"{distinct} numbers taken for classes: `--kind regression` predicts a number"
        )
    made = _of_levels(cells, texts, column.missing)
    return Guess(made.column, [*doubts, *made.doubts])


def _guess_values(cells: pd.Series, layout: Layout) -> Guess:
    """Guess by the values, not by what the column is called."""
    present = cells.dropna()
    if present.empty:
        return Guess(None, ["holds nothing: left out"])
    texts = as_texts(present)
    if len(present) == len(cells) and len(texts.unique()) == 1:
        return Guess(None, [f"holds {texts.iloc[0]!r} only: left out"])
    match present.dtype.kind:
        case "M":
            return _finished(cells, texts, "datetime", _span(times(present, None)))
        case "b":
            return _of_levels(cells, texts)
        case "i" | "u" | "f":
            return _of_numbers(cells, texts, numbers(present, layout), ())
    if not _has_leading_zeros(texts, layout):
        found = numbers(present, layout)
        odd = _odd_ones(texts, found)
        if odd is not None:
            day = _of_times(cells, texts, DIGITS_OF_A_DAY) if _may_be_days(texts) else None
            return day or _of_numbers(cells, texts, found, odd)
    for written in FORMATS:
        if dated := _of_times(cells, texts, written):
            return dated
    return _of_texts(cells, texts)


def _has_leading_zeros(texts: pd.Series, layout: Layout) -> bool:
    """Whether a text is a code that would lose its zeros as a number."""
    group = GROUPS.get(layout.thousands or "", "(?!)")
    return bool(texts.str.fullmatch(rf"[+-]?0(\d|{group})*\d").any())


def _odd_ones(texts: pd.Series, found: pd.Series) -> tuple[str, ...] | None:
    """The texts that are no numbers, when so few are that they must stand for missing ones."""
    unread = texts[found.isna().to_numpy()]
    odd = tuple(sorted(unread.unique()))
    if not odd:
        return ()
    if len(unread) == len(texts) or len(odd) > 3:
        return None
    meant = all(PERHAPS_NOTHING.fullmatch(text) for text in odd)
    return odd if meant or len(unread) <= (1 - AMONG_NUMBERS) * len(texts) else None


def _of_numbers(
    cells: pd.Series, texts: pd.Series, found: pd.Series, odd: tuple[str, ...]
) -> Guess:
    doubts = [f"{_quoted(odd)} among numbers: taken for missing"] if odd else []
    missing = [*odd]
    if sentinel := _sentinel(texts, found):
        missing.append(sentinel)
        rows = (texts == sentinel).sum()
        doubts.append(f"{sentinel} in {rows} rows, far from all others: taken for missing")
        found = found[(texts != sentinel).to_numpy()]
    missing += sorted({*texts[found.index][found.isna().to_numpy()]} - {*missing})
    values = found.dropna()
    if values.empty:
        return Guess(None, ["holds no finite number: left out"])
    whole = bool((values == values.round()).all())
    too_long = values.abs().max() > 2**53
    if whole and too_long and cells.dtype.kind != "f" and texts.str.fullmatch(r"[+-]?\d+").all():
        doubts = ["whole numbers too long to reckon with: no feature"]
        return _finished(cells, texts, "identifier", "long whole numbers", doubts)
    return _finished(
        *(cells, texts, "integer" if whole and not too_long else "numeric"),
        *(f"{values.min():g} to {values.max():g}", doubts),
        range=_widened(values),
        seen=(float(values.min()), float(values.max())),
        missing=tuple(missing),
    )


def _counts_rows(cells: pd.Series) -> bool:
    """Whether distinct whole numbers are names of rows: a plain count, or so called."""
    import numpy as np

    present = cells.dropna().astype("float64")
    is_sample = cells.index.max() >= len(cells)
    steps = np.diff(present.index) if is_sample else 1
    counts = (np.diff(present) == steps).all()
    name = str(cells.name)
    return bool(counts) or bool(NAMES.search(name) or NUMBERS_ROWS.search(name))


def _sentinel(texts: pd.Series, found: pd.Series) -> str | None:
    """A number such as -999 that must stand for a missing one: repeated, far from all others."""
    ends: tuple[Any, ...] = (found.idxmin(), found.idxmax()) if found.notna().any() else ()
    for place in ends:
        mark: str = texts[place]
        same = (texts == mark).to_numpy()
        others = found[~same].dropna()
        if not SENTINEL.fullmatch(mark) or same.sum() < 2 or others.nunique() < 3:
            continue
        value, low, high = float(mark), others.min(), others.max()
        gap = low - value if value < low else value - high
        if value == -1:
            alone = low >= 0 and same.sum() >= 2 and high > 20
            if alone:
                return mark
        elif gap > high - low and (value > 0 or low >= 0):
            return mark
    return None


def _widened(values: pd.Series) -> tuple[float, float]:
    """The range seen and as much again on each side; not below zero where nothing is.

    Rounded outwards to two digits; wide enough for another delivery, too narrow for another unit.
    """
    low, high = float(values.min()), float(values.max())
    span = (high - low) or abs(high) or 1.0
    wide = (0.0 if low >= 0 else _outwards(low - span, -1), _outwards(high + span, 1))
    if not all(map(math.isfinite, wide)):
        return low, high
    return min(wide[0], low), max(wide[1], high)


def _outwards(value: float, side: int) -> float:
    if value == 0 or not math.isfinite(value):
        return value
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    if unit == 0 or not math.isfinite(value / unit):
        return value
    rounded = math.ceil(value / unit * side) * side * unit
    return float(f"{rounded:.6g}")


def _may_be_days(texts: pd.Series) -> bool:
    return bool(texts.str.fullmatch(r"(19|20)\d\d[01]\d[0-3]\d").all())


def _of_times(cells: pd.Series, texts: pd.Series, written: str) -> Guess | None:
    """The column as times written in one way, if they are."""
    # A look at a few cells first: most columns are no times, and there are many ways.
    if times(texts.iloc[:20], written).isna().all():
        return None
    found = times(texts, written)
    if written == "ISO8601":
        # ISO 8601 lets a year stand alone, which a number may do as well.
        found = found.where(texts.str.match(r"\d{4}-?\d\d").to_numpy())
    odd = tuple(sorted(texts[found.isna().to_numpy()].unique()))
    if not all(PERHAPS_NOTHING.fullmatch(text) or SENTINEL.fullmatch(text) for text in odd):
        return None
    if found.isna().all() or found.dropna().dt.year.max() > 9999:
        return None
    doubts = [f"{_quoted(odd)} among dates: taken for missing"] if odd else []
    other = written.replace("%d", "%x").replace("%m", "%d").replace("%x", "%m")
    if written != "ISO8601" and other in FORMATS and not times(texts, other).isna().any():
        doubts.append(f"dates such as {texts.iloc[0]!r} were read as {written}, not as {other}")
    elif written != "ISO8601":
        doubts.append(f"dates as text, such as {texts.iloc[0]!r}: read as {written}")
    return _finished(
        *(cells, texts, "datetime", _span(found), doubts),
        format=None if written == "ISO8601" else written,
        missing=odd,
    )


def _span(found: pd.Series) -> str:
    return f"{found.min():%Y-%m-%d} to {found.max():%Y-%m-%d}"


def _of_texts(cells: pd.Series, texts: pd.Series) -> Guess:
    distinct, rows = texts.nunique(), len(texts)
    split: pd.Series = texts.iloc[:1000].str.split()
    words = split.str.len().mean()
    if distinct == rows and rows > FEW_VALUES:
        if words >= 3:
            return _finished(
                *(cells, texts, "text", "sentences", ["free text: no feature as it stands"])
            )
        # Two people of one name may come, two of one number not.
        once = bool(NAMES.search(str(cells.name)))
        return _finished(*(cells, texts, "identifier", EACH_ONCE, [NAMES_ROW]), unique=once)
    if distinct > FEW_VALUES and NAMES.search(str(cells.name)):
        note = f"{distinct} different"
        return _finished(cells, texts, "identifier", note, [_repeats(cells)])
    if distinct > MOST_CATEGORIES and distinct > rows / 5:
        guessed: Type = "text" if words >= 3 else "identifier"
        doubt = f"{distinct} different texts in {rows} rows: no feature as it stands"
        doubt = _repeats(cells) if rows >= 2 * distinct else _amounts(texts) or doubt
        return _finished(cells, texts, guessed, f"{distinct} different", [doubt])
    return _of_levels(cells, texts)


def _amounts(texts: pd.Series) -> str | None:
    """What to do with numbers that have a sign of their unit."""
    if texts.str.fullmatch(r"[^\w.,+-]{0,2}\s?[+-]?[\d.,' ]*\d\s?\D{0,3}").mean() < AMONG_NUMBERS:
        return None
    return f"amounts such as {texts.iloc[0]!r}: no numbers as they stand; take their sign off"


def _spellings(values: list[str]) -> list[str]:
    """What is doubtful about values that differ in nothing but capitals."""
    alike = Counter(value.lower() for value in values)
    word, count = alike.most_common(1)[0]
    same = [value for value in values if value.lower() == word]
    return [f"{_quoted(tuple(same))} differ in their spelling only"] if count > 1 else []


def _of_levels(cells: pd.Series, texts: pd.Series, missing: tuple[str, ...] = ()) -> Guess:
    """The column as texts of a set: two, some, or some in an order."""
    values = sorted({*texts} - {*missing}, key=_natural)
    doubts = _spellings(values)
    if len(values) == 2:
        ordered = _positive_last(values, texts)
        note = "two texts and the second is the positive"
        return _finished(cells, texts, "binary", note, doubts, categories=ordered, missing=missing)
    if scale := _in_order(values):
        note = "texts in an order from low to high"
        return _finished(cells, texts, "ordered", note, categories=scale, missing=missing)
    if len(values) > MANY_CATEGORIES:
        doubts.append(f"{len(values)} categories are many")
    note = f"{len(values)} different texts"
    return _finished(cells, texts, "categorical", note, doubts, categories=values, missing=missing)


def _natural(text: str) -> tuple[float, str]:
    """Numbers in their order, before other texts."""
    try:
        return float(text), text
    except ValueError:
        return math.inf, text


def _positive_last(values: list[str], texts: pd.Series) -> list[str]:
    """Two values, the one that a person would call positive last: by its word, else the rarer."""

    def rank(value: str) -> tuple[int, int]:
        word = value.lower()
        return (word in POSITIVE) - (word in NEGATIVE), -int((texts == value).sum())

    return sorted(values, key=rank)


def _in_order(values: list[str]) -> list[str] | None:
    """The values from low to high, where their words or the numbers at their start say so."""
    if len(values) < 3:
        return None
    for scale in SCALES:
        if all(value.lower() in scale for value in values):
            return sorted(values, key=lambda value: scale.index(value.lower()))
    starts = [re.match(r"\D?\s*(\d+(?:\.\d+)?)\s*(\D.*)?$", value) for value in values]
    if any(start is None for start in starts) or not all(start[2] for start in starts if start):
        return None
    firsts = {value: float(start[1]) for value, start in zip(values, starts, strict=True) if start}
    distinct = len(set(firsts.values())) == len(values)
    return sorted(values, key=lambda value: firsts[value]) if distinct else None


def _repeats(cells: pd.Series) -> str:
    return (
        f"{len(cells.dropna()) / cells.nunique():.1f} rows for each value: no feature; "
        f"`--group {quote(str(cells.name))}` keeps the rows of one together"
    )


def _quoted(texts: tuple[str, ...]) -> str:
    return ", ".join(map(repr, texts))


def _finished(
    cells: pd.Series,
    texts: pd.Series,
    guessed: Type,
    note: str,
    doubts: list[str] | None = None,
    **more: Any,
) -> Guess:
    shown = texts[~texts.isin(list(more.get("missing", ())))]
    holes = bool(cells.isna().any()) or len(shown) < len(texts)
    column = Column(
        type=guessed,
        meaning=TO_SAY,
        nullable=holes,
        example=shorten(shown.iloc[0], 60),
        guessed=note,
        **more,
    )
    return Guess(column, doubts or [])


TO_SAY = "not described yet"
