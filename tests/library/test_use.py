"""Taking a person's own file into the project, or saying in one line why not."""

import gzip
import io
import json
import os
import shlex
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pytest
from conftest import STARTERS, make_project, run_stage
from lockstep.adopting import inventory, suggestion
from lockstep.adopting import use as use_module
from lockstep.adopting.understanding import understand
from lockstep.adopting.use import choose_settings
from lockstep.adopting.wishes import Wishes
from lockstep.commands import cli
from lockstep.core.contract import Contract
from lockstep.core.editing import edit_yaml
from lockstep.core.environment import record_environment
from lockstep.core.files import read_yaml, sha256
from lockstep.core.params import Params
from lockstep.core.project import Project
from lockstep.core.validation import load
from lockstep.reading.tables import read_table
from made_up_texts import make_reviews
from openpyxl import load_workbook
from PIL import Image


def customers(rows: int = 200, seed: int = 0) -> pd.DataFrame:
    """Those of the west and the old leave more often."""
    rng = np.random.default_rng(seed)
    age, region = rng.integers(18, 90, rows), rng.choice(["north", "south", "west"], rows)
    leaves = rng.random(rows) < 1 / (1 + np.exp(-(age - 55) / 10 - (region == "west")))
    return pd.DataFrame(
        {
            "customer": [f"C{seed}-{number:04}" for number in range(rows)],
            "age": age,
            "region": region,
            "income": rng.lognormal(10, 0.4, rows).round(2),
            "churned": np.where(leaves, "yes", "no"),
        }
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project that runs on a sample, with DVC and the settings of a person in their own words."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    made = make_project(root)
    sample = root / "data" / "raw" / "fruit.csv"
    monkeypatch.setattr(inventory, "SAMPLES", (sha256(sample),))
    (root / ".dvc").mkdir()
    (root / ".dvc" / "config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    record_environment(made)  # as each start of DVC does
    settings = json.loads(made.params_file.read_text())
    made.params_file.write_text(
        f"# Mine.\nseed: 7 # lucky\nkind: classification\nreproducibility: strict\n"
        f"keras_backend: {settings['keras_backend']}\n\ndata:\n  # Where it is.\n"
        "  raw: data/raw/fruit.csv\n  max_rejected: 0.02\n\nsplit: {test_fraction: 0.25}\n\n"
        "train:\n  metric: accuracy\n  folds: 3\n  candidates:\n    baseline: {}\n"
        "    mlp: {max_epochs: 3}\n\n# The end.\nevaluate: {resamples: 20, confidence: 0.9}\n"
    )
    return made


def use(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """The exit status of the command, and what it printed to its two streams."""
    status = cli.main(["use", *map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file of a project but for DVC's own."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".dvc" not in path.relative_to(root).parts
    }


def contract_of(project: Project) -> Contract:
    return load(Contract, project.contract_file, "references/schema.yaml")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A person's own file."""
    path = tmp_path / "customers.csv"
    customers().to_csv(path, index=False)
    return path


def test_a_file_takes_the_place_of_the_sample(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, printed, errors = use(capsys, file, "--target", "churned")
    assert (status, errors) == (0, "")
    assert "churned   binary       -        " in printed
    assert "- customer: names the row: no feature\n" in printed
    assert printed.endswith(
        "use: data/raw/customers.csv (kept by DVC), references/schema.yaml, params.yaml\n"
        "use: data/raw/fruit.csv is no longer used, and removed\n"
        "next: uv run dvc repro\n"
    )
    assert {path.name for path in project.raw.iterdir()} == {
        *("customers.csv", "customers.csv.dvc", ".gitignore")
    }
    assert (project.raw / "customers.csv").read_bytes() == file.read_bytes()
    assert (project.raw / ".gitignore").read_text() == "/customers.csv\n"
    contract = contract_of(project)
    assert contract.features == ["age", "region", "income"]
    assert contract.classes == ["no", "yes"]
    assert project.params.data.raw == "data/raw"
    assert not project.staging.exists()


def test_settings_change_and_the_persons_own_lines_stay(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(capsys, file, "--target", "income")
    text = project.params_file.read_text()
    for kept in ("# Mine.\nseed: 7 # lucky\n", "  # Where it is.\n", "\n# The end.\nevaluate:"):
        assert kept in text
    params = project.params
    assert (params.kind, params.train.metric, params.train.folds) == ("regression", "rmse", 5)
    assert params.data.max_rejected == 0.02
    assert {"linear", "boosting", "wide_and_deep"} < set(params.train.candidates)


@pytest.mark.parametrize(("most", "sizes"), [(600, [0.5, 1.0]), (599, [])])
def test_where_a_single_fit_takes_minutes_more_are_made_only_when_asked_for(
    project: Project,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    sizes: list[float],
) -> None:
    monkeypatch.setattr(suggestion, "MOST_VALUES_LEARNT_AGAIN", most)
    text = project.params_file.read_text().replace(
        "  folds: 3", "  folds: 3\n  training_sizes: [0.5, 1.0]"
    )
    project.params_file.write_text(text)
    customers().to_csv("../customers.csv", index=False)
    _, printed, _ = use(capsys, "../customers.csv", "--target", "churned")
    assert read_yaml(project.params_file, "")["train"]["training_sizes"] == sizes
    asks = "`training_sizes: [0.25, 0.5, 0.75, 1.0]` below `train` in params.yaml asks for it\n"
    assert (asks in printed) == (sizes == [])


def test_a_few_groups_get_the_folds_that_they_allow(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(capsys, file, "--target", "churned", "--group", "region")
    params = project.params
    assert (params.split.by, params.train.folds, params.seed) == ("group", 2, 7)
    run_stage("ingest")
    run_stage("preprocess")
    assert len({*pd.read_parquet(project.test)["region"]}) == 1


def test_the_seed_of_the_split_divides_a_persons_classes_evenly(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(capsys, file, "--target", "churned")
    text = project.params_file.read_text()
    assert f"split: {{test_fraction: 0.25, by: row, seed: {project.params.split.seed}}}" in text
    assert project.params.seed == 7
    run_stage("ingest")
    run_stage("preprocess")
    sides = (pd.read_parquet(path)["churned"] for path in (project.train, project.test))
    train, test = (classes.value_counts() for classes in sides)
    assert ((test - (train + test) / 4).abs() < 1).all()


def test_a_seed_of_the_split_that_is_of_no_use_is_taken_back(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(capsys, file, "--target", "churned")
    customers().assign(day=pd.date_range("2026-01-01", periods=200)).to_csv(file, index=False)
    use(capsys, file, "--target", "churned", "--time", "day", "--replace")
    assert (project.params.split.by, project.params.split.seed) == ("time", None)


def test_a_dry_run_prints_the_same_and_touches_nothing(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(project.root)
    status, dry, _ = use(capsys, file, "--target", "churned", "--dry-run")
    assert status == 0
    assert snapshot(project.root) == before
    _, printed, _ = use(capsys, file, "--target", "churned")
    assert dry.splitlines()[:-1] == printed.splitlines()[:-3]
    assert dry.endswith("use: nothing was changed (--dry-run)\n")


def test_a_second_time_changes_nothing_not_even_corrections(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(capsys, file, "--target", "churned")
    text = project.contract_file.read_text()
    corrected = text.replace("meaning: not described yet", "meaning: years", 1)
    project.contract_file.write_text(corrected)
    before = snapshot(project.root)
    for source in (file, project.raw / "customers.csv"):
        status, printed, _ = use(capsys, source, "--target", "churned")
        assert status == 0
        assert "use: customers.csv is in use already: nothing was changed\n" in printed
    assert snapshot(project.root) == before


def test_a_persons_own_data_leave_only_when_asked_to(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(capsys, file, "--target", "churned")
    other = shutil.copy(file, file.with_name("other.csv"))
    before = snapshot(project.root)
    status, _, errors = use(capsys, other, "--target", "churned")
    assert status == 1
    assert errors.startswith("error: data/raw/customers.csv: there already; --replace")
    assert snapshot(project.root) == before
    status, _, _ = use(capsys, other, "--target", "churned", "--replace")
    assert status == 0
    assert sorted(path.name for path in project.raw.glob("*.csv")) == ["other.csv"]


@pytest.mark.parametrize("place", ["here", "data/raw"])
def test_the_same_data_are_described_anew_with_other_options(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    use(capsys, file, "--target", "churned")
    text = project.contract_file.read_text().replace("not described yet", "number of the person", 1)
    project.contract_file.write_text(text.replace("licence: not stated", "licence: internal"))
    source = file if place == "here" else "data/raw/customers.csv"
    status, printed, _ = use(capsys, source, "--target", "age", "--drop", "income")
    contract = contract_of(project)
    assert status == 0
    assert "no longer used" not in printed
    assert contract.columns["customer"].meaning == "number of the person"
    assert (contract.licence, contract.drop, contract.target) == ("internal", ("income",), "age")
    assert (project.raw / "customers.csv").read_bytes() == file.read_bytes()


def test_a_dry_run_tells_what_would_keep_it_from_success(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(capsys, file, "--target", "churned")
    other = shutil.copy(file, file.with_name("other.csv"))
    before = snapshot(project.root)
    status, printed, errors = use(capsys, other, "--target", "churned", "--dry-run")
    assert (status, errors) == (0, "")
    assert printed.endswith(
        "use: without --dry-run this would end with: data/raw/customers.csv: there already; "
        "--replace takes other.csv instead; how to add rows of the same kind stands in "
        "docs/data.md\nuse: nothing was changed (--dry-run)\n"
    )
    assert snapshot(project.root) == before


def test_what_nobody_else_keeps_is_not_replaced(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.raw / "precious.csv").write_text("a,b\n1,2\n")
    before = snapshot(project.root)
    status, _, errors = use(capsys, file, "--target", "churned", "--replace")
    assert status == 1
    assert "data/raw/precious.csv: kept neither by git nor by DVC as it is" in errors
    assert snapshot(project.root) == before


def test_what_was_edited_since_dvc_has_it_is_not_replaced(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(capsys, file, "--target", "churned")
    with (project.raw / "customers.csv").open("a") as raw:
        raw.write("C9,50,west,1.0,yes\n")
    other = file.with_name("other.csv")
    other.write_bytes(file.read_bytes())
    status, _, errors = use(capsys, other, "--target", "churned", "--replace")
    assert status == 1
    assert "data/raw/customers.csv: kept neither by git nor by DVC as it is" in errors


def test_a_file_that_lies_in_the_project_already_stays_where_it_is(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.raw / "customers.csv").write_bytes(file.read_bytes())
    status, _, _ = use(capsys, "data/raw/customers.csv", "--target", "churned")
    assert status == 0
    assert (project.raw / "customers.csv").read_bytes() == file.read_bytes()
    assert (project.raw / "customers.csv.dvc").is_file()
    assert not (project.raw / "fruit.csv").exists()


def pack(content: bytes, name: str = "a.csv") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


GOOD = b"x,y,t\n" + b"".join(f"{n},{n % 7},{'ab'[n % 2]}\n".encode() for n in range(40))
BAD: dict[str, tuple[str, bytes | None, str]] = {
    "no file": ("gone.csv", None, "gone.csv: no such file or folder"),
    "empty": ("a.csv", b"", "a.csv: the file is empty"),
    "header only": ("a.csv", b"x,y,t\n", "a.csv: no rows; only the column names are there"),
    "blank lines": ("a.csv", b"\n\n\n", "a.csv: no columns"),
    "no such target": (
        "a.csv",
        GOOD.replace(b"x,y,t", b"x,y,tt"),
        "no column 't'; did you mean tt? the columns are 'x', 'y', 'tt'",
    ),
    "target all missing": (
        "a.csv",
        b"x,y,t\n" + b"1,2,\n3,4,NA\n" * 20,
        "target 't' holds nothing; there is nothing to learn",
    ),
    "one class": (
        "a.csv",
        b"x,y,t\n" + b"1,2,a\n3,4,a\n" * 20,
        "target 't' holds 'a' only; there is nothing to learn",
    ),
    "target of names": (
        "a.csv",
        b"x,t\n" + b"".join(f"{n},name{n}\n".encode() for n in range(300)),
        "target 't' looks like identifier, such as 'name0'",
    ),
    "two of one name": ("a.csv", b"x,x,t\n1,2,a\n", "a.csv: the column name 'x' stands there"),
    "long row": ("a.csv", GOOD + b"1,2,a,b\n", "Expected 3 columns, got 4"),
    "short row": ("a.csv", GOOD + b"1,2\n", "Row #42: Expected 3 columns, got 2"),
    "zero bytes": ("a.csv", GOOD + b"1,\0,a\n", "a.csv, line 42: a zero byte"),
    "one long line": ("a.csv", b"x" * 9_000_000, "the first line is longer than 8 MB"),
    "one row": ("a.csv", b"x,y,t\n1,2,a\n", "target 't' holds 'a' only"),
    "one column": ("a.csv", b"t\n" + b"a\nb\n" * 20, "no feature is described"),
    "empty columns": (
        "a.csv",
        b"x,y,t\n" + b",word,a\n,word,b\n" * 20,
        "a.csv: no column is left to learn 't' from: x holds nothing; y holds 'word' only",
    ),
    "names and signs": (
        "a.csv",
        b"x,t\n" + b"".join(b"%s,%s\n" % (b"!?." * n, b"ab"[n % 2 :][:1]) for n in range(1, 60)),
        "no column is left to learn 't' from: x has a value of its own in each row, as a name has",
    ),
    "rare class": (
        "a.csv",
        GOOD + b"1,2,c\n",
        "target 't': 1 of 41 rows are 'c', too few to learn and to test; merge it",
    ),
    "few kinds of rows": (
        "a.csv",
        b"x,t\n" + b"p,a\nq,a\np,b\nq,b\n" * 30,
        "only 2 kinds apart of 60 rows that are 'a', and rows of a kind stay on one side",
    ),
    "torn gzip": ("a.csv.gz", gzip.compress(GOOD)[:-20], "a.csv.gz: not a whole gzip file"),
    "torn zip": ("a.zip", pack(GOOD)[:-20], "a.zip: not a whole zip file"),
    "torn parquet": ("a.parquet", b"PAR1 and no more", "a.parquet: not a readable parquet file"),
    "torn spreadsheet": ("a.xlsx", pack(GOOD), "a.xlsx: not a readable spreadsheet"),
    "torn database": ("a.sqlite", b"SQLite format 3\0 no", "a.sqlite: the database cannot be read"),
    "zip that leads out": (
        "a.zip",
        pack(GOOD, "../a.csv"),
        "a.zip: '../a.csv' leads out of the zip",
    ),
    "zip bomb": ("a.zip", pack(b"0" * 150_000_000), "a.zip: unpacks to more than 143 MB"),
    "zip of nothing": ("a.zip", pack(b"", "a.pdf/"), "a.zip: no table of text in it"),
    "json of lists": ("a.jsonl", b"[1]\n[2]\n", "a.jsonl"),
    "broken json": ("a.jsonl", b'{"x": 1}\n{"x": \n', "a.jsonl, line 2: not JSON"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_leaves_the_project_untouched(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    name, content, expected = BAD[case]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    before = snapshot(project.root)
    status, _, errors = use(capsys, tmp_path / name, "--target", "t")
    assert status == 1
    (line,) = errors.splitlines()
    assert line.startswith("error: ")
    assert expected in line
    assert snapshot(project.root) == before


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], "which column is to be predicted? the columns are 'customer', 'age'"),
        (["--target", "churned", "--drop", "ages"], "--drop: no column 'ages'; did you mean age?"),
        (["--target", "churned", "--drop", "churned"], "--drop: 'churned' is the target"),
        (["--target", "churned", "--time", "region"], "--time: 'region' looks like categorical"),
        (["--target", "churned", "--kind", "regression"], "holds texts such as 'yes'; --kind"),
        (["--target", "churned", "--group", "age", "--drop", "age"], "dropped by --drop as well"),
        (["--target", "churned", "--drop", "age", "region", "income"], "as a name has"),
    ],
)
def test_a_wish_that_cannot_be_granted_is_one_line(
    project: Project,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    expected: str,
) -> None:
    before = snapshot(project.root)
    status, _, errors = use(capsys, file, *options)
    assert status == 1
    (line,) = errors.splitlines()
    assert expected in line
    assert snapshot(project.root) == before


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (
            dict.fromkeys(("pos/1.txt", "pos/2.txt"), "Good soup."),
            "reviews: all texts lie in one folder; a folder for each class was expected, such as "
            "good/1.txt and bad/1.txt; read as a table, 1.txt: no rows; only the column names are "
            "there",
        ),
        (
            dict.fromkeys(("pos/1.txt", "pos/2.txt"), "Good soup.\nI liked it.\nA lot.\n"),
            "reviews: --target: no column 't'; the columns are 'Good soup.'; all texts lie in one "
            "folder; a folder for each class was expected, such as good/1.txt and bad/1.txt",
        ),
        (
            dict.fromkeys(("pos/1.txt", "pos/2.txt", "neg/3.txt"), ""),
            "reviews: no column is left to learn 't' from: text holds nothing",
        ),
    ],
)
def test_a_folder_of_texts_of_one_class_or_without_a_word_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], texts: dict[str, str], told: str
) -> None:
    for name, text in texts.items():
        (tmp_path / "reviews" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "reviews" / name).write_text(text, encoding="utf-8")
    status, _, errors = use(capsys, tmp_path / "reviews", "--target", "t")
    assert (status, errors) == (1, f"error: {told}\n")


@pytest.mark.usefixtures("project")
def test_a_folder_without_files_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    status, _, errors = use(capsys, tmp_path / "empty", "--target", "t")
    assert (status, errors) == (1, "error: empty: a folder without files\n")


@pytest.mark.usefixtures("project")
def test_files_with_other_columns_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "months"
    folder.mkdir()
    customers().to_csv(folder / "1.csv", index=False)
    customers().rename(columns={"age": "years"}).to_csv(folder / "2.csv", index=False)
    status, _, errors = use(capsys, folder, "--target", "churned")
    assert status == 1
    assert "2.csv: its columns are not those of 1.csv: 'age' is in one of them only" in errors


@pytest.mark.usefixtures("project")
def test_a_file_that_may_not_be_read_is_told(
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Root may read all, so that taking the right away is not enough.
    def refuse(path: Path, *arguments: Any, **options: Any) -> IO[Any]:
        if path == file:
            raise PermissionError(13, "Permission denied", str(path))
        return usual(path, *arguments, **options)

    usual = Path.open
    monkeypatch.setattr(Path, "open", refuse)
    status, _, errors = use(capsys, file, "--target", "churned")
    assert (status, errors) == (1, f"error: {file}: Permission denied\n")


def images(folder: Path, sizes: tuple[int, ...] = (8,), per_class: int = 30, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    for name, level in (("dark", 0), ("light", 200)):
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            side = sizes[number % len(sizes)]
            shades = rng.integers(level, level + 50, (side, side)).astype("uint8")
            Image.fromarray(shades).save(folder / name / f"{number}.png")
    return folder


@pytest.mark.parametrize("zipped", [False, True])
def test_images_are_taken_in_by_their_folders(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], zipped: bool
) -> None:
    source = images(tmp_path / "pictures", sizes=(8, 8, 6))
    if zipped:
        source = Path(shutil.make_archive(str(source), "zip", source))
    status, printed, _ = use(capsys, source)
    assert status == 0
    sizes = "2 sizes, from 6x6 to 8x8 pixels"
    assert f"- images of {sizes}: scaled to 8x8, each whole and in its own shape" in printed
    assert "show colour" not in printed
    contract, params = contract_of(project), project.params
    assert contract.target == "class"
    assert contract.classes == ["dark", "light"]
    assert contract.images is not None
    assert contract.images.shape == (8, 8, 1)
    assert params.data.resize
    assert "cnn" in params.train.candidates
    assert (params.train.folds, params.train.holdout) == (5, None)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("red", "count"), [(0, "none"), (200, "1")])
def test_images_without_colour_are_told_where_each_gets_three_shades(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], red: int, count: str
) -> None:
    folder = images(tmp_path / "pictures")
    Image.new("RGB", (8, 8), (red, 0, 0)).save(folder / "dark" / "stored_in_colour.png")
    status, printed, _ = use(capsys, folder, "--dry-run")
    assert status == 0
    assert "61 images, 8x8, colour, " in printed
    assert f"- {count} of 61 images show colour, and all get three shades per pixel" in printed


@pytest.mark.usefixtures("project")
def test_a_row_without_its_image_is_counted_beside_the_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = images(tmp_path / "pictures")
    rows = [f"{name}/{number},{name}" for name in ("dark", "light") for number in range(30)]
    (folder / "about.csv").write_text("\n".join(["name,kind", *rows, "gone,dark"]))
    told = (
        "1 of 61 images and rows of the table cannot be used; gone, expected the name of an image"
    )
    status, printed, _ = use(capsys, folder, "--target", "kind", "--dry-run")
    assert status == 0
    head, table, *_ = printed.split("\n\n")
    columns = table.splitlines()[1:]
    assert len(columns) == 1
    assert head.startswith("pictures: 60 rows, 1 column; 60 images, 8x8, grey, 2 classes, ")
    assert f"- {told}" in printed


def test_too_many_damaged_images_are_told(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = images(tmp_path / "pictures")
    for number in range(5):
        (folder / "dark" / f"{number}.png").write_bytes(b"\x89PNG no more")
    before = snapshot(project.root)
    status, _, errors = use(capsys, folder)
    assert status == 1
    assert "pictures: 5 of 60 images cannot be used; dark/0.png, expected a readable" in errors
    assert snapshot(project.root) == before


ODD_NAMES = [
    *("index", "class", "../x", "=cmd()", "with space", "emoji \U0001f600", "two\nlines", "a:b#c"),
    *(
        "'quote",
        '"both"',
        "None",
        "true",
        "-1",
        "{" + "{ x }" + "}",
        "|pipe|",
        "%d",
        "seed",
        "target",
    ),
]


def test_columns_of_any_name_are_taken_in(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.normal(size=60).round(3) for name in ODD_NAMES})
    frame["=target|x"] = np.where(frame["index"] > 0, "=a()", "@b")
    frame.to_csv(tmp_path / "odd.csv", index=False)
    status, printed, errors = use(capsys, tmp_path / "odd.csv", "--target", "=target|x")
    assert (status, errors) == (0, "")
    assert "two lines  " in printed
    contract = contract_of(project)
    assert contract.features == ODD_NAMES
    assert read_yaml(project.contract_file, "")["columns"].keys() == {*ODD_NAMES, "=target|x"}


@pytest.mark.usefixtures("project")
def test_hundreds_of_columns_are_taken_in_and_not_all_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 400)).round(3)).add_prefix("g")
    frame["t"] = np.where(frame["g0"] > 0, "a", "b")
    frame.to_csv(tmp_path / "wide.csv", index=False)
    status, printed, _ = use(capsys, tmp_path / "wide.csv", "--target", "t", "--dry-run")
    assert status == 0
    assert "and 361 more columns, see references/schema.yaml\n" in printed
    assert len(printed.splitlines()) < 100


def test_a_databases_address_gives_a_parquet_file(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import sqlalchemy

    address = f"sqlite:///{tmp_path / 'shop.db'}"
    with sqlalchemy.create_engine(address).connect() as connection:
        customers().to_sql("customers", connection, index=False)
        connection.commit()
    status, _, errors = use(capsys, address, "--target", "churned", "--table", "customer")
    assert (status, errors[:40]) == (1, "error: sqlite database: no table 'custom")
    status, _, _ = use(capsys, address, "--target", "churned", "--table", "customers")
    assert status == 0
    kept = read_table(project.raw / "customers.parquet", "", ("",))
    assert len(kept) == 200
    assert str(tmp_path) not in project.contract_file.read_text()


def test_a_full_disk_is_told_and_changes_nothing(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    if shutil.which("mount") is None:
        pytest.skip("no small disk can be mounted on this system")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk takes the rights of root")
    try:
        root = disk / "project"
        shutil.copytree(project.root, root)
        os.chdir(root)
        big = file.with_name("big.csv")
        customers(9000).to_csv(big, index=False)
        before = snapshot(root)
        status, _, errors = use(capsys, big, "--target", "churned")
        assert status == 1
        assert errors.startswith("error: ")
        assert "No space left on device" in errors
        assert len(errors.splitlines()) == 1
        assert snapshot(root) == before
    finally:
        os.chdir(project.root)
        subprocess.run(["umount", str(disk)], check=True)


# A star is for no file on Windows.
WITH_SIGNS = "a [1]*.csv" if os.name == "posix" else "a [1].csv"


@pytest.mark.parametrize("name", ["-x.csv", WITH_SIGNS, "Größe ü.csv", "#!.csv", "data"])
def test_a_file_of_any_name_is_taken_in_and_hidden_from_git(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file = file.rename(file.with_name(name))
    subprocess.run(["git", "init", "--quiet"], check=True)
    status, _, errors = use(capsys, file, "--target", "churned")
    assert (status, errors) == (0, "")
    assert (project.raw / name).read_bytes() == file.read_bytes()
    seen = subprocess.run(
        ["git", "-c", "core.quotepath=off", "ls-files", "-z", "--others", "--exclude-standard"],
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout.split("\0")
    assert f"data/raw/{name}" not in seen
    assert f"data/raw/{name}.dvc" in seen


@pytest.mark.parametrize("name", ["README.md", ".hidden.csv", "a.dvc", "a.tmp"])
def test_a_name_that_is_no_name_of_data_is_told(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (project.raw / "README.md").write_text("The data as they came.\n")
    before = snapshot(project.root)
    status, _, errors = use(capsys, file.rename(file.with_name(name)), "--target", "churned")
    assert (status, errors) == (
        1,
        f"error: {name}: files of such names are not taken for data; rename it\n",
    )
    assert snapshot(project.root) == before


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def committed(project: Project) -> Project:
    """The project with all its files in git."""
    git("init")
    git("add", "--all")
    git("commit", "--message", "All")
    return project


def test_a_file_that_git_keeps_stays_with_git(
    committed: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (committed.raw / "customers.csv").write_bytes(file.read_bytes())
    git("add", "--all")
    git("commit", "--message", "Data")
    _, printed, _ = use(capsys, "data/raw/customers.csv", "--target", "churned")
    assert "use: data/raw/customers.csv (kept by git), references/schema.yaml" in printed
    assert not (committed.raw / "customers.csv.dvc").exists()


def test_a_name_that_git_keeps_for_another_file_is_told(
    committed: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(committed.root)
    status, _, errors = use(capsys, file.rename(file.with_name("fruit.csv")), "--target", "churned")
    assert status == 1
    assert "data/raw/fruit.csv: git keeps a file of this name; rename yours" in errors
    assert snapshot(committed.root) == before


def test_a_folder_with_a_file_that_git_ignores_is_not_replaced(
    committed: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (committed.raw / "mine").mkdir()
    (committed.raw / "mine" / "a.csv").write_bytes(file.read_bytes())
    (committed.root / ".gitignore").write_text("*.secret\n")
    git("add", "--all")
    git("commit", "--message", "Data")
    (committed.raw / "mine" / "b.secret").write_text("only here")
    status, _, errors = use(capsys, file, "--target", "churned", "--replace")
    assert status == 1
    assert "data/raw/mine: kept neither by git nor by DVC as it is" in errors


def test_what_leaves_can_be_found_in_the_cache(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(capsys, file, "--target", "churned")
    other = shutil.copy(file, file.with_name("other.csv"))
    _, printed, _ = use(capsys, other, "--target", "churned", "--replace")
    (line,) = [line for line in printed.splitlines() if "customers.csv is no longer used" in line]
    md5 = line.rpartition(" ")[2]
    cached = project.root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    assert cached.read_bytes() == file.read_bytes()


def test_hidden_folders_hold_no_images(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = images(tmp_path / "pictures")
    shutil.copytree(source / "dark", source / "dark" / ".checkpoints")
    status, printed, _ = use(capsys, source)
    assert status == 0
    assert "60 images" in printed
    assert contract_of(project).classes == ["dark", "light"]


def test_a_title_above_a_spreadsheets_table_is_no_part_of_it(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "customers.xlsx"
    customers().to_excel(path, index=False, startrow=2)
    book = load_workbook(path)
    book.active["A1"] = "Customers of 2026"
    book.save(path)
    status, printed, _ = use(capsys, path, "--target", "churned")
    assert status == 0
    assert "customers.xlsx: 200 rows, 5 columns; sheet 'Sheet1', the first 1 rows are no" in printed
    status, _, errors = use(capsys, path, "--target", "churnd", "--dry-run")
    assert (status, "did you mean churned?" in errors) == (1, True)
    assert contract_of(project).layout.skip == 1


@pytest.mark.usefixtures("project")
def test_it_is_said_what_will_be_learnt(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, printed, _ = use(capsys, file, "--target", "churned")
    assert (
        "learns: churned, a classification, from 3 columns; 9 candidates, judged by log_loss over "
        "5 folds; split by row\n" in printed
    )


def test_a_rare_class_is_predicted_from_a_threshold_on_that_finds_it(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    loan = pd.DataFrame({"income": rng.normal(size=400).round(3)})
    for share, decision in ((0.03, "f1_macro"), (0.3, None)):
        late = np.where(rng.random(400) < share, "yes", "no")
        loan.assign(late=late).to_csv(tmp_path / "loans.csv", index=False)
        _, printed, _ = use(capsys, tmp_path / "loans.csv", "--target", "late", "--replace")
        assert (", decided by f1_macro; split by row" in printed) == (decision is not None)
        assert Project(project.root).params.train.decision == decision


@pytest.mark.usefixtures("project")
def test_the_project_itself_is_no_data(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, errors = use(capsys, ".", "--target", "fruit")
    assert status == 1
    assert "the project lies in this folder; name what holds the data alone" in errors


def test_a_time_that_is_not_used_is_told_with_the_command_that_uses_it(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = customers().assign(**{"joined on": pd.date_range("2026-01-01", periods=200)})
    frame.rename(columns={"income": "net income"}).to_csv(file, index=False)
    options = ["--target", "churned", "--drop", "age", "net income"]
    _, printed, _ = use(capsys, file, *options)
    (line,) = [line for line in printed.splitlines() if "have a time" in line]
    command = line.split("`")[1]
    assert command == (
        f"uv run python -m owner use {file} --target churned --drop age --drop 'net income' "
        "--time 'joined on'"
    )
    assert line.endswith("` tests on the latest instead of any rows")
    _, printed, _ = use(capsys, *shlex.split(command)[6:])
    assert "have a time" not in printed
    assert contract_of(project).time == "joined on"
    assert project.params.split.by == "time"


def test_what_was_written_for_other_data_is_no_longer_asked_for(
    project: Project, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask() -> None:
        text = project.params_file.read_text()
        text = text.replace("derived: []", "derived: [ratio]").replace(
            "metrics: []", "metrics: [cost]"
        )
        project.params_file.write_text(text)

    text = project.params_file.read_text().replace("metric: accuracy", "metrics: [cost]")
    project.params_file.write_text(f"features: {{derived: [ratio, sum]}} # mine\n{text}")
    _, printed, _ = use(capsys, file, "--target", "churned")
    assert printed.endswith(
        "use: features.derived in params.yaml was for other data, and emptied: ratio, sum\n"
        "use: train.metrics in params.yaml was for other data, and emptied: cost\n"
        "next: uv run dvc repro\n"
    )
    assert (project.params.features.derived, project.params.train.metrics) == ((), ())
    ask()
    use(capsys, file, "--target", "churned", "--group", "customer")
    params = Project(project.root).params
    assert (params.features.derived, params.train.metrics) == (("ratio",), ("cost",))


@pytest.mark.usefixtures("project")
def test_rows_without_a_group_are_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = customers()
    frame.loc[:4, "region"] = None
    frame.to_csv(file, index=False)
    status, _, errors = use(capsys, file, "--target", "churned", "--group", "region")
    assert (status, errors) == (
        1,
        "error: customers.csv: --group: 5 of 200 rows lack 'region'; each needs its group: fill "
        "it in, or take these rows out\n",
    )


@pytest.mark.parametrize(
    ("folders", "told"),
    [
        (["train", "test"], "as the folders train and test give it"),
        (["train", "val", "test"], "as the folders train and val and test give it (val counts as"),
    ],
)
def test_a_given_split_is_told_where_it_is_decided(
    project: Project,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    folders: list[str],
    told: str,
) -> None:
    for seed, name in enumerate(folders):
        images(tmp_path / "pictures" / name, seed=seed)
    status, printed, _ = use(capsys, tmp_path / "pictures")
    assert status == 0
    assert f"; split {told}" in printed
    assert "split by row" not in printed
    (line,) = [
        line for line in project.contract_file.read_text().splitlines() if line[:5] == "part:"
    ]
    assert line.startswith(f"part: part  # split {told}")
    assert line.endswith("; `split` in params.yaml is for the folds")
    assert contract_of(project).part == "part"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("folders", [["train"], ["train", "val"], ["test"]])
def test_a_given_split_of_one_side_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folders: list[str]
) -> None:
    for name in folders:
        images(tmp_path / "pictures" / name)
    status, _, errors = use(capsys, tmp_path / "pictures")
    assert status == 1
    assert f"all images lie below {' and '.join(folders)}, so that none is for the" in errors


def sales() -> pd.DataFrame:
    """Of two shops, each day."""
    rng, days = np.random.default_rng(0), pd.date_range("2025-01-01", periods=90)
    shops = [
        pd.DataFrame({"day": days, "shop": shop, "sales": rng.normal(100, 9, 90).round(1)})
        for shop in ("A", "B")
    ]
    return pd.concat(shops).assign(promo=rng.integers(0, 2, 180))


FORECAST = ("--target", "sales", "--time", "day", "--series", "shop", "--horizon", "7")


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """A person's own file of series."""
    path = tmp_path / "sales.csv"
    sales().to_csv(path, index=False)
    return path


def settle(project: Project, path: Path, wishes: Wishes) -> Params:
    """What params.yaml says once a file is used."""
    understanding = understand([path], path.name, "s", wishes)
    settings = choose_settings(Project(project.root), path.name, understanding)
    text = edit_yaml(project.params_file.read_text(), settings)
    project.params_file.write_text(text)
    return Project(project.root).params


@pytest.mark.parametrize("kind", ["clustering", "forecasting"])
def test_what_another_kind_left_out_or_chose_is_as_in_a_new_project(
    project: Project, file: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(use_module, "choose_split_seed", lambda *_: 1)
    text = project.params_file.read_text().replace("kind: classification", f"kind: {kind}")
    if kind == "forecasting":
        sizes = "train:\n  training_sizes: [0.25, 0.5, 0.75, 1.0]\n"
        text = text.replace("0.25", "0.4").replace("train:\n", sizes)
    project.params_file.write_text(text)
    params = settle(project, file, Wishes("churned"))
    assert params.kind == "classification"
    assert params.split.test_fraction == 0.25
    assert params.train.training_sizes == (0.25, 0.5, 0.75, 1.0)


def test_vectors_of_words_stay_where_texts_follow_texts(project: Project, tmp_path: Path) -> None:
    make_reviews().to_csv(path := tmp_path / "reviews.csv", index=False)
    features = "features: {tokens: {vectors: vectors.txt, vocabulary: 70000}}\ntrain:\n"
    text = project.params_file.read_text().replace("train:\n", features)
    project.params_file.write_text(text)
    tokens = settle(project, path, Wishes("verdict")).features.tokens
    assert (tokens.vectors, tokens.vocabulary) == ("vectors.txt", 70000)
    assert tokens.length < 100


def test_series_come_with_their_settings_and_candidates(
    project: Project, series: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = project.root / "src/owner/models"
    models.mkdir(parents=True)
    for name in ("forecasting.py", "tables.py"):
        (models.parent / name).write_text("# elsewhere\n")
    starters = project.root / "vendor/lockstep/starters"
    shutil.copytree(STARTERS, starters)
    text = project.params_file.read_text().replace("folds: 3", "decision: f1_macro\n  folds: 3")
    text = text.replace("{test_fraction: 0.25}", "{test_fraction: 0.25, seed: 3}")
    project.params_file.write_text(text.replace("  max_rej", "  resize: true\n  max_rej"))
    status, printed, errors = use(capsys, series, *FORECAST)
    assert (status, errors) == (0, "")
    assert "use: src/owner/models/forecasting.py: candidates for such data" in printed
    assert (models / "forecasting.py").read_bytes() == (starters / "forecasting.py").read_bytes()
    assert [path.name for path in models.iterdir()] == ["forecasting.py"]
    params, contract = project.params, contract_of(project)
    assert (params.kind, params.split.by, params.train.metric) == ("forecasting", "time", "mase")
    assert (contract.series, contract.horizon, contract.every) == ("shop", 7, "1 day")
    # What only other kinds need is not in front of a person.
    text = project.params_file.read_text()
    assert not [key for key in ("decision", "resize", "seed: 3", "signal") if key in text]

    (models / "forecasting.py").write_text("# mine\n")
    before = snapshot(project.root)
    status, printed, errors = use(capsys, series, *FORECAST)
    assert "sales.csv is in use already: nothing was changed" in printed
    assert snapshot(project.root) == before
    status, printed, errors = use(capsys, series, *FORECAST, "--future", "promo")
    assert (status, errors) == (0, "")
    assert contract_of(project).columns["promo"].future
    assert (models / "forecasting.py").read_text() == "# mine\n"
    assert "candidates for such data" not in printed


@pytest.mark.parametrize(
    ("change", "is_kept"),
    [
        (None, False),
        (("models/tables.py", "# mine\n"), True),
        (("models/own.py", "from .tables import linear_beside_perceptron\n"), True),
        (("plots.py", "if 1:\n    from .models import (\n        tables,\n    )\n"), True),
        (("plots.py", "import_module('owner.models.tables')\n"), True),
        (("plots.py", "import owner\n\nowner.models.tables.tree\n"), True),
        (("plots.py", "from . import models\nno Python\n"), True),
        (("plots.py", "import pandas as pd  # for tables\n\ntables = pd\n"), False),
    ],
)
def test_candidates_for_other_data_go_unless_the_owner_has_a_hand_in_them(
    project: Project,
    series: Path,
    capsys: pytest.CaptureFixture[str],
    change: tuple[str, str] | None,
    is_kept: bool,
) -> None:
    package, starters = project.root / "src/owner", project.root / "vendor/lockstep/starters"
    tables = package / "models/tables.py"
    shutil.copytree(STARTERS, starters)
    tables.parent.mkdir(parents=True)
    shutil.copy(starters / "tables.py", tables)
    if change is not None:
        (package / change[0]).write_text(change[1])
    status, printed, errors = use(capsys, series, *FORECAST, "--dry-run")
    assert ("src/owner/models/tables.py would go: it is for other data" in printed) != is_kept
    assert tables.exists()
    status, printed, errors = use(capsys, series, *FORECAST)
    assert (status, errors) == (0, "")
    assert tables.exists() == is_kept
    line = "use: src/owner/models/tables.py: for other data and as it came, so removed\n"
    assert (line in printed) != is_kept


def test_too_short_series_are_one_line_and_change_nothing(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sales().groupby("shop").head(8).to_csv(tmp_path / "short.csv", index=False)
    before = snapshot(project.root)
    status, _, errors = use(capsys, tmp_path / "short.csv", *FORECAST)
    assert status == 1
    assert errors.startswith(
        "error: short.csv: --horizon: 8 times are too few to learn to forecast 7"
    )
    assert errors.count("\n") == 1
    assert snapshot(project.root) == before


def test_requests_are_no_rows_of_series(
    project: Project, series: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(capsys, series, *FORECAST)
    before = snapshot(project.root)
    status, _, errors = use(capsys, "--from-requests")
    assert status == 1
    assert errors.startswith("error: use: a request holds the past of a series")
    assert snapshot(project.root) == before
