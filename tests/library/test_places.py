"""Data that travel as their place to where the same file is seen, elsewhere as they are."""

import os
import pickle
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from lockstep.core import table
from lockstep.core.places import FileBytes, is_seen, read_state
from lockstep.core.table import Table, _Portable, _RowGroup, write_parquet
from lockstep.reading.texts import _Utf8Reader, open_text_tables


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"x\n1\n22\n333\n" * 100)
    return path


@pytest.fixture
def seen() -> Iterator[None]:
    token = is_seen.set(lambda *_: True)
    yield
    is_seen.reset(token)


def test_bytes_of_a_file_that_is_not_seen_travel_as_they_are(file: Path) -> None:
    pickled = pickle.dumps(FileBytes.of(file.read_bytes(), file, read_state(file), 0))
    file.unlink()
    assert pickle.loads(pickled) == b"x\n1\n22\n333\n" * 100


@pytest.mark.usefixtures("seen")
def test_bytes_of_a_file_that_is_seen_travel_as_their_place(file: Path) -> None:
    pickled = pickle.dumps(FileBytes.of(file.read_bytes()[4:700], file, read_state(file), 4))
    assert len(pickled) < 300
    assert pickle.loads(pickled) == file.read_bytes()[4:700]


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize("change", ["longer", "later", "gone"])
def test_a_place_in_a_file_that_has_changed_is_refused(file: Path, change: str) -> None:
    pickled = pickle.dumps(FileBytes.of(file.read_bytes()[:9], file, read_state(file), 0))
    if change == "longer":
        file.write_bytes(file.read_bytes() + b"4\n")
    elif change == "later":
        os.utime(file, ns=(0, 0))
    else:
        file.unlink()
    with pytest.raises(OSError, match=r"rows\.csv"):
        pickle.loads(pickled)


@pytest.mark.usefixtures("seen")
def test_rows_of_a_file_that_is_seen_travel_as_the_number_of_their_group(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    write_parquet(pd.DataFrame({"x": range(1000), "text": "abc"}), path)
    (rows,) = Table(path, "rows").batches()
    pickled = pickle.dumps(_RowGroup(path, read_state(path), 0, rows))
    assert len(pickled) < 300
    pd.testing.assert_frame_equal(pickle.loads(pickled).rows, rows)


def replace(path: Path) -> None:
    """Let another file of the same size take the place of one."""
    os.utime(path, ns=(0, 0))


@pytest.mark.usefixtures("seen")
def test_bytes_of_a_file_that_is_replaced_once_it_is_open_are_not_read_elsewhere(
    file: Path,
) -> None:
    with open_text_tables(file, "rows") as (text,), closing(_Utf8Reader(text, "utf-8")) as reader:
        replace(file)
        block = reader.place(reader.read(99), 0)
    with pytest.raises(OSError, match="is another file here"):
        pickle.loads(pickle.dumps(block))


@pytest.mark.usefixtures("seen")
def test_rows_of_a_file_that_is_replaced_once_it_is_open_are_not_read_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def travel(_: object, __: object, groups: Iterator[_RowGroup]) -> Iterator[bytes]:
        for group in groups:
            replace(path)
            yield pickle.dumps(group)

    monkeypatch.setattr(table, "map_ahead", travel)
    path = tmp_path / "rows.parquet"
    write_parquet(pd.DataFrame({"x": range(1000)}), path)
    (pickled,) = Table(path, "rows").map(len)
    with pytest.raises(OSError, match="is another file here"):
        pickle.loads(pickled)


def test_rows_of_a_file_that_is_not_seen_travel_as_they_are(tmp_path: Path) -> None:
    rows = pd.DataFrame({"x": range(1000)})
    group = pickle.loads(pickle.dumps(_RowGroup(tmp_path / "gone", (0, 0), 0, rows)))
    pd.testing.assert_frame_equal(group.rows, rows)


def test_a_function_without_a_name_travels_by_its_code() -> None:
    factor = 3
    portable = pickle.loads(pickle.dumps(_Portable(lambda rows: rows * factor)))
    assert portable.function(2) == 6
