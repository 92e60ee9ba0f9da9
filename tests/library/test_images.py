"""Reading images from a zip or a folder."""

import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import drawing, run_stage, run_stages, write_params
from lockstep.commands.cli import main
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.data.pixels import pixels
from lockstep.reading.check import check_rows
from lockstep.reading.image_tables import match_names, open_image_table
from lockstep.reading.images import decode_images, has_images, read_images, survey
from lockstep.reading.tally import RawBatch
from lockstep.standalone import predict
from PIL import Image

ANSWER = {"type": "categorical", "categories": ["no", "yes"], "meaning": "the answer"}


def contract_of(width: int, height: int, *, colour: bool = False) -> dict:
    return {
        "title": "Made-up pictures",
        "source": "this test",
        "licence": "none",
        "target": "answer",
        "images": {"width": width, "height": height, "colour": colour},
        "columns": {"answer": ANSWER},
    }


def contract(width: int = 3, height: int = 2, *, colour: bool = False) -> Contract:
    return Contract.model_validate(contract_of(width, height, colour=colour))


def png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, format="PNG")
    return file.getvalue()


def ramp(width: int = 3, height: int = 2) -> bytes:
    return png(np.arange(width * height, dtype="uint8").reshape(height, width))


def put(path: Path, files: dict[str, bytes]) -> Path:
    """Write `files` into a zip, or below a folder when `path` has no ending."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["a.zip", "a"])
def test_an_image_becomes_a_row_of_pixels_and_its_folder_the_class(
    tmp_path: Path, name: str
) -> None:
    files = {"set/yes/1.png": ramp(), "set/no/1.png": ramp(), "__MACOSX/no/._1.png": b"mac"}
    path = put(tmp_path / name, files | {"set/notes.txt": b"no picture"})
    frame, breaches = read_images(path, name, contract(), resize=False)
    assert frame["answer"].tolist() == ["no", "yes"]
    assert frame["file"].tolist() == ["set/no/1.png", "set/yes/1.png"]
    assert frame["part"].isna().all()
    assert pixels(frame["image"], (2, 3, 1)).reshape(2, -1).tolist() == [[0, 1, 2, 3, 4, 5]] * 2
    assert breaches.empty


def test_colours_are_kept_or_made_grey_as_the_contract_says(tmp_path: Path) -> None:
    red = png(np.full((2, 3, 3), [200, 0, 0], dtype="uint8"))
    path = put(tmp_path / "a.zip", {"no/1.png": red, "yes/1.png": ramp()})
    coloured, _ = read_images(path, "a.zip", contract(colour=True), resize=False)
    assert pixels(coloured["image"], (2, 3, 3))[0, 0, 0].tolist() == [200, 0, 0]
    assert pixels(coloured["image"], (2, 3, 3))[1, 1, 2].tolist() == [5, 5, 5]
    grey, _ = read_images(path, "a.zip", contract(), resize=False)
    assert pixels(grey["image"], (2, 3, 1))[0, 0, 0].tolist() == [60]


def test_a_split_by_folders_is_known(tmp_path: Path) -> None:
    files = {
        f"{side}/{label}/1.png": ramp() for side in ("train", "test") for label in ("no", "yes")
    }
    frame, _ = read_images(put(tmp_path / "a.zip", files), "a.zip", contract(), resize=False)
    assert frame["part"].tolist() == ["test", "test", "train", "train"]
    assert frame["answer"].tolist() == ["no", "yes"] * 2


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_images_to_validate_on_are_learnt_from(tmp_path: Path, name: str) -> None:
    files = dict.fromkeys(["train/no/1.png", "test/yes/1.png", f"{name}/yes/1.png"], ramp())
    frame, breaches = read_images(put(tmp_path / "a", files), "a", contract(), resize=False)
    assert frame["part"].tolist() == ["test", "train", "train"]
    assert breaches.empty


@pytest.mark.skipif(os.name != "posix", reason="links take rights on Windows")
def test_what_links_lead_to_is_counted_once_and_links_around_never(tmp_path: Path) -> None:
    folder = put(tmp_path / "a", dict.fromkeys(["no/1.png", "no/.store/3.png"], ramp()))
    elsewhere = put(tmp_path / "b", dict.fromkeys(["1.png", "2.png"], ramp()))
    for link, target in {
        "no/loop": folder,
        "no/up": tmp_path,
        "no/self": Path("self"),
        "no/2.png": Path("1.png"),
        "no/3.png": Path(".store/3.png"),
        "yes": elsewhere,
    }.items():
        (folder / link).symlink_to(target)
    (elsewhere / "loop").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(folder)
    frame, _ = read_images(folder, "a", contract(), resize=False)
    assert frame["file"].tolist() == ["no/1.png", "no/3.png", "yes/1.png", "yes/2.png"]


def test_an_image_beside_a_given_split_is_set_aside(tmp_path: Path) -> None:
    files = dict.fromkeys(["train/no/1.png", "test/yes/1.png", "more/yes/1.png", "1.png"], ramp())
    raw, unusable = read_images(put(tmp_path / "a.zip", files), "a.zip", contract(), resize=False)
    _, rejected, accepted = check_rows(RawBatch(raw, "a.zip", unusable=unusable), contract())
    assert accepted["part"].tolist() == ["test", "train"]
    assert {*rejected["value"]} >= {"1.png", "more/yes/1.png"}
    assert "an image below a folder train, val or test, as others are" in {*rejected["rule"]}


def test_a_class_called_train_is_no_split(tmp_path: Path) -> None:
    path = put(tmp_path / "a.zip", {"train/1.png": ramp(), "ship/1.png": ramp()})
    frame, _ = read_images(path, "a.zip", contract(), resize=False)
    assert frame["part"].isna().all()
    assert frame["answer"].tolist() == ["ship", "train"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no picture", "a readable image"),
        (ramp()[:40], "a readable image"),
        (ramp(2, 2), "an image of 3x2 pixels, not 2x2"),
        (png(np.zeros((2, 3), dtype="uint16")), "an image of 8 bits per shade"),
        (png(np.zeros((13000, 13000), dtype="bool")), "an image of at most 89 million pixels"),
        (png(np.zeros((20000, 20000), dtype="bool")), "an image of at most 89 million pixels"),
    ],
)
def test_an_unusable_image_is_set_aside_with_the_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = put(tmp_path / "a.zip", {"no/1.png": ramp(), "yes/2.png": content})
    raw, unusable = read_images(path, "a.zip", contract(), resize=False)
    _, rejected, accepted = check_rows(RawBatch(raw, "a.zip", unusable=unusable), contract())
    assert accepted["file"].tolist() == ["no/1.png"]
    assert rejected[["row", "column", "value", "rule"]].to_numpy().tolist() == [
        [2, "image", "yes/2.png", reason]
    ]


def test_a_damaged_file_inside_a_zip_is_set_aside(tmp_path: Path) -> None:
    path = put(tmp_path / "a.zip", {"no/1.png": ramp(), "yes/2.png": ramp()})
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 8] ^= 255
    path.write_bytes(content)
    _, unusable = read_images(path, "a.zip", contract(), resize=False)
    assert unusable["value"].tolist() == ["no/1.png"]


def test_an_image_of_a_class_that_the_contract_does_not_know_is_set_aside(tmp_path: Path) -> None:
    path = put(tmp_path / "a.zip", {"no/1.png": ramp(), "maybe/1.png": ramp()})
    raw, unusable = read_images(path, "a.zip", contract(), resize=False)
    _, rejected, _ = check_rows(RawBatch(raw, "a.zip", unusable=unusable), contract())
    assert rejected[["column", "value", "rule"]].to_numpy().tolist() == [
        ["answer", "maybe", "one of no, yes"]
    ]


def test_images_of_other_sizes_can_be_scaled(tmp_path: Path) -> None:
    path = put(tmp_path / "a.zip", {"no/1.png": png(np.full((20, 30), 7, dtype="uint8"))})
    frame, breaches = read_images(path, "a.zip", contract(), resize=True)
    assert breaches.empty
    assert pixels(frame["image"], (2, 3, 1)).tolist() == [[[[7]] * 3] * 2]


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (lambda path: put(path, {"notes.txt": b""}), "a.zip: no images; files such as <class>"),
        (lambda path: path.write_bytes(b"PK"), "a.zip: not a whole zip file"),
        (lambda _: None, "a.zip: not there; a zip or a folder of images was expected"),
    ],
)
def test_what_holds_no_images_is_told_in_one_line(
    tmp_path: Path, write: object, expected: str
) -> None:
    write(tmp_path / "a.zip")
    with pytest.raises(UserError) as error:
        read_images(tmp_path / "a.zip", "a.zip", contract(), resize=False)
    assert str(error.value).startswith(expected)
    assert len(str(error.value).splitlines()) == 1


def test_what_is_neither_a_zip_nor_an_image_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("image\n1\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"^a\.csv: a zip or a folder of images was expected$"):
        read_images(tmp_path / "a.csv", "a.csv", contract(), resize=False)


def test_images_without_the_table_that_is_learnt_from_as_well_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(ramp())
    expected = "a.png: a zip or a folder was expected with a table beside the images, which has "
    with pytest.raises(UserError, match=f"^{expected}'photo', 'rooms'$"):
        read_images(tmp_path / "a.png", "a.png", with_table(), resize=False)


@pytest.mark.parametrize("name", ["a.zip", "a"])
def test_a_survey_tells_sizes_and_whether_there_is_colour(tmp_path: Path, name: str) -> None:
    files = {"yes/1.png": ramp(), "yes/2.png": ramp(5, 4), "no/1.png": ramp(), "no/2.png": b"torn"}
    grey = put(tmp_path / name, files | {"__MACOSX/up/._1.png": ramp(9, 9), "no/notes.txt": b""})
    found = survey(grey, name)
    assert found == ({(3, 2): 2, (5, 4): 1}, False, ["no/1.png", "yes/1.png", "yes/2.png"])
    red = png(np.full((2, 3, 3), [200, 0, 0], dtype="uint8"))
    coloured = put(tmp_path / f"red{name}", files | {"red/1.png": red})
    assert survey(coloured, name).has_colour


@pytest.mark.parametrize("name", ["a.zip", "a"])
def test_a_survey_without_a_readable_image_is_told(tmp_path: Path, name: str) -> None:
    path = put(tmp_path / name, {"yes/1.png": b"torn"})
    with pytest.raises(UserError, match="no readable images; <class>/<name>"):
        survey(path, name)


@pytest.mark.parametrize("name", ["a.zip", "a"])
def test_a_zip_or_folder_holds_images_when_one_is_in_it(tmp_path: Path, name: str) -> None:
    mixed = put(tmp_path / name, {"notes.txt": b"", "set/no/1.JPG": b""})
    none = put(tmp_path / f"none{name}", {"a.csv": b"a\n1\n", "__MACOSX/._1.png": b"mac"})
    assert has_images(mixed)
    assert not has_images(none)
    (tmp_path / "damaged.zip").write_bytes(b"PK\3\4 torn")
    assert not has_images(tmp_path / "damaged.zip")


def with_table(names: str = "photo") -> Contract:
    content = contract_of(3, 2)
    content["images"]["names"] = names
    content["columns"] = {
        "price": {"type": "numeric", "meaning": "what it costs"},
        "rooms": {"type": "integer", "meaning": "how many", "nullable": True},
    }
    return Contract.model_validate(content | {"target": "price"})


TABLE = b"photo,price,rooms\na.png,1.5,2\nb.png,2.5,\n"


@pytest.mark.parametrize("name", ["a.zip", "a"])
def test_a_table_beside_images_tells_what_is_known_of_each(tmp_path: Path, name: str) -> None:
    files = {"images/b.png": ramp(), "images/a.png": ramp(), "labels.csv": TABLE}
    path = put(tmp_path / name, files)
    frame, breaches = read_images(path, name, with_table(), resize=False)
    table, rejected, _ = check_rows(RawBatch(frame, name, unusable=breaches), with_table())
    assert rejected.empty
    assert table["file"].tolist() == ["images/a.png", "images/b.png"]
    assert table["price"].tolist() == [1.5, 2.5]
    assert table["rooms"].isna().tolist() == [False, True]
    assert with_table().features == ["image", "rooms"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["x/1.png", "2.png"], ["x/1.png", "y/2.png"]),
        (["1", "x/2"], ["x/1.png", None]),
        (["set/x/1.png", ".\\y\\2.png"], ["x/1.png", "y/2.png"]),
        (["3.png", "3"], [None, None]),
        (["", "x/9.png"], [None, None]),
    ],
)
def test_a_name_fits_the_one_image_that_ends_with_it(cells: list, expected: list) -> None:
    files = ["x/1.png", "y/2.png", "x/3.png", "y/3.png"]
    found = match_names(pd.Series(cells, dtype="str"), files)
    assert found.astype("object").where(found.notna(), None).tolist() == expected


def test_images_and_rows_that_lack_each_other_are_told(tmp_path: Path) -> None:
    table = TABLE + b"c.png,3,1\na.png,9,1\n"
    files = dict.fromkeys(["a.png", "b.png", "d.png"], ramp()) | {"labels.csv": table}
    _, breaches = read_images(put(tmp_path / "a", files), "a", with_table(), resize=False)
    assert breaches[["row", "value", "rule"]].to_numpy().tolist() == [
        [3, "c.png", "the name of an image that is there, and fits no other"],
        [4, "a.png", "an image that no row above names"],
        [5, "d.png", "an image that a row of the table names"],
    ]


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        (["a.csv", "b.xlsx"], "a: 2 tables, such as a.csv, b.xlsx; a single one"),
        (["deep/er/a.csv"], "a: deep/er/a.csv lies below a folder"),
    ],
)
def test_a_table_that_may_not_be_meant_is_told(
    tmp_path: Path, tables: list[str], expected: str
) -> None:
    path = put(tmp_path / "a", {"1.png": ramp(), **dict.fromkeys(tables, TABLE)})
    with pytest.raises(UserError, match=expected), open_image_table(path, "a"):
        pass


def test_an_image_is_scaled_whole_and_in_its_own_shape(tmp_path: Path) -> None:
    path = put(tmp_path / "a", {"no/1.png": png(np.full((30, 30), 7, dtype="uint8"))})
    frame, _ = read_images(path, "a", contract(6, 3), resize=True)
    shades = pixels(frame["image"], (3, 6, 1))[0, :, :, 0]
    assert shades.tolist() == [[0, 0, 7, 7, 7, 0]] * 3


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    clear = np.zeros((2, 3, 4), dtype="uint8")
    path = put(tmp_path / "a", {"no/1.png": png(clear)})
    frame, _ = read_images(path, "a", contract(colour=True), resize=False)
    assert {*pixels(frame["image"], (2, 3, 3)).ravel().tolist()} == {255}


def test_a_survey_counts_an_image_as_a_camera_held_it(tmp_path: Path) -> None:
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (5, 4)).save(file, format="JPEG", exif=exif)
    assert survey(put(tmp_path / "a", {"1.jpg": file.getvalue()}), "a").sizes == {(4, 5): 1}


def test_files_in_memory_become_pixels_or_a_breach() -> None:
    files = pd.Series([ramp(), b"no picture", None], dtype="object")
    images, breaches = decode_images(files, contract().images, False, ("PNG",))
    assert images.notna().tolist() == [True, False, False]
    assert breaches[["row", "rule"]].to_numpy().tolist() == [
        [2, "a readable image"],
        [3, "a readable image"],
    ]


@pytest.fixture
def pictures(project: Project) -> Project:
    """A project of 80 pictures: dark ones, and ones with a bright half."""
    rng = np.random.default_rng(0)
    files = {}
    for number in range(80):
        picture = rng.integers(0, 100, size=(6, 6)).astype("uint8")
        label = ("no", "yes")[number % 2]
        picture[:, 3:] += 60 * (label == "yes")
        files[f"{'test' if number < 24 else 'train'}/{label}/{number:02}.png"] = png(picture)
    put(project.root / "data" / "raw" / "pictures", files)
    project.contract_file.write_text(json.dumps(contract_of(6, 6)))
    options = {"filters": [4], "batch_size": 8, "max_epochs": 15, "learning_rate": 0.01}
    write_params(
        project,
        data={"raw": "data/raw/pictures", "max_rejected": 0},
        train={
            "metric": "log_loss",
            "holdout": 0.25,
            "candidates": {"baseline": {}, "cnn": options},
        },
    )
    return project


def test_images_run_through_the_same_stages(
    pictures: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    with drawing():
        run_stages()
    scores = json.loads(pictures.metrics.read_text())
    assert scores["test_rows"] == 24
    assert scores["accuracy"] > 0.8 > scores["baseline"]["accuracy"]
    test = pd.read_parquet(pictures.test)
    assert set(test["part"]) == {"test"}
    mistakes = pd.read_csv(pictures.plots / "mistakes.csv")
    assert len(mistakes) == round(24 * (1 - scores["accuracy"]))
    assert set(mistakes["file"]) <= set(test["file"])
    names = {path.stem for path in pictures.figures.iterdir()}
    assert names >= {"confusion_matrix", "calibration", "learning_curve_cnn"}
    assert ("mistakes" in names) == bool(len(mistakes))
    capsys.readouterr()
    assert main(["predict", "data/raw/pictures"]) == 0
    predictions = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert list(predictions) == [
        "file",
        "prediction",
        "probability_no",
        "probability_yes",
        "reason",
    ]
    of_test = predictions[predictions["file"].str.startswith("test/")]
    label = of_test["file"].str.split("/").str[1]
    assert (of_test["prediction"] == label).mean() == pytest.approx(scores["accuracy"])


def test_predict_tells_which_image_it_cannot_use(
    pictures: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "PIXEL_BYTES_AT_ONCE", 1)  # each image in a batch of its own
    for stage in ("ingest", "preprocess", "train"):
        run_stage(stage)
    put(pictures.root / "new", {"1.png": png(np.zeros((6, 6), dtype="uint8")), "2.png": ramp()})
    capsys.readouterr()
    assert main(["predict", "new"]) == 1
    out, err = capsys.readouterr()
    reason = "2.png, expected an image of 6x6 pixels, not 3x2"
    assert err == f"error: new: no prediction for 1 of 2 rows; first: row 2, {reason}\n"
    first, second = out.splitlines()[1:]
    assert first.startswith(("1.png,no,", "1.png,yes,"))
    assert second == f'2.png,,,,"{reason}"'
    assert main(["predict", "new/1.png"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("1.png,")
