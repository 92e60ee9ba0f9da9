"""The sums of the library's files, by which the doctor of a project tells of edits."""

import hashlib

from conftest import TEMPLATE
from lockstep.commands.sums import SUMS, find_edits, read_sums, sum_files

FOLDER = TEMPLATE / "vendor" / "lockstep"


def test_the_sums_are_those_of_the_library_as_it_is() -> None:
    renew = "run `python scripts/sum_library.py`"
    assert (FOLDER / SUMS).exists(), renew
    assert find_edits(FOLDER) == [], renew


def test_sums_read_back_and_tell_what_was_changed_added_or_removed(tmp_path) -> None:
    for name in ("a.py", "b.py", "c d.py"):
        (tmp_path / name).write_text(name)
    sums = sum_files(tmp_path)
    assert sums["a.py"] == hashlib.sha256(b"a.py").hexdigest()
    (tmp_path / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))
    assert read_sums(tmp_path) == sums
    assert find_edits(tmp_path) == []
    (tmp_path / "a.py").write_text("changed")
    (tmp_path / "b.py").unlink()
    (tmp_path / "new").mkdir()
    (tmp_path / "new/e.py").touch()
    assert find_edits(tmp_path) == ["a.py", "b.py", "new/e.py"]
