"""The journal of a search: what was found is there again, whatever happened to the process."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from lockstep.core.errors import UserError
from lockstep.core.paths import Paths
from lockstep.searching.journal import Figures, Journal

FILE = Path(".dvc", "tmp", "tune", "journal.jsonl")
FIRST, SECOND = (
    Figures(0.1 + 0.2, 1e-300),
    Figures(math.nan, math.nan, "too few: \N{GREEK SMALL LETTER ALPHA}"),
)
OPTIONS = {"weights": [1, 2], "rate": 0.001, "depth": None}


@pytest.fixture
def written(tmp_path: Path) -> Paths:
    """A project whose journal has the figures of two candidates."""
    paths = Paths(tmp_path)
    journal = Journal(paths, "print")
    journal.add("forest", OPTIONS, FIRST)
    journal.add("knn", {}, SECOND)
    return paths


def test_what_was_found_is_there_again_to_the_last_digit(written: Paths) -> None:
    journal = Journal(written, "print")
    assert journal.get("forest", dict(reversed(OPTIONS.items()))) == FIRST
    assert repr(journal.get("knn", {})) == repr(SECOND)
    assert journal.get("forest", OPTIONS | {"depth": 1}) is None
    assert journal.get("tree", OPTIONS) is None


def test_a_process_killed_in_the_middle_of_a_line_loses_that_line_only(
    written: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written.root / FILE
    whole = file.read_bytes()
    last = len(whole.splitlines(keepends=True)[-1])
    for missing in range(1, last):
        file.write_bytes(whole[:-missing])
        journal = Journal(written, "print")
        assert journal.get("forest", OPTIONS) == FIRST
        assert journal.get("knn", {}) is None
        journal.add("knn", {}, SECOND)
        assert file.read_bytes() == whole
    assert capsys.readouterr().err == ""


def test_a_process_killed_while_the_journal_begins_loses_nothing(written: Paths) -> None:
    file = written.root / FILE
    for text in (b"", b'{"finger'):
        file.write_bytes(text)
        Journal(written, "print").add("knn", {}, SECOND)
        assert repr(Journal(written, "print").get("knn", {})) == repr(SECOND)


@pytest.mark.parametrize(
    "line", [b"garbage", b"", b"\xff\xfe", b"{}", b'["key", 1, "x", ""]', b'["key", 0.1, 0.2]']
)
def test_a_line_that_cannot_be_read_is_told_and_the_others_count(
    written: Paths, capsys: pytest.CaptureFixture[str], line: bytes
) -> None:
    file = written.root / FILE
    header, _, knn = file.read_bytes().splitlines()
    file.write_bytes(b"\n".join([header, line, knn, b""]))
    journal = Journal(written, "print")
    assert journal.get("forest", OPTIONS) is None
    assert repr(journal.get("knn", {})) == repr(SECOND)
    assert capsys.readouterr().err == (
        f"tune: {FILE.as_posix()}, line 2: cannot be read; what it told is tried again\n"
    )


@pytest.mark.parametrize("header", [b'{"fingerprint": "another"}', b"garbage", b"\xff"])
def test_the_figures_of_other_data_are_forgotten_with_a_line(
    written: Paths, capsys: pytest.CaptureFixture[str], header: bytes
) -> None:
    file = written.root / FILE
    file.write_bytes(b"\n".join([header, *file.read_bytes().split(b"\n")[1:]]))
    assert Journal(written, "print").get("forest", OPTIONS) is None
    assert capsys.readouterr().err == (
        "tune: data, settings, code or versions have changed since .dvc/tmp/tune/journal.jsonl was "
        "written; the search begins anew\n"
    )
    assert Journal(written, "print").get("forest", OPTIONS) is None
    assert capsys.readouterr().err == ""


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file can become larger than so many bytes."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_disk_that_is_full_is_told_and_costs_no_figures(written: Paths) -> None:
    file = written.root / FILE
    journal, size = Journal(written, "print"), file.stat().st_size
    with full_disk(size + 10), pytest.raises(UserError) as error:
        journal.add("svm", {}, FIRST)
    assert str(error.value) == (
        ".dvc/tmp/tune/journal.jsonl: cannot be written: File too large; what it holds is kept, "
        "and the search goes on from there when it can"
    )
    assert file.stat().st_size == size + 10
    again = Journal(written, "print")
    assert again.get("svm", {}) is None
    assert again.get("forest", OPTIONS) == FIRST
    again.add("svm", {}, FIRST)
    assert Journal(written, "print").get("svm", {}) == FIRST


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / ".dvc").write_text("a file where the folder is to be")
    with pytest.raises(UserError, match=r"^\.dvc/tmp/tune/journal\.jsonl: cannot be written: "):
        Journal(Paths(tmp_path), "print")
