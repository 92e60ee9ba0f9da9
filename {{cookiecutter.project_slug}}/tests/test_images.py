"""Reading a zip of images."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from package_name.data.contract import Contract
from package_name.data.images import read_images
from package_name.errors import UserError


@pytest.fixture
def contract() -> Contract:
    answer = {"type": "categorical", "categories": ["no", "yes"], "meaning": "the answer"}
    return Contract.model_validate(
        {
            "title": "Made-up pictures",
            "source": "this test",
            "licence": "none",
            "target": "answer",
            "images": {"width": 3, "height": 2},
            "columns": {"answer": answer},
        }
    )


def png(width: int, height: int) -> bytes:
    pixels = np.arange(width * height, dtype="uint8").reshape(height, width)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_an_image_becomes_a_row_of_pixels_and_its_folder_the_class(
    tmp_path: Path, contract: Contract
) -> None:
    path = make_zip(
        tmp_path / "a.zip",
        {"yes/1.png": png(3, 2), "no/1.png": png(3, 2), "__MACOSX/no/._1.png": b"mac"},
    )
    frame = read_images(path, "a.zip", contract)
    assert frame.drop(columns="answer").to_numpy().tolist() == [[0, 1, 2, 3, 4, 5]] * 2
    assert frame["answer"].tolist() == ["no", "yes"]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, "a.zip: no images; files such as <class>/<name>.png were expected"),
        ({"yes/1.png": b"no picture"}, "a.zip: yes/1.png is not a readable image"),
        ({"yes/1.png": png(2, 2)}, "a.zip: yes/1.png is 2x2 pixels; the contract says 3x2"),
    ],
)
def test_unusable_images_are_told_in_one_line(
    tmp_path: Path, contract: Contract, members: dict[str, bytes], expected: str
) -> None:
    with pytest.raises(UserError) as error:
        read_images(make_zip(tmp_path / "a.zip", members), "a.zip", contract)
    assert str(error.value) == expected


def test_a_file_that_is_no_zip_is_told(tmp_path: Path, contract: Contract) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"a\.zip: not a zip file"):
        read_images(tmp_path / "a.zip", "a.zip", contract)
