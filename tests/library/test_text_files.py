"""Folders and zips of files that are a text each."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from lockstep.adopting.text_files import find_text_files
from lockstep.adopting.wishes import Wishes
from lockstep.core.contract import Files, Layout
from lockstep.core.errors import UserError
from lockstep.reading.sequence_files import read_rows

TEXTS = {
    "pos/1.txt": "Größe, „schön“ 😀\nund mehr",
    "pos/2.txt": "\ufeff这部电影很好看",
    "neg/1.txt": "فيلم ممل جدا",
    "neg/2.txt": 'he said "no, never',
}
LAYOUT = Layout(files=Files(name="file", folder="label", text="text", part="part"))


def write(folder: Path, texts: dict[str, str | bytes]) -> Path:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def pack(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "zip", folder))


def read(path: Path, layout: Layout = LAYOUT) -> pd.DataFrame:
    return pd.concat(read_rows(path, path.name, ("",), layout), ignore_index=True)


def test_each_text_is_a_row_with_its_file_and_its_class(tmp_path: Path) -> None:
    folder = write(tmp_path / "reviews", TEXTS | {"neg/3.txt": "\r\n", ".DS_Store": "x"})
    rows = read(folder)
    assert rows["file"].tolist()[-2:] == ["reviews/pos/1.txt", "reviews/pos/2.txt"]
    assert rows["label"].tolist() == ["neg", "neg", "neg", "pos", "pos"]
    texts = [TEXTS["neg/1.txt"], TEXTS["neg/2.txt"], None, TEXTS["pos/1.txt"], "这部电影很好看"]
    assert rows["text"].astype("object").where(rows["text"].notna(), None).tolist() == texts
    assert rows["part"].isna().all()


def test_a_zip_is_read_as_its_folder(tmp_path: Path) -> None:
    folder = write(tmp_path / "reviews", TEXTS)
    columns = ["text", "label", "part"]
    pd.testing.assert_frame_equal(read(pack(folder))[columns], read(folder)[columns])


def test_a_single_text_is_a_row(tmp_path: Path) -> None:
    folder = write(tmp_path, {"note.txt": "One, two\r\nthree\n", "rows": b"four"})
    assert read(folder / "note.txt")["text"].tolist() == ["One, two\nthree"]
    assert read(folder / "rows")["text"].tolist() == ["four"]


def test_texts_may_come_in_a_table_as_well(tmp_path: Path) -> None:
    folder = write(tmp_path, {"a.csv": 'text\n"one, two"\nthree\n', "b.jsonl": '{"text": "four"}'})
    assert read(folder / "a.csv")["text"].tolist() == ["one, two", "three"]
    assert read(folder / "b.jsonl")["text"].tolist() == ["four"]


def test_the_folders_of_a_split_tell_its_sides(tmp_path: Path) -> None:
    texts = {
        f"{side}/{name}": text
        for side in ("train", "valid", "test")
        for name, text in TEXTS.items()
    }
    folder = write(tmp_path / "reviews", texts | {"notes.txt": "x", "train/urls.txt": "y"})
    rows = read(folder).set_index("file")
    assert rows["part"].value_counts().to_dict() == {"train": 8, "test": 4}
    outside = rows.loc[["reviews/notes.txt", "reviews/train/urls.txt"]]
    assert outside[["label", "part"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("schön".encode("cp1252"), "cp1252"),
        ("schön".encode("utf-16"), "utf-8"),
        ("schön".encode("utf-8-sig"), "utf-8"),
        ("schoen".encode("utf-16-le"), "utf-16-le"),
    ],
)
def test_texts_in_other_encodings_are_read_among_those_in_utf_8(
    tmp_path: Path, content: bytes, encoding: str
) -> None:
    folder = write(tmp_path / "reviews", TEXTS | {"pos/3.txt": content})
    found = find_text_files(folder, Wishes(target="label"))
    assert found is not None
    assert found.guess.layout.encoding == encoding
    assert ("1 of 5 texts are not UTF-8" in " ".join(found.guess.doubts)) == (encoding != "utf-8")
    texts = read(folder, found.guess.layout)["text"]
    assert texts.iloc[-1] in ("schön", "schoen")
    assert texts.iloc[-3] == TEXTS["pos/1.txt"]


def test_files_that_are_no_text_are_told(tmp_path: Path) -> None:
    folder = write(tmp_path / "reviews", TEXTS | {"pos/3.txt": b"\x00\x01\x02\x00"})
    found = find_text_files(folder, Wishes(target="label"))
    assert found is not None
    assert found.guess.doubts == ["1 files hold no text, such as pos/3.txt"]
    assert read(folder)["text"].isna().sum() == 1


def test_the_target_is_the_folder_by_its_name_or_called_class(tmp_path: Path) -> None:
    folder = write(tmp_path / "reviews", TEXTS)
    for path in (folder, pack(folder)):
        found = find_text_files(path, Wishes(target="label"))
        assert found is not None
        assert found.guess.layout.files == Files(name="file", folder="label", text="text")
    unnamed = find_text_files(folder, Wishes())
    assert unnamed is not None
    assert unnamed.wishes.target == "class"


def test_clusters_of_texts_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "reviews", TEXTS)
    with pytest.raises(UserError, match=r"reviews: --kind clustering: .*these files are texts"):
        find_text_files(folder, Wishes(kind="clustering"))


@pytest.mark.parametrize(
    ("beginning", "is_table"),
    [
        ("A classic example, and the label it bears", False),
        ("label", False),
        ("labels, and others", False),
        ("a,label,b", True),
        ('"a";"label"\r\n1;2', True),
        ("label\tb", True),
    ],
)
def test_a_text_that_names_the_target_is_no_table(
    tmp_path: Path, beginning: str, *, is_table: bool
) -> None:
    folder = write(tmp_path / "reviews", TEXTS | {"neg/0.txt": f"{beginning}\nmore"})
    assert (find_text_files(folder, Wishes(target="label")) is None) == is_table


@pytest.mark.parametrize(
    ("texts", "wishes"),
    [
        ({"2025/a.txt": "text,label\nx,y\n", "2026/a.txt": "text,label\nx,y\n"}, {}),
        ({"pos/a.txt": "x", "pos/b.txt": "y"}, {}),
        ({"a.txt": "x", "b.txt": "y"}, {}),
        ({"train/x.txt": "1 2", "train/signals/x.txt": "1 2", "test/x.txt": "1 2"}, {}),
        (TEXTS | {"labels.csv": "file,label\n"}, {}),
        (TEXTS, {"sequence": "file"}),
    ],
    ids=["tables", "one class", "no class", "no classes below a split", "a table", "sequences"],
)
def test_other_files_are_no_texts(
    tmp_path: Path, texts: dict[str, str], wishes: dict[str, str]
) -> None:
    folder = write(tmp_path / "reviews", texts)
    assert find_text_files(folder, Wishes(target="label", **wishes)) is None
    assert find_text_files(pack(folder), Wishes(target="label", **wishes)) is None


def test_a_split_of_one_side_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "reviews", {f"train/{name}": text for name, text in TEXTS.items()})
    with pytest.raises(UserError, match="all texts lie below train, so that none is for the test"):
        find_text_files(folder, Wishes())


def test_a_folder_without_texts_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no texts; files such as <class>/<name>"):
        read(write(tmp_path / "empty", {"a.pdf": "x"}))
