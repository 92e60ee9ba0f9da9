"""Guessing the contract of a table from its cells.

Nothing here is certain: each column says what it was taken for, for a person to correct.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from shlex import quote
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..core.contract import GROUPS, NUMBERS, Column, Layout, Type
from ..core.errors import shorten
from ..core.params import predicts_numbers
from ..data.conformity import as_texts, drop_gaps, parse_numbers, parse_times
from ..modeling.words import count_words
from .names import are_names
from .rates import are_counts
from .several_labels import choose_separator, describe_labels, find_separator

MISSING_TEXTS = (
    *("", "?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "(null)", "<NA>"),
)
"""Texts that hardly ever mean anything but a missing value."""
PERHAPS_MISSING = re.compile(
    r"[-\u2013\u2014.*?#]+|none|nil|missing|unknown|undefined|n\.?\s?a\.?|not available|tbd|"
    r"[+-]?(inf|infinity|nan)",
    re.IGNORECASE,
)
"""Texts that mean a missing value among numbers or times, and may be a category elsewhere."""
SENTINEL = re.compile(r"(-?9{2,}|-1)(\.0+)?")
PERIOD_FORMATS = (
    *("%b %Y", "%B %Y", "%b-%Y", "%Y %b", "%Y-%b", "%m/%Y", "%Y/%m", "%m-%Y", "%YM%m", "%Y-M%m"),
    *("%YQ%q", "%Y-Q%q", "%Y Q%q", "Q%q %Y", "Q%q-%Y", "Q%q/%Y"),
)
"""How months and quarters are written, which stand for their first day."""
DATE_FORMATS = (
    "ISO8601",
    *("%Y/%m/%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y.%m.%d"),
    *("%d.%m.%Y", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%y"),
    *("%d/%m/%Y", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y", "%m/%d/%Y %H:%M:%S"),
    *("%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%d/%m/%y", "%m/%d/%y"),
    *("%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y"),
    *PERIOD_FORMATS,
)
"""How dates are written; the first that fits all cells is taken."""
DATE_MARKS = {form: {*re.sub(r"%.|\s", "", form)} for form in DATE_FORMATS[1:]}
"""The signs between the parts of each."""
DIGITS_OF_A_DAY, DAY = "%Y%m%d", re.compile(r"(19|20)\d\d[01]\d[0-3]\d")
DIGITS_OF_A_MONTH, MONTH = "%Y%m", re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])")
SCALES = [
    scale.split(",")
    for scale in (
        "very low,low,moderate,middle,medium,high,very high",
        "xxs,xs,s,m,l,xl,xxl,xxxl",
        "tiny,small,medium,large,huge",
        "never,rarely,seldom,sometimes,often,usually,always",
        "very poor,poor,fair,average,good,very good,great,excellent",
        "strongly disagree,disagree,neutral,agree,strongly agree",
        "very dissatisfied,dissatisfied,neutral,satisfied,very satisfied",
        "none,mild,moderate,severe",
        "cold,cool,mild,warm,hot",
        "bronze,silver,gold,platinum",
        "basic,standard,premium",
        "beginner,intermediate,advanced,expert",
        "junior,mid,senior",
        "minor,major,critical",
        "none,primary,secondary,tertiary",
        "sehr niedrig,niedrig,gering,mittel,hoch,sehr hoch",
        "nie,selten,manchmal,häufig,immer",
        "klein,mittel,groß",
        "très faible,faible,moyen,élevé,très élevé",
        "jamais,rarement,parfois,souvent,toujours",
        "petit,moyen,grand",
        "muy bajo,bajo,medio,alto,muy alto",
        "nunca,raramente,a veces,a menudo,siempre",
        "pequeño,mediano,grande",
    )
]
"""Words with an order."""
POSITIVE = ("yes", "y", "true", "t", "1", "positive", "pos", "present", "on", "ja", "oui", "si")
NEGATIVE = ("no", "n", "false", "f", "0", "negative", "neg", "absent", "off", "nein", "non", "-1")
NAMES = re.compile(r"(^|[_\s.-])([iI][dD]|uuid|guid|key)$|[a-z]I[dD]$")
"""What a column is called that names a thing, such as a customer."""
SCALE_NAMES = re.compile(
    r"rating|rank|stars?$|grade|level|quality|satisf|severity|stage|likert|priority|score",
    re.IGNORECASE,
)
"""What a column is called that tells how much of something there is, on a scale."""
LENGTHS_OF_SCALES = range(4, 8)
NUMBERS_ROWS = re.compile(r"(^|[_\s.-])(nr|no|number|index|row)$", re.IGNORECASE)
NO_MEANING = "not described yet"
MANY_CATEGORIES, MOST_CATEGORIES = 50, 100
FEW_VALUES = 10
FEW_ROWS_OF_A_CLASS = 5
FEWEST_WORDS, LONG_TEXT = 3, 6
"""Of a cell on average, from which on different texts are sentences, and texts that come again."""
FEWEST_WORDS_OF_TITLES = 1.5
"""Of a cell on average, from which on names or titles can be learnt from; a code is one word or
none."""
MOST_TEXTS_COUNTED = 1000
DIGIT = re.compile(r"\d")
AMOUNT = re.compile(r"[^\w.,+-]{0,2}\s?[+-]?[\d.,' ]*\d\s?\D{0,3}")
"""A number with a sign of its unit."""
NEARLY_EACH = 0.9
"""Share of the rows that have so many values nearly each for itself."""
LEAST_NUMBERS = 0.9
"""Share of cells that must be numbers for the others to be taken for missing ones."""


class Guess(NamedTuple):
    """What a column was taken for; nothing when it holds nothing."""

    column: Column | None
    doubts: list[str]


def guess_missing(frame: pd.DataFrame) -> tuple[str, ...]:
    """The texts that stand for a missing value wherever they are in the table."""
    texts = {"NA"}
    for _, cells in frame.items():
        if cells.dtype in ("str", "object"):
            texts.update({*MISSING_TEXTS}.intersection(as_texts(cells).to_list()))
    return ("", *(text for text in MISSING_TEXTS if text in texts and text))


def guess(cells: pd.Series, layout: Layout) -> Guess:
    """Guess what a column of (n_rows,) cells holds.

    The guess admits every cell of the column. The index of a sample has the places that its rows
    have in the table.
    """
    result = _guess_by_values(cells, layout)
    column = result.column
    if column is not None and column.type == "categorical":
        return _open_if_many(column, result.doubts)
    if column is None or column.missing or column.type != "integer":
        return result
    texts = as_texts(drop_gaps(cells))
    if {*texts} == {"0", "1"}:
        return _make_guess(cells, texts, "binary", "zeros and ones", categories=["0", "1"])
    is_of_rows = texts.is_unique and _is_row_number(cells, layout)
    return _guess_identifier(cells, texts, is_of_rows) or result


def guess_time(cells: pd.Series, layout: Layout) -> Guess:
    """Guess the column of times, which may be months as 202601, or whole numbers that go up."""
    texts = as_texts(drop_gaps(cells))
    if len({*texts}) > 1 and all(map(MONTH.fullmatch, texts)):
        return _guess_times(cells, texts, DIGITS_OF_A_MONTH) or _guess_by_values(cells, layout)
    return _guess_by_values(cells, layout)


def guess_target(cells: pd.Series, layout: Layout, kind: str | None) -> Guess:
    """Guess the column to predict: as labels, or a category where it has few values.

    The `kind` of problem says otherwise.
    """
    if kind in (None, "multilabel"):
        separator = find_separator(cells) if kind is None else choose_separator(cells)
        if separator is not None:
            return _guess_labels(cells, separator)
    result = _guess_by_values(cells, layout)
    column = result.column
    if column is None or column.categories or (kind and predicts_numbers(kind)):
        return result
    texts = as_texts(cells.dropna())
    distinct = texts[~texts.isin(list(column.missing))].nunique()
    doubts = [*result.doubts]
    if column.type not in NUMBERS and distinct > MOST_CATEGORIES:
        return result
    if column.type in NUMBERS and kind is None:
        has_few = distinct <= FEW_VALUES and distinct <= max(2, len(texts) / 5)
        if not has_few or (distinct != 2 and texts.value_counts().min() < FEW_ROWS_OF_A_CLASS):
            return result
        numbers = parse_numbers(cells.dropna(), layout)[
            ~texts.isin(list(column.missing)).to_numpy()
        ]
        if are_counts(numbers):
            doubts.append(
                f"{distinct} whole numbers taken for counts: `--kind classification` takes them "
                "for classes"
            )
            return Guess(column, doubts)
        if _is_rating(str(cells.name), numbers):
            doubts.append(
                f"{distinct} numbers taken for classes in an order: `--kind regression` predicts "
                "a number, `type: categorical` in references/schema.yaml takes the order away"
            )
            note = "numbers of a scale from low to high"
            scale = sorted({*texts} - {*column.missing}, key=_natural_key)
            options = {"categories": scale, "missing": column.missing}
            return _make_guess(cells, texts, "ordered", note, doubts, **options)
        if distinct > 2:
            doubts.append(
                f"{distinct} numbers taken for classes: `--kind regression` predicts a number"
            )
    levels = _guess_levels(cells, texts, column.missing)
    return Guess(levels.column, [*doubts, *levels.doubts])


def guess_titles(cells: pd.Series, column: Column) -> Guess | None:
    """Guess that a `column` of identifiers is text, if it has words of its own in most rows.

    It may be names as well, so this is for want of another column to learn from.
    """
    texts = as_texts(drop_gaps(cells))
    words = texts.iloc[:MOST_TEXTS_COUNTED].map(count_words).mean()
    are_numbered = texts.str.replace(r"\d+", "0", regex=True).nunique() <= len(texts) / 2
    if words < FEWEST_WORDS_OF_TITLES or are_numbered:
        return None
    doubt = (
        f"looks like names or titles, {describe_variety(cells)}; it is learnt from since nothing "
        "else is left"
    )
    note = f"names or titles, of about {words:.0f} words"
    return Guess(
        column.model_copy(update={"type": "text", "unique": False, "guessed": note}), [doubt]
    )


def describe_variety(cells: pd.Series) -> str:
    """How many values a column of names has, in words."""
    present = drop_gaps(cells)
    distinct, rows = present.nunique(), len(present)
    if distinct >= NEARLY_EACH * rows:
        return f"a value of its own in {'' if distinct == rows else 'nearly '}each row"
    return f"{distinct} different values in {rows} rows"


def _is_rating(name: str, numbers: pd.Series) -> bool:
    """Whether a few numbers are grades of a scale: so called, or from one on without a gap."""
    values = np.unique(numbers.to_numpy("float64"))
    if len(values) < 3 or (np.diff(values) != 1).any():
        return False
    return bool(SCALE_NAMES.search(name)) or (values[0] == 1 and len(values) in LENGTHS_OF_SCALES)


def _guess_by_values(cells: pd.Series, layout: Layout) -> Guess:
    present = drop_gaps(cells)
    if present.empty:
        return Guess(None, ["holds nothing: left out"])
    texts = as_texts(present)
    if len(present) == len(cells) and len(texts.unique()) == 1:
        return Guess(None, [f"holds {texts.iloc[0]!r} only: left out"])
    match present.dtype.kind:
        case "M":
            span = _describe_span(parse_times(present, None))
            return _make_guess(cells, texts, "datetime", span)
        case "b":
            return _guess_levels(cells, texts)
        case "i" | "u" | "f":
            return _guess_numbers(cells, texts, parse_numbers(present, layout), ())
    # A code would lose its leading zeros as a number.
    group = GROUPS.get(layout.thousands or "", "(?!)")
    is_code = re.compile(rf"[+-]?0(\d|{group})*\d").fullmatch
    if not any(map(is_code, texts.to_list())):
        numbers = parse_numbers(present, layout)
        if (odd := _find_odd_texts(texts, numbers)) is not None:
            has_days = all(map(DAY.fullmatch, texts.to_list()))
            days = _guess_times(cells, texts, DIGITS_OF_A_DAY) if has_days else None
            return days or _guess_numbers(cells, texts, numbers, odd)
    for form in DATE_FORMATS:
        if days := _guess_times(cells, texts, form):
            return days
    return _guess_texts(cells, texts)


def _find_odd_texts(texts: pd.Series, numbers: pd.Series) -> tuple[str, ...] | None:
    """The texts that are no numbers, when so few are that they must stand for missing ones."""
    is_odd = numbers.isna().to_numpy()
    if not is_odd.any():
        return ()
    unreadable = texts[is_odd]
    odd = tuple(sorted(unreadable.unique()))
    if is_odd.all() or len(odd) > 3:
        return None
    are_marks = all(PERHAPS_MISSING.fullmatch(text) for text in odd)
    return odd if are_marks or len(unreadable) <= (1 - LEAST_NUMBERS) * len(texts) else None


def _guess_numbers(
    cells: pd.Series, texts: pd.Series, numbers: pd.Series, odd: tuple[str, ...]
) -> Guess:
    doubts, missing = _doubt_odd_texts(odd, "numbers"), [*odd]
    if sentinel := _find_sentinel(texts, numbers):
        missing.append(sentinel)
        is_sentinel = (texts == sentinel).to_numpy()
        doubts.append(
            f"{sentinel} in {is_sentinel.sum()} rows, far from all others: taken for missing"
        )
        numbers = numbers[~is_sentinel]
    values = drop_gaps(numbers).to_numpy()
    if len(values) < len(numbers):
        missing += sorted({*texts[numbers.index][numbers.isna().to_numpy()]} - {*missing})
    if not len(values):
        return Guess(None, ["holds no finite number: left out"])
    low, high = float(values.min()), float(values.max())
    is_whole, is_long = (values == values.round()).all(), abs(values).max() > 2**53
    if is_whole and is_long and cells.dtype.kind != "f" and texts.str.fullmatch(r"[+-]?\d+").all():
        doubts = ["whole numbers too long to reckon with: no feature"]
        return _make_guess(cells, texts, "identifier", "long whole numbers", doubts)
    type_: Type = "integer" if is_whole and not is_long else "numeric"
    options = {"range": _widen(low, high), "seen": (low, high), "missing": tuple(missing)}
    return _make_guess(cells, texts, type_, f"{low:g} to {high:g}", doubts, **options)


def _is_row_number(cells: pd.Series, layout: Layout) -> bool:
    """Whether distinct whole numbers are names of rows: a plain count, or so called."""
    if any(pattern.search(str(cells.name)) for pattern in (NAMES, NUMBERS_ROWS)):
        return True
    numbers = parse_numbers(drop_gaps(cells), layout)
    is_sample = cells.index.max() >= len(cells)
    return bool((np.diff(numbers) == (np.diff(numbers.index) if is_sample else 1)).all())


def _find_sentinel(texts: pd.Series, numbers: pd.Series) -> str | None:
    """A number such as -999 that must stand for a missing one: repeated, far from all others."""
    ends: tuple[Any, ...] = (numbers.idxmin(), numbers.idxmax()) if numbers.notna().any() else ()
    for place in ends:
        mark: str = texts[place]
        if not SENTINEL.fullmatch(mark):
            continue
        is_mark = (texts == mark).to_numpy()
        others = numbers[~is_mark].dropna()
        if is_mark.sum() < 2 or others.nunique() < 3:
            continue
        value, low, high = float(mark), others.min(), others.max()
        gap = low - value if value < low else value - high
        is_far = high > 20 if value == -1 else gap > high - low
        if is_far and (value > 0 or low >= 0):
            return mark
    return None


def _widen(low: float, high: float) -> tuple[float, float]:
    """The range seen and as much again on each side; not below zero where nothing is.

    Rounded outwards to two digits; wide enough for another delivery, too narrow for another unit.
    """
    span = (high - low) or abs(high) or 1.0
    least = 0.0 if low >= 0 else _round_outwards(low - span, -1)
    most = _round_outwards(high + span, 1)
    is_finite = math.isfinite(least) and math.isfinite(most)
    return (min(least, low), max(most, high)) if is_finite else (low, high)


def _round_outwards(value: float, side: int) -> float:
    if value == 0 or not math.isfinite(value):
        return value
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    if unit == 0 or not math.isfinite(value / unit):
        return value
    return float(f"{math.ceil(value / unit * side) * side * unit:.6g}")


def _guess_times(cells: pd.Series, texts: pd.Series, form: str) -> Guess | None:
    """The column as times written in one way, if they are."""
    # A look at a few cells first: most columns are no times, and there are many ways.
    first = texts.iloc[:20]
    marks = DATE_MARKS.get(form, set())
    if not any(marks <= {*text.upper()} and DIGIT.search(text) for text in first):
        return None
    if parse_times(first, form).isna().all():
        return None
    times = parse_times(texts, form)
    if form == "ISO8601":
        # ISO 8601 lets a year stand alone, which a number may do as well.
        times = times.where(texts.str.match(r"\d{4}-?\d\d").to_numpy())
    odd = tuple(sorted(texts[times.isna().to_numpy()].unique()))
    if not all(PERHAPS_MISSING.fullmatch(text) or SENTINEL.fullmatch(text) for text in odd):
        return None
    if times.isna().all() or times.dropna().dt.year.max() > 9999:
        return None
    doubts = _doubt_odd_texts(odd, "dates")
    if form != "ISO8601":
        other = form.replace("%d", "%x").replace("%m", "%d").replace("%x", "%m")
        if other != form and other in DATE_FORMATS and not parse_times(texts, other).isna().any():
            doubts.append(f"dates such as {texts.iloc[0]!r} were read as {form}, not as {other}")
        else:
            doubts.append(f"dates as text, such as {texts.iloc[0]!r}: read as {form}")
    options = {"format": None if form == "ISO8601" else form, "missing": odd}
    return _make_guess(cells, texts, "datetime", _describe_span(times), doubts, **options)


def _describe_span(times: pd.Series) -> str:
    # Python itself knows no year above 9999.
    first, last = np.datetime_as_string([times.min().to_numpy(), times.max().to_numpy()], unit="D")
    return f"{first} to {last}"


def _guess_identifier(cells: pd.Series, texts: pd.Series, is_of_rows: bool) -> Guess | None:
    """The column as names of rows, or of the things that it is called after; if it can be."""
    distinct = texts.nunique()
    if distinct <= FEW_VALUES:
        return None
    is_name = bool(NAMES.search(str(cells.name)))
    if is_of_rows:
        # Two people of one name may come, two of one number not. A plain count starts anew with the
        # next delivery.
        note, doubts = "each value once", ["names the row: no feature"]
        return _make_guess(cells, texts, "identifier", note, doubts, unique=is_name)
    if is_name:
        note = f"{distinct} different"
        return _make_guess(cells, texts, "identifier", note, [_advise_group(cells)])
    return None


def _guess_texts(cells: pd.Series, texts: pd.Series) -> Guess:
    distinct, rows = texts.nunique(), len(texts)
    some = texts.iloc[:MOST_TEXTS_COUNTED]
    words = some.map(count_words).mean()
    are_many = distinct > FEW_VALUES and (distinct > rows / 5 or distinct > MOST_CATEGORIES)
    if are_many and words >= (FEWEST_WORDS if distinct > rows / 2 else LONG_TEXT):
        if words < LONG_TEXT and are_names(some):
            note = f"names or addresses, of about {words:.0f} words"
            doubt = (
                "names or addresses: no feature; `type: text` in references/schema.yaml and `text: "
                "[terms, latent]` below features in params.yaml learn from their words"
            )
            return _make_guess(cells, texts, "identifier", note, [doubt])
        note = f"sentences, of about {words:.0f} words"
        doubt = "sentences: their words, and parts of these, are learnt from"
        return _make_guess(cells, texts, "text", note, [doubt])
    if identifier := _guess_identifier(cells, texts, distinct == rows):
        return identifier
    note = f"{distinct} different"
    if distinct > MOST_CATEGORIES and distinct > rows / 5:
        doubt = f"{distinct} different texts in {rows} rows: no feature as it stands"
        if rows >= 2 * distinct:
            doubt = _advise_group(cells)
        elif texts.str.fullmatch(AMOUNT).mean() >= LEAST_NUMBERS:
            amount = repr(texts.iloc[0])
            doubt = f"amounts such as {amount}: no numbers as they stand; take their sign off"
        return _make_guess(cells, texts, "identifier", note, [doubt])
    return _guess_levels(cells, texts)


def _guess_levels(cells: pd.Series, texts: pd.Series, missing: tuple[str, ...] = ()) -> Guess:
    """The column as texts of a set: two, some, or some in an order."""
    values = sorted({*texts} - {*missing}, key=_natural_key)
    word, count = Counter(value.lower() for value in values).most_common(1)[0]
    spellings = ", ".join(repr(value) for value in values if value.lower() == word)
    doubts = [f"{spellings} differ in their spelling only"] if count > 1 else []
    type_: Type = "categorical"
    note = f"{len(values)} different texts"
    if len(values) == 2:
        type_, note = "binary", "two texts and the second is the positive"
        # By its word, else it is the rarer.
        values.sort(
            key=lambda value: (
                (value.lower() in POSITIVE) - (value.lower() in NEGATIVE),
                -(texts == value).sum(),
            )
        )
    elif scale := _sort_by_scale(values):
        type_, note, values = "ordered", "texts in an order from low to high", scale
    elif len(values) > MANY_CATEGORIES:
        doubts.append(f"{len(values)} categories are many")
    return _make_guess(cells, texts, type_, note, doubts, categories=values, missing=missing)


def _guess_labels(cells: pd.Series, separator: str) -> Guess:
    texts = as_texts(drop_gaps(cells))
    words, doubts = describe_labels(cells, separator)
    if len(words["categories"]) < 2:
        names = ", ".join(map(repr, words["categories"])) or "none"
        return Guess(None, [f"holds fewer than two labels, {names}: left out"])
    note = f"{len(words['categories'])} labels with {separator} between them"
    doubts.append("several labels in a cell: `--kind classification` takes each cell for a class")
    column = _make_guess(cells, texts, "labels", note, doubts, **words).column
    assert column is not None
    return Guess(column.model_copy(update={"nullable": False}), doubts)


def _open_if_many(column: Column, doubts: list[str]) -> Guess:
    """Of many categories, another delivery will hold others."""
    if len(column.categories or []) <= MANY_CATEGORIES:
        return Guess(column, doubts)
    doubts = [*doubts, "other values are no breach, but unknown: `open: true`"]
    return Guess(column.model_copy(update={"open": True}), doubts)


def _natural_key(text: str) -> tuple[float, str]:
    """Numbers in their order, before other texts."""
    try:
        return float(text), text
    except ValueError:
        return math.inf, text


def _sort_by_scale(values: list[str]) -> list[str] | None:
    """The values from low to high, where their words or the numbers at their start say so."""
    if len(values) < 3:
        return None
    for scale in SCALES:
        if all(value.lower() in scale for value in values):
            return sorted(values, key=lambda value: scale.index(value.lower()))
    starts = {}
    for value in values:
        start = re.match(r"\D?\s*(\d+(?:\.\d+)?)\s*(\D.*)?$", value)
        if not start or not start[2]:
            return None
        starts[value] = float(start[1])
    is_distinct = len({*starts.values()}) == len(values)
    return sorted(values, key=starts.__getitem__) if is_distinct else None


def _advise_group(cells: pd.Series) -> str:
    return (
        f"{len(cells.dropna()) / cells.nunique():.1f} rows for each value: no feature; "
        f"`--group {quote(str(cells.name))}` keeps the rows of one together"
    )


def _doubt_odd_texts(odd: tuple[str, ...], others: str) -> list[str]:
    return [f"{', '.join(map(repr, odd))} among {others}: taken for missing"] if odd else []


def _make_guess(
    cells: pd.Series,
    texts: pd.Series,
    type_: Type,
    note: str,
    doubts: list[str] | None = None,
    **options: Any,
) -> Guess:
    missing = list(options.get("missing", ()))
    values = texts[~texts.isin(missing)] if missing else texts
    column = Column(
        type=type_,
        meaning=NO_MEANING,
        nullable=len(values) < len(cells),
        example=shorten(values.iloc[0], 60),
        guessed=note,
        **options,
    )
    return Guess(column, doubts or [])
