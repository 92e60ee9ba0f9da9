"""The wheel of a champion: what is in it, and what it does where the project is not."""

import hashlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64decode
from collections.abc import Callable
from pathlib import Path

import owner
import pandas as pd
import pytest
from conftest import make_fruit
from lockstep.core.errors import UserError
from lockstep.core.files import sha256
from lockstep.core.project import Project
from lockstep.modeling.model import Model
from lockstep.packaging.build import build_wheel
from lockstep.packaging.code import Code
from lockstep.standalone.check import check
from lockstep.standalone.model_package import ModelPackage
from wheels import run_alone, run_program, train_champion, unpack

FEATURES = {"numeric": ["impute", "log1p", "standardise"]}
"""A recipe with a function of the owner's package, so that the pickle names it."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return train_champion(tmp_path_factory.mktemp("a") / "p", "linear", features=FEATURES)


@pytest.fixture(scope="module")
def wheel(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(project, "1.2.0", tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(wheel, tmp_path_factory.mktemp("unpacked"))


@pytest.fixture
def folder(unpacked: Path, tmp_path: Path) -> Path:
    """A copy of what the wheel installs, to be changed."""
    return shutil.copytree(unpacked, tmp_path / "copy")


def make_rows() -> pd.DataFrame:
    rows = make_fruit(9).astype("object")
    rows.loc[2, "colour"] = "blue"
    return rows


def test_the_same_run_gives_the_same_bytes_on_another_path_and_day(
    project: Project, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = shutil.copytree(project.root, tmp_path / "elsewhere", copy_function=shutil.copyfile)
    for file in other.rglob("*"):
        os.utime(file, (1e9, 1e9))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    former = os.umask(0o077)
    try:
        again = build_wheel(Project(other), "1.2.0", tmp_path)
    finally:
        os.umask(former)
    assert again.name == wheel.name == "owner_model-1.2.0-py3-none-any.whl"
    assert again.read_bytes() == wheel.read_bytes()


def test_the_wheel_lists_its_files_as_installers_check_them(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        record = archive.read("owner_model-1.2.0.dist-info/RECORD").decode()
        lines = [line.split(",") for line in record.splitlines()]
        assert [name for name, *_ in lines] == names
        assert lines[-1][1:] == ["", ""]
        for name, digest, size in lines[:-1]:
            content = archive.read(name)
            expected = urlsafe_b64decode(digest.removeprefix("sha256=") + "=")
            assert hashlib.sha256(content).digest() == expected
            assert len(content) == int(size)


def test_exactly_what_computes_is_asked_for_in_exactly_the_version_of_the_run(
    unpacked: Path,
) -> None:
    text = (unpacked / "owner_model-1.2.0.dist-info" / "METADATA").read_text(encoding="utf-8")
    needs = [line.split(": ")[1] for line in text.splitlines() if line.startswith("Requires-Dist")]
    computing = ["joblib", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy"]
    assert [need.split("==")[0] for need in needs if "==" in need] == computing
    others = ["pydantic", "ruamel-yaml", "typing-extensions"]
    assert [need.split(">=")[0] for need in needs if "==" not in need] == others


def test_only_the_modules_that_the_model_names_are_in_it(unpacked: Path) -> None:
    package = unpacked / "owner_model" / "owner"
    assert sorted(file.name for file in package.iterdir()) == ["__init__.py", "features.py"]


def test_it_predicts_what_the_project_does_and_leaves_the_process_as_it_is(
    project: Project, unpacked: Path, tmp_path: Path
) -> None:
    make_rows().to_pickle(tmp_path / "rows")
    code = """
import logging, os
before = dict(os.environ)
import owner_model
assert not {"numpy", "pandas"} & {*sys.modules}, "to import it takes time"
import pandas
table = owner_model.predict(pandas.read_pickle(sys.argv[1] + "/rows"))
table.to_pickle(sys.argv[1] + "/table")
logging.basicConfig(format="%(name)s: %(message)s")
logging.getLogger("owner_model").setLevel("INFO")
owner_model.predict(table.assign(weight=1, seeds=1, colour="red"))
assert not {"keras", "jax", "matplotlib", "PIL"} & {*sys.modules}
print(owner_model.__version__, *(name for name in os.environ if name not in before))
"""
    done = run_alone(unpacked, code, str(tmp_path))
    assert re.fullmatch(r"owner_model: 9 rows in \d\.\d+ s, 0 of them refused\n", done.stderr), (
        "it says so to those who listen, and nothing to others"
    )
    version, *changed = done.stdout.split()
    assert version == "1.2.0"
    assert not {"OMP_NUM_THREADS", "KERAS_BACKEND", "XLA_FLAGS"} & {*changed}
    expected = Model.load(project.champion).predict(make_rows())
    pd.testing.assert_frame_equal(pd.read_pickle(tmp_path / "table"), expected)


def test_golden_rows_get_the_same_numbers_to_the_last_bit(unpacked: Path) -> None:
    done = run_program(unpacked, "check")
    expected = "check: owner_model 1.2.0: 24 golden rows, the same numbers to the last bit\n"
    assert (done.stdout, done.stderr, done.returncode) == (expected, "", 0)


def test_check_says_by_how_much_numbers_differ(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_answers(
        folder, lambda row: row | {"probability_apple": row["probability_apple"] * (1 + 1e-12)}
    )
    check(open_folder(folder))
    assert "probability_apple differs by up to 1e-12 of its largest\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"probability_apple": 0.2}, "probability_apple of the golden rows differs by up to "),
        ({"prediction": "pear"}, "24 of 24 golden rows have other answers here"),
        ({"prediction": None}, "24 of 24 golden rows have other answers here"),
    ],
)
def test_check_fails_where_answers_differ_by_more_than_rounding(
    folder: Path, changes: dict, told: str
) -> None:
    change_answers(folder, lambda row: row | changes)
    with pytest.raises(UserError, match=f"^owner_model 1.2.0: {told}"):
        check(open_folder(folder))


def open_folder(folder: Path) -> ModelPackage:
    return ModelPackage("owner_model", folder / "owner_model")


def change_answers(folder: Path, change: Callable[[dict], dict]) -> None:
    """Change golden.json, and what package.json says of it."""
    golden, info = (folder / "owner_model" / name for name in ("golden.json", "package.json"))
    content = json.loads(golden.read_text())
    content["answers"] = [change(row) for row in content["answers"]]
    golden.write_text(json.dumps(content))
    told = json.loads(info.read_text())
    told["sha256"]["golden.json"] = sha256(golden)
    info.write_text(json.dumps(told))


@pytest.mark.parametrize("name", ["champion/pipeline.joblib", "owner/features.py", "golden.json"])
def test_a_file_that_is_not_the_one_that_was_packed_is_told(folder: Path, name: str) -> None:
    with (folder / "owner_model" / name).open("a") as file:
        file.write("\n")
    told = f"owner_model: {name} is not the file that was packed; install owner 1.2.0 again"
    with pytest.raises(UserError, match=re.escape(told)):
        _ = open_folder(folder).model


def test_two_wheels_that_have_overwritten_each_other_are_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = folder / "fruits_model-2.0.0.dist-info"
    shutil.copytree(folder / "owner_model-1.2.0.dist-info", notes)
    (notes / "METADATA").write_text("Metadata-Version: 2.4\nName: fruits-model\nVersion: 2.0.0\n")
    (folder / "owner_model" / "champion" / "model.json").unlink()
    monkeypatch.syspath_prepend(folder)
    rivals = "fruits-model 2.0.0 and owner-model 1.2.0 are both installed as owner_model: "
    with pytest.raises(UserError, match=f"not the file that was packed; {rivals}"):
        _ = open_folder(folder).model


def test_a_file_is_predicted_as_the_project_does(unpacked: Path, tmp_path: Path) -> None:
    make_rows().to_csv(tmp_path / "new.csv", index=False)
    done = run_program(unpacked, "predict", str(tmp_path / "new.csv"), "-o", str(tmp_path / "out"))
    table = pd.read_csv(tmp_path / "out")
    assert [*table] == ["prediction", "probability_apple", "probability_melon", "reason"]
    assert table["prediction"].isna().tolist() == [place == 2 for place in range(9)]
    told = "no prediction for 1 of 9 rows; first: row 3, colour is 'blue', expected one of"
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 1


def test_the_card_and_the_version_are_printed(project: Project, unpacked: Path) -> None:
    assert run_program(unpacked, "card").stdout == project.model_card.read_text() + "\n"
    run = hashlib.sha256(project.record.read_bytes()).hexdigest()
    assert run_program(unpacked, "--version").stdout == f"owner 1.2.0, run {run[:8]}\n"


def test_models_of_two_projects_are_told_apart_in_one_process(
    project: Project, unpacked: Path, tmp_path: Path
) -> None:
    other = Project(shutil.copytree(project.root, tmp_path / "p"))
    (other.root / "pyproject.toml").write_text('[tool.lockstep]\npackage = "other"\n')
    rename_owner(other.champion)
    (other.root / "other").symlink_to(Path(owner.__path__[0]))
    code = """
import sys
sys.path.insert(0, "")
from lockstep.core.project import Project
from lockstep.packaging import build
build.check_alone = lambda *_: None
project = Project.find()
build.build_wheel(project, "3.0.0", project.root)
"""
    subprocess.run([sys.executable, "-c", code], cwd=other.root, check=True)
    folder = unpack(next(other.root.glob("*.whl")), tmp_path / "b")
    code = """
import owner_model
sys.path.append(sys.argv[1])
import other_model
one, other = owner_model.load(), other_model.load()
assert type(one.model) is not type(other.model)
print(one.info["name"], one.version, other.info["name"], other.version)
print(*(name for name in sys.modules if name.endswith(".features")))
"""
    done = run_alone(unpacked, code, str(folder))
    assert done.stderr == ""
    first, second = done.stdout.splitlines()
    assert first == "owner 1.2.0 other 3.0.0"
    assert {"owner_model.owner.features", "other_model.other.features"} < {*second.split()}


def rename_owner(champion: Path) -> None:
    """Let the pipeline name a package whose name is as long."""
    pipeline, description = champion / "pipeline.joblib", champion / "model.json"
    content = pipeline.read_bytes()
    assert b"owner.features" in content
    pipeline.write_bytes(content.replace(b"owner.features", b"other.features"))
    told = json.loads(description.read_text())
    told["sha256"]["pipeline.joblib"] = sha256(pipeline)
    description.write_text(json.dumps(told))


def test_other_libraries_are_told(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = open_folder(folder)
    assert package.find_differences() == []
    package.info["pins"] |= {"numpy": "2.0.0", "no-such-library": "1.0"}
    package.info["python"] = "3.10"
    differences = package.find_differences()
    assert differences[0].startswith("numpy is 2.")
    assert differences[0].endswith(", not 2.0.0")
    assert differences[1] == "no-such-library 1.0 is not installed"
    assert differences[2].endswith(", not 3.10")
    monkeypatch.chdir(folder)
    with caplog.at_level(logging.WARNING, "owner_model"):
        _ = package.model
    assert "other libraries than it was packed with: numpy is " in caplog.text


def test_a_run_of_other_libraries_than_are_installed_is_not_packed(
    project: Project, tmp_path: Path
) -> None:
    other = Project(shutil.copytree(project.root, tmp_path / "p"))
    record = json.loads(other.record.read_text())
    record["environment"]["scipy"] = "1.0.0"
    other.record.write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"^scipy is 1\.\S+, not 1\.0\.0: the run was made with"):
        build_wheel(other, "1.0.0", tmp_path)


def test_code_that_only_the_project_has_keeps_the_model_from_being_packed(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lockstep.packaging.build.gather_code", lambda *_: Code({}, set()))
    with pytest.raises(UserError, match=r"the packed model does not work: .*owner_model\.owner"):
        build_wheel(project, "1.0.0", tmp_path)
    assert not list(tmp_path.iterdir())
