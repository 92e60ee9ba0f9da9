"""Guessing the contract of a table from some of its rows, such that it admits all of them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from conftest import make_project
from hypothesis import given
from hypothesis import strategies as st
from lockstep.adopting import inventory, refining, sampling
from lockstep.adopting.inference import Guess
from lockstep.adopting.refining import Claim, search
from lockstep.adopting.sampling import Sample, draw_sample
from lockstep.adopting.summary import summarise
from lockstep.adopting.understanding import Understanding, understand
from lockstep.adopting.wishes import Wishes
from lockstep.commands import cli
from lockstep.core.contract import Column, Contract, Layout
from lockstep.core.errors import UserError
from lockstep.core.files import sha256
from lockstep.data.conformity import conform
from lockstep.reading import texts
from lockstep.reading.tables import read_table

ROWS, DRAWN = 600, 60


def understand_some(path: Path, cells: int, **wishes: object) -> Understanding:
    """What a file is taken for, where a table of so many cells is looked at whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "MOST_CELLS", cells)
        return understand([path], path.name, "a test", Wishes(**{"target": "y"} | wishes))


def understand_twice(path: Path, **wishes: object) -> tuple[Understanding, Understanding]:
    """What a table is taken for by some of its rows and by all."""
    columns = len(read_table(path, path.name, ("",)).columns)
    return understand_some(path, DRAWN * columns, **wishes), understand_some(path, 10**9, **wishes)


def promises(column: Column) -> dict[str, object]:
    return column.model_dump(exclude={"example", "guessed"})


def require_all_rows_admitted(result: Understanding, path: Path) -> None:
    contract = result.contract
    frame = read_table(path, path.name, contract.missing, contract.layout)
    table, breaches = conform(contract.columns, frame, contract.layout)
    assert breaches.empty
    assert result.rows == len(table)
    for name, column in contract.columns.items():
        assert result.missing_shares[name] == pytest.approx(table[name].isna().mean())
        assert not (column.unique and table[name].dropna().duplicated().any())


def rows(count: int = ROWS) -> pd.DataFrame:
    """Noise, with a column of each type."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "customer_id": [f"C{number:04}" for number in range(count)],
            "age": rng.integers(18, 90, count),
            "income": rng.lognormal(10, 1, count).round(2),
            "region": rng.choice(["north", "south", "west"], count),
            "size": rng.choice(["low", "medium", "high"], count),
            "member": rng.choice(["yes", "no", "no"], count),
            "signup": pd.date_range("2020-01-01", periods=count).strftime("%Y-%m-%d"),
            "note": [f"the apple {number} was sweet" for number in range(count)],
            "y": rng.choice(["no", "no", "yes"], count),
        }
    )


@pytest.fixture
def written(tmp_path: Path) -> Callable[[pd.DataFrame], Path]:
    def write(frame: pd.DataFrame) -> Path:
        path = tmp_path / "a.csv"
        frame.to_csv(path, index=False)
        return path

    return write


def batches(frame: pd.DataFrame, size: int) -> Iterator[pd.DataFrame]:
    """A table as it is read: each batch numbered from 0."""
    for at in range(0, len(frame), size):
        yield frame.iloc[at : at + size].reset_index(drop=True).astype("str")


def draw_rows(frame: pd.DataFrame, size: int = ROWS, target: str | None = "y") -> Sample:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "MOST_CELLS", DRAWN * len(frame.columns))
        return draw_sample(batches(frame, size), target)


def list_hidden(frame: pd.DataFrame) -> list[int]:
    """Places of rows of no rare class that only a look at the whole table finds."""
    return [*frame.index.difference(draw_rows(frame).frame.index)]


@pytest.mark.parametrize("size", [17, 59, 599])
@pytest.mark.parametrize("target", [None, "y", "income"])
def test_the_same_rows_are_drawn_however_they_come_in_batches(size: int, target: str) -> None:
    frame = rows()
    at_once = draw_rows(frame, target=target)
    in_parts = draw_rows(frame, size, target)
    pd.testing.assert_frame_equal(in_parts.frame, at_once.frame)
    assert in_parts[1:] == at_once[1:]


def test_rows_are_drawn_from_all_over_the_table_and_stay_in_their_order() -> None:
    result = draw_rows(rows(6000), 500, None)
    assert (len(result.frame), result.rows, result.is_whole) == (DRAWN, 6000, False)
    places = result.frame.index.to_numpy()
    assert (np.diff(places) > 0).all()
    assert result.frame["customer_id"].tolist() == [f"C{place:04}" for place in places]
    assert np.bincount(places // 1000, minlength=6).min() >= 4


def test_a_table_of_few_cells_is_taken_whole() -> None:
    assert draw_rows(rows(DRAWN)).is_whole
    assert not draw_rows(rows(DRAWN + 1), target=None).is_whole


@pytest.mark.parametrize("size", [17, 600])
def test_fewer_rows_are_drawn_of_long_texts(size: int) -> None:
    frame = rows()
    long = frame.assign(note=frame["note"] + "!" * 9 * sampling.SIGNS_OF_A_CELL)
    places = draw_rows(long, size, None).frame.index
    assert len(places) == DRAWN // 2
    assert {*places} < {*draw_rows(frame, target=None).frame.index}


def test_the_first_rows_of_each_class_are_drawn_in_any_case() -> None:
    frame = rows()
    rare = list_hidden(frame)[-12:]
    frame.loc[rare, "y"] = "perhaps"
    places = draw_rows(frame, 50).frame.index
    assert [place for place in rare if place in places][: sampling.FIRST_OF_A_CLASS] == rare[:10]
    assert len(places) <= DRAWN + 3 * sampling.FIRST_OF_A_CLASS


def test_a_target_of_many_values_has_no_rare_classes() -> None:
    assert len(draw_rows(rows(), 50, "income").frame) == DRAWN


def test_texts_for_missing_values_are_found_in_all_rows() -> None:
    frame = rows()
    frame.loc[list_hidden(frame)[3], "region"] = "NULL"
    assert draw_rows(frame, 50).missing == ("", "NA", "NULL")


def test_some_rows_tell_what_all_tell(written) -> None:
    path = written(rows())
    some, whole = understand_twice(path)
    assert len(some.table) < len(whole.table) / 2
    assert [*some.contract.columns] == [*whole.contract.columns]
    for name, column in whole.contract.columns.items():
        assert promises(some.contract.columns[name]) == promises(column)
    require_all_rows_admitted(some, path)


RARE = {
    "a missing number": ("age", [""]),
    "a missing text": ("region", [""]),
    "a missing name": ("customer_id", [""]),
    "a missing time": ("signup", [""]),
    "a missing target": ("y", [""]),
    "a text for missing": ("region", ["NULL"]),
    "a text for missing among blanks": ("region", [" NA "]),
    "a text for missing among numbers": ("age", ["unknown"]),
    "two texts for missing among numbers": ("income", ["unknown", "-"]),
    "a text for missing among times": ("signup", ["none"]),
    "a small number": ("income", ["-5.5"]),
    "a large number": ("age", ["4000"]),
    "a fraction": ("age", ["20.5"]),
    "a fraction that is the largest": ("age", ["400.5"]),
    "a number for missing": ("age", ["-999", "-999"]),
    "a number for missing and a small one": ("age", ["-999", "1", "-999"]),
    "an early time": ("signup", ["1999-12-31"]),
    "a category": ("region", ["east"]),
    "categories": ("region", [f"r{number}" for number in range(40)]),
    "a level of a scale": ("size", ["very high"]),
    "a text that is of no scale": ("size", ["odd"]),
    "a third text": ("member", ["perhaps"]),
    "a number among two texts": ("member", ["2"]),
    "a name that comes twice": ("customer_id", ["C0001"]),
    "a time of the day": ("signup", ["2020-01-01 10:30:00"]),
}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    """What the rows are taken for while none of them is rare."""
    path = tmp_path_factory.mktemp("before") / "a.csv"
    rows().to_csv(path, index=False)
    return understand_some(path, DRAWN * 9).contract


# Every third one each time, the rest where there is time.
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=[pytest.mark.matrix] if place % 3 else [])
        for place, case in enumerate(RARE)
    ],
)
def test_a_cell_that_is_not_drawn_counts_as_if_it_were(
    written, before: Contract, case: str
) -> None:
    name, cells = RARE[case]
    frame = rows().astype("str")
    frame.loc[list_hidden(frame)[-len(cells) :], name] = cells
    path = written(frame)
    some, whole = understand_twice(path)
    assert promises(some.contract.columns[name]) == promises(whole.contract.columns[name])
    assert some.contract.missing == whole.contract.missing
    assert (before.columns[name], before.missing) != (
        some.contract.columns[name],
        some.contract.missing,
    )
    assert some.contract.columns[name].example == before.columns[name].example
    require_all_rows_admitted(some, path)


@pytest.mark.parametrize(
    ("visible", "rare", "expected"),
    [
        ("", "a", "categorical"),
        ("", "7", "integer"),
        ("", "2020-01-31", "datetime"),
        ("same", "other", "binary"),
        ("0", "1", "binary"),
        ("5", "5.5", "numeric"),
    ],
)
def test_a_column_that_tells_nothing_where_it_is_drawn_is_not_left_out(
    written, visible: str, rare: str, expected: str
) -> None:
    frame = rows().assign(x=visible)
    frame.loc[list_hidden(frame)[-2:], "x"] = rare
    path = written(frame)
    some, whole = understand_twice(path)
    assert some.contract.columns["x"].type == expected
    assert promises(some.contract.columns["x"]) == promises(whole.contract.columns["x"])
    assert some.contract.drop == ()
    require_all_rows_admitted(some, path)


def test_a_column_that_tells_nothing_anywhere_is_left_out(written) -> None:
    some, _ = understand_twice(written(rows().assign(x="", z="same")))
    assert some.contract.drop == ("x", "z")
    assert some.doubts["z"] == ["holds 'same' only: left out"]


def test_more_texts_than_categories_may_be_make_names(written) -> None:
    frame = rows().assign(x="a")
    odd = list_hidden(frame)
    frame.loc[odd, "x"] = [f"n{place}" for place in odd]
    path = written(frame)
    some, whole = understand_twice(path)
    assert some.contract.columns["x"].type == whole.contract.columns["x"].type == "identifier"
    require_all_rows_admitted(some, path)


def test_a_plain_count_of_the_rows_is_told_from_other_numbers(written) -> None:
    frame = rows().assign(x=range(7, ROWS + 7), z=range(0, 3 * ROWS, 3))
    some, _ = understand_twice(written(frame))
    assert some.contract.columns["x"].type == "identifier"
    assert some.contract.columns["z"].type == "integer"


def test_names_of_which_some_repeat_far_apart_are_not_unique(written) -> None:
    frame = rows()
    hidden = list_hidden(frame)
    frame.loc[hidden[-1], "note"] = frame.loc[hidden[0], "note"]
    some, whole = understand_twice(written(frame), identifiers=("note",))
    assert some.contract.columns["customer_id"].unique
    assert not some.contract.columns["note"].unique
    assert not whole.contract.columns["note"].unique


def test_a_column_that_does_not_come_to_rest_becomes_text(
    written, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = rows().astype("str")
    frame.loc[list_hidden(frame)[-1], ["age", "income"]] = ["20.5", "-1"]
    path = written(frame)
    monkeypatch.setattr(refining, "MOST_PASSES", 1)
    some, _ = understand_twice(path)
    assert some.contract.columns["age"].type == "text"
    assert some.doubts["age"] == ["holds all sorts, such as '20.5': taken for text"]
    assert some.contract.columns["income"].type == "numeric"
    require_all_rows_admitted(some, path)
    frame.loc[list_hidden(frame)[-1], "income"] = "unknown"
    message = (
        r"^a\.csv: target 'income': row \d+ holds 'unknown', where all others are a number from"
    )
    with pytest.raises(UserError, match=message):
        understand_some(written(frame), DRAWN * 9, target="income")


def test_a_guess_that_does_not_admit_what_it_was_made_from_is_told() -> None:
    cells = pd.DataFrame({"x": ["1", "2", "odd", "3"]})
    column = Column(type="integer", meaning="a number")
    result = refining.refine(
        lambda _: Guess(column, []), cells.head(2), lambda: batches(cells, 3), Layout(), ("",)
    )
    assert result.breaches[["row", "column", "value"]].to_numpy().tolist() == [[3, "x", "odd"]]


@pytest.mark.parametrize("size", [1, 100])
def test_of_many_cells_against_a_claim_a_few_different_ones_are_kept(size: int) -> None:
    cells = pd.DataFrame({"x": [*"abbcbdea", None, None]}, dtype="str")
    column = Column(type="categorical", categories=["a"], meaning="a letter")
    claims = {"x": Claim(column, is_unique=False, limit=3)}
    result = search(batches(cells, size), claims, Layout(), ("",))["x"]
    assert result.cells.dropna().to_dict() == {1: "b", 3: "c", 5: "d"}
    assert result.cells[result.cells.isna()].index.tolist() == [8]
    assert (result.gaps, result.has_repeats) == (2, False)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_the_extreme_numbers_are_kept_however_rows_come_in_batches(size: int) -> None:
    numbers = ["", "3", "3.0", "1", "8", "1.0", "2", "-999", "8.5", "8.5", "-999", "4", "99", ""]
    cells = pd.DataFrame({"x": numbers})
    claims = {"x": Claim(Column(type="numeric", meaning="m"), False, 6)}
    result = search(batches(cells, size), claims, Layout(), ("",))["x"]
    assert sorted(result.cells.dropna().items()) == [
        *((7, "-999"), (8, "8.5"), (10, "-999"), (12, "99"))
    ]
    assert result.gaps == 2


def test_a_target_is_turned_down_for_a_row_that_is_not_drawn(written) -> None:
    frame = rows().astype("str")
    hidden = list_hidden(frame)
    frame.loc[hidden[:101], "region"] = [f"r{number}" for number in range(101)]
    with pytest.raises(UserError, match="target 'region'") as error:
        understand_twice(written(frame), target="region")
    assert len(str(error.value).splitlines()) == 1
    frame.loc[hidden[0], "signup"] = ""
    with pytest.raises(UserError, match=r"--time: 1 of \d+ rows lack 'signup'"):
        understand_twice(written(frame), time="signup")


def test_a_rare_number_can_be_a_class(written) -> None:
    frame = rows().assign(y=np.arange(ROWS) % 3 * 10 + 10)
    frame.loc[list_hidden(frame)[-6:], "y"] = 70
    some, whole = understand_twice(written(frame))
    assert some.contract.classes == whole.contract.classes == ["10", "20", "30", "70"]
    assert {*some.table["y"]} == {"10", "20", "30", "70"}


@pytest.mark.matrix
@pytest.mark.parametrize("block", [1000, 9000])
def test_the_bytes_parsed_at_a_time_change_nothing(
    written, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    frame = rows().astype("str")
    rare = list_hidden(frame)
    frame.loc[rare[:5], "region"] = [*"edcba"]
    frame.loc[rare[7:9], "age"] = ["unknown", "20.5"]
    path = written(frame)
    at_once, _ = understand_twice(path)
    monkeypatch.setattr(texts, "BLOCK", block)
    in_parts, whole = understand_twice(path)
    assert in_parts.contract == at_once.contract
    assert in_parts.rows == at_once.rows
    assert in_parts.missing_shares.equals(at_once.missing_shares)
    pd.testing.assert_frame_equal(in_parts.table, at_once.table)
    assert whole.contract == understand_some(path, 10**9).contract


def test_the_files_of_a_folder_are_one_large_table(tmp_path: Path) -> None:
    frame = rows()
    frame.head(300).to_csv(tmp_path / "1.csv", index=False)
    frame[[*frame.columns[::-1]]].tail(300).to_csv(tmp_path / "2.csv", index=False)
    files, one = [tmp_path / "1.csv", tmp_path / "2.csv"], tmp_path / "one.csv"
    frame.to_csv(one, index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "MOST_CELLS", DRAWN * len(frame.columns))
        parts = understand(files, "one.csv", "a test", Wishes(target="y"))
    assert parts.contract == understand_twice(one)[0].contract


def test_a_parquet_file_has_its_own_types(tmp_path: Path) -> None:
    frame = rows().assign(signup=lambda frame: pd.to_datetime(frame["signup"]))
    frame["age"] = frame["age"].astype("Int64")
    hidden = list_hidden(frame)
    frame.loc[hidden[-1], "age"], frame.loc[hidden[-2], "age"] = None, 9000
    path = tmp_path / "a.parquet"
    frame.to_parquet(path)
    some, whole = understand_twice(path)
    for name, column in whole.contract.columns.items():
        assert promises(some.contract.columns[name]) == promises(column)
    require_all_rows_admitted(some, path)


def test_the_summary_tells_the_truth_of_all_rows_and_that_some_were_drawn(written) -> None:
    frame = rows()
    frame.loc[list_hidden(frame)[:150], "age"] = None
    frame["y"] = frame["y"].astype("object").where(frame.index % 50 > 0, None)
    some, whole = understand_twice(written(frame))
    some_lines, whole_lines = summarise("a.csv", some), summarise("a.csv", whole)
    assert some_lines[0].startswith("a.csv: 600 rows, 9 columns; ")
    assert some_lines[0].endswith(f", guessed from a sample of {len(some.table)} rows")
    assert "sample" not in "\n".join(whole_lines)
    assert "look at, counted in the sample:" in some_lines
    assert "- 12 of 600 rows lack the target: nothing is learnt from them" in whole_lines
    shares = [
        next(line.split()[:3] for line in lines if "age" in line)
        for lines in (some_lines, whole_lines)
    ]
    assert shares[0] == shares[1] == ["age", "integer", "25.0%"]


def test_a_class_too_rare_to_be_drawn_can_be_learnt(
    written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = rows()
    frame.loc[list_hidden(frame)[-10:], "y"] = "perhaps"
    root = tmp_path / "project"
    root.mkdir()
    fruit = make_project(root).raw / "fruit.csv"
    monkeypatch.chdir(root)
    monkeypatch.setattr(inventory, "SAMPLES", (sha256(fruit),))
    monkeypatch.setattr(sampling, "MOST_CELLS", DRAWN * len(frame.columns))
    status = cli.main(["use", str(written(frame)), "--target", "y", "--dry-run"])
    printed = capsys.readouterr()
    assert (status, printed.err) == (0, "")
    assert "over 5 folds" in printed.out


KINDS = [
    st.integers(-9, 99).map(str),
    st.floats(-1e3, 1e3).map(lambda value: f"{value:.2f}"),
    st.sampled_from(["red", "green", "blue"]),
    st.sampled_from(["low", "medium", "high"]),
    st.sampled_from(["yes", "no"]),
    st.sampled_from(["0", "1"]),
    st.dates().map(str),
    st.integers(0, 10**6).map("n{}".format),
    st.just("same"),
    st.just(""),
]
LATE = st.sampled_from(
    [
        *("", "?", "NA", "unknown", "-999", "0.5", "12345.75", "2", "red", "odd", "very high"),
        *("a b c", "2020-01-31", "31.12.2019", "007", "inf", "1e400", " x ", '"', "1,5"),
    ]
)


@st.composite
def columns(draw: st.DrawFn, count: int) -> list[str]:
    """Cells of one kind, but for a few that are as likely as not to be missed."""
    cells = draw(st.lists(draw(st.sampled_from(KINDS)), min_size=count, max_size=count))
    for place in draw(st.lists(st.integers(0, count - 1), max_size=3)):
        cells[place] = draw(LATE)
    return cells


@given(data=st.data(), count=st.integers(20, 50), block=st.sampled_from([500, 2**23]))
def test_any_table_is_admitted_whole(data: st.DataObject, count: int, block: int) -> None:
    cells = {name: data.draw(columns(count)) for name in "abc"}
    cells["y"] = data.draw(st.lists(st.sampled_from(["u", "v"]), min_size=count, max_size=count))
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "BLOCK", block)
        patch.setattr(sampling, "FIRST_OF_A_CLASS", 1)
        path = Path(folder) / "a.csv"
        pd.DataFrame(cells).to_csv(path, index=False)
        try:
            some, whole = understand_some(path, 8 * len(cells)), understand_some(path, 10**9)
        except UserError as error:
            assert len(str(error).splitlines()) == 1
            return
        require_all_rows_admitted(some, path)
        assert some.contract.missing == whole.contract.missing
        assert [*some.contract.columns] == [*whole.contract.columns]
        for name, column in whole.contract.columns.items():
            result = some.contract.columns[name]
            if (result.type, result.missing) == (column.type, column.missing):
                assert {*(result.categories or [])} == {*(column.categories or [])}
                for key in ("range", "seen", "nullable", "unique"):
                    assert getattr(result, key) == getattr(column, key)


def shops(series: int, days: int, *, by_day: bool = False) -> pd.DataFrame:
    """What shops sell every other day, shop by shop or day by day."""
    day = pd.date_range("2024-01-01", periods=days, freq="2D").strftime("%Y-%m-%d")
    rng, names = np.random.default_rng(0), [f"S{number:03}" for number in range(series)]
    keys = {"shop": np.repeat(names, days), "day": np.tile(day, series)}
    frame = pd.DataFrame(keys | {"sales": rng.integers(0, 1000, series * days)})
    return frame.sort_values("day", kind="stable", ignore_index=True) if by_day else frame


def draw_series(
    frame: pd.DataFrame, size: int, whole: tuple[str, ...], limit: int, target: str | None = None
) -> Sample:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "MOST_CELLS", limit * len(frame.columns))
        return draw_sample(batches(frame, size), target, whole)


SIZES = [7, *(pytest.param(size, marks=pytest.mark.matrix) for size in (100, 5000))]
"""Of the batches in which the rows of series come."""


@pytest.mark.parametrize("by_day", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_series_are_drawn_whole_however_their_rows_come(size: int, by_day: bool) -> None:
    frame = shops(50, 40, by_day=by_day)
    drawn = draw_series(frame, size, ("shop",), 300).frame
    counts = drawn["shop"].value_counts()
    assert (len(counts), {*counts}) == (7, {40})
    assert {*counts.index} == {*draw_series(shops(50, 40), 300, ("shop",), 300).frame["shop"]}
    assert drawn.index.is_monotonic_increasing
    pd.testing.assert_frame_equal(drawn, frame.astype("str").loc[drawn.index])


@pytest.mark.parametrize("size", SIZES)
def test_of_series_too_long_to_be_held_the_last_rows_are_drawn(size: int) -> None:
    frame = shops(3, 500)
    for rows, whole in ((frame, ("shop",)), (frame[frame["shop"] == "S001"], ())):
        drawn = draw_series(rows, size, whole, 120).frame
        assert len(drawn) == 120
        assert len({*drawn["shop"]}) == 1
        own = rows[rows["shop"] == drawn["shop"].iloc[0]]
        assert drawn["day"].tolist() == own["day"].tolist()[-120:]


def test_rare_classes_of_sequences_are_drawn_with_all_their_points() -> None:
    frame = shops(400, 10, by_day=True).assign(sales="usual")
    frame.loc[frame["shop"].isin(["S007", "S399"]), "sales"] = "rare"
    counts = draw_series(frame, 300, ("shop",), 200, "sales").frame["shop"].value_counts()
    assert {*counts} == {10}
    assert {"S007", "S399"} < {*counts.index}
    assert 20 <= len(counts) <= 32


def test_what_series_are_is_made_out_from_some_of_them(written: Callable) -> None:
    wishes = {"target": "sales", "time": "day", "series": "shop", "horizon": 5}
    result = understand_some(written(shops(60, 40)), 1000, **wishes)
    contract = result.contract
    assert (contract.every, contract.season, contract.window) == ("2 days", 1, 30)
    (head, *_) = summarise("a.csv", result)
    assert "in a sample 8 series, 2 days from row to row" in head
    assert "guessed from a sample of 320 rows" in head
    assert not any("lack" in line for line in summarise("a.csv", result))
    single = shops(1, 2000).drop(columns="shop")
    result = understand_some(written(single), 1000, **(wishes | {"series": None}))
    assert (result.contract.every, len(result.table)) == ("2 days", 500)
