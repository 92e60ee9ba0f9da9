"""Whatever lies in a file, it is understood with all its rows, or turned down in one line."""

import csv
import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockstep.adopting.contract_text import format_contract
from lockstep.adopting.understanding import Understanding, Wishes, understand
from lockstep.core.contract import Contract
from lockstep.core.editing import edit_yaml
from lockstep.core.errors import UserError
from lockstep.data.conformity import conform
from lockstep.reading.tables import read_table
from ruamel.yaml import YAML

NAMES = st.sampled_from(
    [
        *("index", "class", "level_0", "seed", "row", "file", "id", "key", "target", "columns"),
        *("../x", "=cmd()", "a.b", "a: b", "- a", "#a", "null", "true", "1", "1.5", "\U0001f34e"),
        *(
            "two\nlines",
            " ",
            "",
            "it's",
            'say "x"',
            "{a}",
            "[a]",
            "&a",
            "*a",
            "%a",
            "!a",
            "~",
            "a,b",
        ),
        *(
            "a;b",
            "a\tb",
            "\u00e9",
            "\u2028",
            "\x85",
            "\x1b[31m",
            "\x7f",
            "\ufeff",
            "on",
            "2026-01-31",
        ),
    ]
) | st.text(max_size=6)
NUMBERS = st.one_of(
    st.integers(-9, 9).map(str),
    st.integers().map(str),
    st.floats(allow_nan=True).map(repr),
    st.floats(-1e3, 1e3).map(lambda value: f"{value:.2f}"),
    st.floats(-1e3, 1e3).map(lambda value: f"{value:.2f}".replace(".", ",")),
    st.integers(0, 10**8).map(lambda value: f"{value:,}"),
    st.integers(0, 999).map("{:05}".format),
)
MARKS = st.sampled_from(["", " ", "?", "NA", "nan", "-", "-999", "inf", "null", "None", "N/A"])
DATES = st.datetimes().flatmap(
    lambda moment: st.sampled_from(
        [
            moment.isoformat(),
            moment.date().isoformat(),
            moment.strftime("%d/%m/%Y"),
            moment.strftime("%d.%m.%Y"),
            moment.strftime("%Y%m%d"),
            f"{moment.isoformat()}+02:00",
        ]
    )
)
ODD = st.sampled_from(
    [
        *("=cmd()", "+1", "@x", "-x", "\U0001f34e", "a\nb", "a\r\nb", 'say "x"', "it's", "'", '"'),
        *("x,y", "x;y", "x\ty", "x|y", "true", "False", "yes", "no", "low", "high", "../x", "1 kg"),
        *("007", "1e3", "0x1A", "1_000", "1 234", "\u2028", "\x85", "\u00a0", "\x1b[0m", "x" * 300),
    ]
)
CELLS = st.sampled_from([NUMBERS, MARKS, DATES, ODD, st.text(max_size=8)])


@st.composite
def columns(draw: st.DrawFn, count: int) -> list[str]:
    """Cells of one kind or of several, distinct or repeated."""
    kinds = st.one_of(*draw(st.lists(CELLS, min_size=1, max_size=2)))
    if draw(st.booleans()):
        few = draw(st.lists(kinds, min_size=1, max_size=4))
        kinds = st.sampled_from(few)
    return draw(st.lists(kinds, min_size=count, max_size=count))


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[list[str]], str, str]:
    """Records, what stands between their cells, and the column to predict."""
    count = draw(st.integers(0, 14))
    names = draw(st.lists(NAMES, min_size=1, max_size=5))
    cells = [draw(columns(count)) for _ in names]
    if draw(st.integers(0, 3)):
        # Something to learn, which columns drawn at random seldom are.
        names.append("y")
        cells.append([draw(st.sampled_from([*"abc"])) for _ in range(count)])
    place = len(names) if draw(st.booleans()) else draw(st.integers(1, len(names)))
    records = [list(row) for row in zip(*cells, strict=True)]
    target = f"column_{place}"
    if draw(st.integers(0, 3)):
        records.insert(0, names)
        target = names[place - 1].strip() or target
    return records, draw(st.sampled_from([",", ";", "\t", "|"])), target


def understood(content: bytes, name: str, target: str | None) -> None:
    """Check that the file is turned down in one line, or that its contract admits its own rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            understanding = understand([path], name, "a test", Wishes(target=target))
        except UserError as error:
            assert len(str(error).split("\n")) == 1
            return
        require_own_rows(understanding, path)


def require_own_rows(understanding: Understanding, path: Path) -> None:
    contract = understanding.contract
    written = YAML(typ="safe", pure=True).load(format_contract(contract))
    assert Contract.model_validate(written) == contract
    frame = read_table(path, path.name, contract.missing, contract.layout)
    assert set(frame) == {*contract.columns, *contract.drop}
    table, breaches = conform(contract.columns, frame, contract.layout)
    assert breaches.empty
    assert table.equals(understanding.table)


@given(table=tables(), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_any_table_is_understood_or_turned_down(
    table: tuple[list[list[str]], str, str], encoding: str
) -> None:
    records, delimiter, target = table
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(records)
    understood(text.getvalue().encode(encoding, errors="ignore"), "a.csv", target)


@given(
    content=st.binary(max_size=200)
    | st.text(alphabet="ab,;\t|\"'\n\r\0 1.\u00e4\U0001f34e", max_size=80).map(str.encode),
    name=st.sampled_from(
        ["a.csv", "a", "a.json", "a.parquet", "a.xlsx", "a.db", "a.csv.gz", "a.zip", "a.txt"]
    ),
    target=st.sampled_from(["a", "column_1", "column_2", None]),
)
def test_any_bytes_are_understood_or_turned_down(
    content: bytes, name: str, target: str | None
) -> None:
    understood(content, name, target)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)


@given(
    records=st.lists(
        st.fixed_dictionaries(
            {"y": st.sampled_from([0, 1, "a", None])}, optional={"x": JSON, "": JSON}
        ),
        max_size=12,
    ),
    lines=st.booleans(),
)
def test_any_json_is_understood_or_turned_down(records: list[dict], lines: bool) -> None:
    text = "\n".join(map(json.dumps, records)) if lines else json.dumps(records)
    understood(text.encode(), "a.json", "y")


@pytest.mark.parametrize("value", ["5" * 400, '"\\ud800"', '"\\u0000"', "1e400", "[[1]]"])
@pytest.mark.parametrize("name", ["x", "\\ud800", "\\u0000", ""])
def test_odd_json_is_understood_or_turned_down(name: str, value: str) -> None:
    records = [
        "{" + f'"{name}": {value}, "y": 0' + "}",
        "{" + f'"{name}": 2, "y": 1' + "}",
        '{"y": 0}',
    ] * 4
    understood("\n".join(records).encode(), "a.json", "y")


WORDS = NAMES | ODD | NUMBERS | MARKS | DATES | st.text(max_size=6)
UNUSED = {"title": "a", "source": "b", "licence": "c"}


@given(words=st.lists(WORDS, min_size=4, max_size=9, unique=True))
def test_any_words_are_the_same_in_the_contract_and_in_its_file(words: list[str]) -> None:
    name, target, title, *others = words
    column = {"type": "categorical", "categories": others, "meaning": title, "example": title}
    columns = {name: column | {"guessed": others[0], "missing": others}, target: column}
    contract = Contract(
        **UNUSED
        | {"title": title, "target": target, "columns": columns, "missing": others}
        | {"drop": [title], "layout": {"sheet": title}}
    )
    written = YAML(typ="safe", pure=True).load(format_contract(contract))
    assert Contract.model_validate(written) == contract


@pytest.mark.parametrize(
    "word", ["?", "? a", "?a", "??", ":a", ": a", "a: b", "x\x85y", "- a", "a #b"]
)
def test_a_word_with_a_sign_of_yaml_survives(word: str) -> None:
    column = {"type": "categorical", "categories": ["z", word], "meaning": "", "missing": [word]}
    contract = Contract(
        **UNUSED | {"target": "y", "columns": {f"{word}x": column, "y": column}, "missing": [word]}
    )
    written = YAML(typ="safe", pure=True).load(format_contract(contract))
    assert Contract.model_validate(written) == contract


@given(names=st.lists(WORDS, min_size=1, max_size=5, unique=True))
def test_any_column_name_can_stand_in_the_settings(names: list[str]) -> None:
    recipes = {name: ["impute", {"bin": 3}] for name in names}
    text = edit_yaml("seed: 1\nfeatures:\n  columns: {}\n", {"features.columns": recipes})
    written = YAML(typ="safe", pure=True).load(text)
    assert written == {"seed": 1, "features": {"columns": recipes}}
