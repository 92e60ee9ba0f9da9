"""Writers leave the old content or the new one, never half of either."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import fill_disk

from lockstep.core import artifacts
from lockstep.core.table import as_csv, parquet_writers, write_parquet
from lockstep.core.files import replacing, replacing_directory, write_json, write_text
from lockstep.modeling.archive import write_keras
from lockstep.core.runtime import import_keras


def test_a_failing_writer_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text("old", path)
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failing_writer_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with replacing_directory(path) as temporary:
        (temporary / "old").touch()
    with pytest.raises(ZeroDivisionError), replacing_directory(path) as temporary:
        (temporary / "half").touch()
        raise ZeroDivisionError
    assert [file.name for file in path.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "model"
    for name in ("old", "new"):
        with replacing_directory(path) as temporary:
            (temporary / name).touch()
    assert [file.name for file in path.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_of_a_killed_writer_do_not_get_into_the_next_folder(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with replacing_directory(path) as temporary:
        leftover = temporary
    leftover.mkdir()
    (leftover / "half").touch()
    with replacing_directory(path) as temporary:
        (temporary / "new").touch()
    assert [file.name for file in path.iterdir()] == ["new"]


def test_a_network_is_the_same_bytes_wherever_and_whenever_it_is_saved(tmp_path: Path) -> None:
    keras = import_keras()
    networks = []
    for name in ("one.keras", "two.keras"):
        keras.utils.set_random_seed(1)
        layers = [keras.layers.Input((2,), name="a"), keras.layers.Dense(1, name="b")]
        # Kept alive, so that the second one lies elsewhere in memory.
        networks.append(keras.Sequential(layers, name="c"))
        networks[-1].compile(keras.optimizers.Adam(name="adam"), loss="mean_squared_error")
        write_keras(networks[-1], tmp_path / name)
    assert (tmp_path / "one.keras").read_bytes() == (tmp_path / "two.keras").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.keras") as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert json.loads(archive.read("metadata.json"))["date_saved"] == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.keras", "two.keras"]
    loaded = keras.saving.load_model(tmp_path / "two.keras", compile=False)
    assert loaded.get_weights()[0].tolist() == networks[1].get_weights()[0].tolist()


def test_a_folder_survives_a_kill_between_the_two_renames(tmp_path: Path) -> None:
    (tmp_path / ".model.old.tmp").mkdir()
    (tmp_path / ".model.old.tmp" / "old").touch()
    with pytest.raises(ZeroDivisionError), replacing_directory(tmp_path / "model"):
        raise ZeroDivisionError
    assert [file.name for file in (tmp_path / "model").iterdir()] == ["old"]


def test_text_has_line_feeds_on_every_system(tmp_path: Path) -> None:
    write_text("a\nb\n", tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_bytes() == b"a\nb\n"


def test_json_refuses_what_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range float values"):
        write_json({"accuracy": float("nan")}, tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=cmd()", "'=cmd()"),
        ("+a1", "'+a1"),
        ("-x", "'-x"),
        ("@sum", "'@sum"),
        ("\tx", "'\tx"),
        ("-1", "-1"),
        ("+1,5e3", '"+1,5e3"'),
        ("a=b", "a=b"),
        (-1.5, "-1.5"),
    ],
)
def test_a_text_that_a_spreadsheet_would_run_has_an_apostrophe(cell: object, written: str) -> None:
    assert as_csv(pd.DataFrame({"x": [cell]})) == f"x\n{written}\n"
    assert as_csv(pd.DataFrame({"=x": [1]})) == "'=x\n1\n"


TYPED = pd.DataFrame(
    {
        "text": pd.Series(["a", None, "ö", "", *"wxyz"], dtype="str"),
        "whole": pd.array([1, None, 2**53 + 1, None, None, None, None, -1], dtype="Int64"),
        "number": [0.1, np.nan, -0.0, 1e300, *[np.nan] * 4],
        "time": pd.Series(["2026-01-31 12:30:01.000001", *[None] * 6, "0001-01-01"]).astype(
            "datetime64[us]"
        ),
    }
)


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "ROWS_IN_GROUP", 3)


def parquet(path: Path, frame: pd.DataFrame, parts: list[int]) -> bytes:
    """The file that so many rows at a time make."""
    with parquet_writers(path) as (write,):
        for end, many in zip(np.cumsum(parts), parts, strict=True):
            write(frame.iloc[end - many : end])
    return path.read_bytes()


@pytest.mark.usefixtures("small_groups")
@pytest.mark.parametrize("many", [0, 1, 3, 6, 8])
def test_a_parquet_file_has_groups_of_equal_size_but_for_the_last(
    tmp_path: Path, many: int
) -> None:
    write_parquet(TYPED.head(many), tmp_path / "a.parquet")
    metadata = pq.read_metadata(tmp_path / "a.parquet")
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert groups == [3] * (many // 3) + [many % 3] * (many % 3 > 0)


@pytest.mark.usefixtures("small_groups")
@pytest.mark.parametrize("many", [0, 3, 6, 8])
def test_a_parquet_file_is_the_same_bytes_however_its_rows_come(tmp_path: Path, many: int) -> None:
    path, rows = tmp_path / "a.parquet", TYPED.head(many)
    whole = parquet(path, rows, [many])
    for parts in ([0, many], [many, 0], [0, 0, many, 0, 0], [1] * many or [0, 0], [0, *[1] * many]):
        assert parquet(path, rows, parts) == whole
    assert parquet(path, rows.sample(frac=1, random_state=1).sort_index(), [many]) == whole


@pytest.mark.usefixtures("small_groups")
@pytest.mark.parametrize("parts", [[8], [0, 8], [0, 1, 0, 4, 3], [3, 3, 2]])
def test_types_and_gaps_of_a_parquet_file_are_read_back(tmp_path: Path, parts: list[int]) -> None:
    parquet(tmp_path / "a.parquet", TYPED, parts)
    found = pd.read_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(found, TYPED, check_exact=True)
    assert [*map(str, found.dtypes)] == ["str", "Int64", "float64", "datetime64[us]"]


@pytest.mark.parametrize("parts", [[0], [0, 0]])
def test_a_parquet_file_without_rows_has_its_columns(tmp_path: Path, parts: list[int]) -> None:
    parquet(tmp_path / "a.parquet", TYPED, parts)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), TYPED.head(0))


def test_a_parquet_file_that_is_not_finished_leaves_the_old_one(tmp_path: Path) -> None:
    before = parquet(tmp_path / "a.parquet", TYPED, [8])
    with pytest.raises(ZeroDivisionError), parquet_writers(tmp_path / "a.parquet") as (write,):
        write(TYPED)
        raise ZeroDivisionError
    assert (tmp_path / "a.parquet").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_the_first_table_with_rows_gives_the_types(tmp_path: Path) -> None:
    pictures = pd.DataFrame({"image": pd.Series([b"\0\1", b"\2"], dtype="object")})
    with parquet_writers(tmp_path / "a.parquet") as (write,):
        write(pictures.head(0))
        write(pictures)
    assert pd.read_parquet(tmp_path / "a.parquet")["image"].tolist() == [b"\0\1", b"\2"]


def test_no_file_takes_its_place_before_all_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path in paths:
        path.write_text("old")
    fill_disk(monkeypatch, "a.parquet")
    with (
        pytest.raises(OSError, match="No space left"),
        parquet_writers(*paths) as writers,
    ):
        for write in writers:
            write(TYPED)
    assert [path.read_text() for path in paths] == ["old", "old"]
    assert sorted(tmp_path.iterdir()) == paths
