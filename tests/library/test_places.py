"""Data that travel as their place to where the same file is seen, elsewhere as they are."""

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from lockstep.core.places import FileBytes, is_seen
from lockstep.core.table import Table, _Portable, _RowGroup, write_parquet


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"x\n1\n22\n333\n" * 100)
    return path


@pytest.fixture
def seen() -> Iterator[None]:
    token = is_seen.set(lambda _: True)
    yield
    is_seen.reset(token)


def test_bytes_of_a_file_that_is_not_seen_travel_as_they_are(file: Path) -> None:
    pickled = pickle.dumps(FileBytes.of(file.read_bytes(), file, 0))
    file.unlink()
    assert pickle.loads(pickled) == b"x\n1\n22\n333\n" * 100


@pytest.mark.usefixtures("seen")
def test_bytes_of_a_file_that_is_seen_travel_as_their_place(file: Path) -> None:
    pickled = pickle.dumps(FileBytes.of(file.read_bytes()[4:700], file, 4))
    assert len(pickled) < 300
    assert pickle.loads(pickled) == file.read_bytes()[4:700]


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize("change", ["longer", "later", "gone"])
def test_a_place_in_a_file_that_has_changed_is_refused(file: Path, change: str) -> None:
    pickled = pickle.dumps(FileBytes.of(file.read_bytes()[:9], file, 0))
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
    pickled = pickle.dumps(_RowGroup(path, 0, rows))
    assert len(pickled) < 300
    pd.testing.assert_frame_equal(pickle.loads(pickled).rows, rows)


def test_rows_of_a_file_that_is_not_seen_travel_as_they_are(tmp_path: Path) -> None:
    rows = pd.DataFrame({"x": range(1000)})
    group = pickle.loads(pickle.dumps(_RowGroup(tmp_path / "gone", 0, rows)))
    pd.testing.assert_frame_equal(group.rows, rows)


def test_a_function_without_a_name_travels_by_its_code() -> None:
    factor = 3
    portable = pickle.loads(pickle.dumps(_Portable(lambda rows: rows * factor)))
    assert portable.function(2) == 6
