"""Writing small files: whole or never, and the same content as the same bytes."""

from pathlib import Path

import pytest
from lockstep.core.files import read_yaml, replacing, replacing_directory, write_json, write_text


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


def test_what_a_reader_does_with_settings_no_other_reader_sees(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    write_text("a: [1]\n", path)
    read_yaml(path, "a.yaml")["a"].append(2)
    assert read_yaml(path, "a.yaml") == {"a": [1]}


def test_settings_that_change_are_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    for number in (1, 2):
        write_text(f"a: {number}\n", path)
        assert read_yaml(path, "a.yaml") == {"a": number}
