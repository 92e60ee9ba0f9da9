"""Opening packed files, and turning down those that are made to do harm."""

import gzip
import struct
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from lockstep.core.errors import UserError
from lockstep.reading.archives import list_members, open_gzip, open_member, open_zip

ZEROS = bytes(150 * 2**20)
NOISE = np.random.default_rng(0).bytes(2**20)


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def read_member(archive: zipfile.ZipFile, member: str) -> bytes:
    with open_member(archive, member, "a.zip") as file:
        return file.read()


def read_gzip(path: Path) -> bytes:
    with open_gzip(path, "a.csv.gz") as file:
        return file.read()


@contextmanager
def require_refusal(expected: str) -> Iterator[None]:
    with pytest.raises(UserError) as error:
        yield
    assert str(error.value).startswith(expected)
    assert len(str(error.value).splitlines()) == 1


def test_a_zip_gives_the_bytes_of_each_file_in_it(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"b/c.csv": b"x\n1\n", "a.csv": NOISE})
    with open_zip(path, "a.zip") as archive:
        assert list_members(archive) == ["a.csv", "b/c.csv"]
        assert read_member(archive, "b/c.csv") == b"x\n1\n"
        assert read_member(archive, "a.csv") == NOISE


@pytest.mark.parametrize(
    "name", ["../x.csv", "a/../../x.csv", "/etc/x.csv", "..\\x.csv", "a\\..\\..\\x.csv", "\\x.csv"]
)
def test_a_path_that_leads_out_of_a_zip_is_refused(tmp_path: Path, name: str) -> None:
    # As an attacker would write it, without the corrections that zipfile makes.
    harmless = "y" * len(name)
    path = zipped(tmp_path / "a.zip", {"a.csv": b"x\n1\n", harmless: b"x\n1\n"})
    path.write_bytes(path.read_bytes().replace(harmless.encode(), name.encode()))
    with require_refusal(f"a.zip: {name!r} leads out of the zip"), open_zip(path, "a.zip"):
        pass


@pytest.mark.parametrize("name", ["a..b/x.csv", "..x.csv", "x..csv", "C/x.csv"])
def test_dots_in_a_name_lead_nowhere(tmp_path: Path, name: str) -> None:
    with open_zip(zipped(tmp_path / "a.zip", {name: b"x"}), "a.zip") as archive:
        assert archive.namelist() == [name]


def test_a_zip_that_unpacks_to_far_too_much_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.csv": ZEROS})
    expected = "a.zip: unpacks to more than 150 MB, over 200 times its size"
    with require_refusal(expected), open_zip(path, "a.zip"):
        pass


def test_a_zip_of_many_files_that_unpack_to_far_too_much_is_refused(tmp_path: Path) -> None:
    part = ZEROS[: 30 * 2**20]
    path = zipped(tmp_path / "a.zip", {f"{number}.csv": part for number in range(5)})
    with require_refusal("a.zip: unpacks to more than 150 MB"), open_zip(path, "a.zip"):
        pass


def test_a_zip_that_lies_about_its_size_gives_no_more_than_it_says(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.csv": ZEROS})
    lie = path.read_bytes().replace(struct.pack("<L", len(ZEROS)), struct.pack("<L", 1000))
    path.write_bytes(lie)
    with open_zip(path, "a.zip") as archive, require_refusal("a.zip: a.csv: damaged"):
        read_member(archive, "a.csv")


@pytest.mark.parametrize("packed", ["zip", "gzip"])
def test_what_packs_well_is_taken_while_it_is_small_or_no_bomb(tmp_path: Path, packed: str) -> None:
    for number, content in enumerate([ZEROS[: 90 * 2**20], ZEROS + NOISE]):
        path = tmp_path / f"{number}.{packed}"
        if packed == "zip":
            with open_zip(zipped(path, {"a.csv": content}), "a") as archive:
                assert len(read_member(archive, "a.csv")) == len(content)
        else:
            path.write_bytes(gzip.compress(content, 1))
            assert len(read_gzip(path)) == len(content)


def test_a_gzip_that_unpacks_to_far_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(ZEROS, 9))
    with require_refusal("a.csv.gz: unpacks to more than 10"):
        read_gzip(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-4],
        lambda content: content[:15],
        lambda content: content[:100] + bytes(100) + content[200:],
        lambda _: b"\x1f\x8b no gzip",
        lambda _: b"no gzip at all",
    ],
)
def test_a_damaged_gzip_is_told(tmp_path: Path, damage: object) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(damage(gzip.compress(NOISE)))
    with require_refusal("a.csv.gz: not a whole gzip file"):
        read_gzip(path)


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"PK\3\4 torn", b"PK\5\6" + b"\xff" * 18, b"no zip at all"]
)
def test_what_is_no_zip_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with require_refusal("a.zip: not a whole zip file"), open_zip(path, "a.zip"):
        pass


def test_a_torn_zip_is_told(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.csv": NOISE})
    path.write_bytes(path.read_bytes()[: 2**19])
    with require_refusal("a.zip: not a whole zip file"), open_zip(path, "a.zip"):
        pass


def flipped(content: bytearray) -> None:
    content[content.index(b"a.csv") + 20] ^= 255


def locked(content: bytearray) -> None:
    # The flag of encryption, in the file's own header and in the list of files.
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1


def of_an_unknown_method(content: bytearray) -> None:
    content[8] = content[content.index(b"PK\1\2") + 10] = 99


@pytest.mark.parametrize("change", [flipped, locked, of_an_unknown_method])
def test_a_file_of_a_zip_that_cannot_be_unpacked_is_told(tmp_path: Path, change: object) -> None:
    path = zipped(tmp_path / "a.zip", {"a.csv": b"x\n" + bytes(range(256)) * 9})
    content = bytearray(path.read_bytes())
    change(content)
    path.write_bytes(content)
    with (
        open_zip(path, "a.zip") as archive,
        require_refusal("a.zip: a.csv: damaged, or locked by a passwo"),
    ):
        read_member(archive, "a.csv")


def test_what_systems_add_to_a_zip_is_no_member(tmp_path: Path) -> None:
    extras = ["__MACOSX/._a.csv", ".DS_Store", "b/.DS_Store", "__MACOSX/b/._c.csv", ".git/x.csv"]
    path = zipped(tmp_path / "a.zip", dict.fromkeys(["a.csv", "b/c.csv", *extras], b"x"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.mkdir("empty")
    with open_zip(path, "a.zip") as archive:
        assert list_members(archive) == ["a.csv", "b/c.csv"]


def test_two_files_of_one_name_in_a_zip_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", b"x\n1\n")
        archive.writestr("a.csv", b"x\n2\n")
    with open_zip(path, "a.zip") as archive:
        assert set(list_members(archive)) == {"a.csv"}
        assert read_member(archive, "a.csv") == b"x\n2\n"
