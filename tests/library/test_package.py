"""The wheel of a champion: what is in it, and what it does where the project is not."""

import hashlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from base64 import urlsafe_b64decode
from collections.abc import Callable
from importlib.metadata import version as find_version
from pathlib import Path

import pandas as pd
import pytest
from conftest import make_fruit, make_project, write_params
from history import commit_run, run_git, write_pipeline
from lockstep.core.errors import UserError
from lockstep.core.files import sha256
from lockstep.core.project import Project
from lockstep.modeling.model import Model
from lockstep.modeling.profile import read_profile
from lockstep.packaging import package as command
from lockstep.packaging import versions
from lockstep.packaging.build import build_wheel
from lockstep.packaging.code import Code
from lockstep.packaging.package import package_workspace
from lockstep.packaging.versions import package_version
from lockstep.standalone.check import check
from lockstep.standalone.model_package import ModelPackage
from wheels import run_alone, run_program, train_champion, unpack

FEATURES = {"numeric": ["impute", "log1p", "standardise"]}
"""A recipe with a function of the owner's package, so that the pickle names it."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One whose champion is version 1.0.0."""
    project = make_project(tmp_path_factory.mktemp("project"))
    write_pipeline(project)
    train = {"metric": "accuracy", "folds": 2, "candidates": {"baseline": {}, "linear": {}}}
    write_params(project, train=train, features=FEATURES)
    project = train_champion(project)
    commit = commit_run(project)
    run_git(project.root, "tag", "champion@v1.0.0", commit, "-m", "Register champion v1.0.0")
    return project


@pytest.fixture(scope="module")
def wheel(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        return package_workspace(project, tmp_path_factory.mktemp("dist"))


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


@pytest.mark.matrix
def test_the_version_gives_the_same_bytes_on_another_path_and_in_another_zone(
    project: Project, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_champions(project, monkeypatch)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    former = os.umask(0o077)
    try:
        again = package_version(project, "1.0.0", tmp_path)
    finally:
        os.umask(former)
    assert again.name == wheel.name == "owner_model-1.0.0-py3-none-any.whl"
    assert again.read_bytes() == wheel.read_bytes()


def test_the_same_run_gives_the_same_bytes_on_another_day(
    project: Project, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lockstep.packaging.build.check_alone", lambda *_: None)  # it takes time
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 40 * 86_400)
    assert build_wheel(project, "1.0.0", tmp_path).read_bytes() == wheel.read_bytes()


def bring_champions(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let DVC have the champion of the workspace, if there is one."""

    def run_dvc(arguments: list[str], folder: Path, _: object) -> str:
        if arguments[0] == "checkout":
            if not project.champion.exists():
                raise UserError("dvc checkout: failed")
            shutil.copytree(project.champion, folder / "models" / "champion")
        return ""

    monkeypatch.setattr(versions, "run_dvc", run_dvc)


def test_a_version_whose_model_or_library_is_not_there_is_told(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        UserError, match=r"^v1\.2\.0: no such version; there are v1\.0\.0 and latest"
    ):
        package_version(project, "1.2.0", tmp_path)
    bring_champions(Project(tmp_path), monkeypatch)
    with pytest.raises(UserError, match=r"^v1\.0\.0: its model is not in DVC's cache; `dvc fetch"):
        package_version(project, "1.0.0", tmp_path)
    bring_champions(project, monkeypatch)
    monkeypatch.setattr(versions, "sha256", lambda _: "0")
    with pytest.raises(UserError, match=r"^v1\.0\.0: models/champion/\S+ in DVC's cache is not"):
        package_version(project, "v1.0.0", tmp_path)
    monkeypatch.setattr(versions, "BUILDER", "lockstep.another")
    with pytest.raises(UserError, match=r"^v1\.0\.0: its library cannot make wheels yet"):
        package_version(project, "latest", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_workspace_that_has_changed_since_its_run_is_not_packed(
    project: Project, tmp_path: Path
) -> None:
    other = Project(shutil.copytree(project.root, tmp_path / "p"))
    write_params(other, seed=2)
    told = "the workspace is not what reports/record.json tells: params.yaml has another `seed`; "
    with pytest.raises(UserError, match=told):
        package_workspace(other, tmp_path)


def test_a_run_that_is_no_version_has_the_version_of_the_project(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "build_wheel", lambda _, version, folder: (version, folder))
    other = Project(shutil.copytree(project.root, tmp_path / "p"))
    run_git(other.root, "tag", "--delete", "champion@v1.0.0")
    with (other.root / "pyproject.toml").open("a") as file:
        file.write('[project]\nname = "fruit"\nversion = "0.3.0"\n')
    assert package_workspace(other, tmp_path) == ("0.3.0", tmp_path)


def test_the_wheel_lists_its_files_as_installers_check_them(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        record = archive.read("owner_model-1.0.0.dist-info/RECORD").decode()
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
    text = (unpacked / "owner_model-1.0.0.dist-info" / "METADATA").read_text(encoding="utf-8")
    needs = [line.split(": ")[1] for line in text.splitlines() if line.startswith("Requires-Dist")]
    computing = ["joblib", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy"]
    assert [need.split("==")[0] for need in needs if "==" in need] == computing
    others = ["pydantic", "ruamel-yaml", "typing-extensions"]
    assert [need.split(">=")[0] for need in needs if "==" not in need] == others


def test_only_the_modules_that_the_model_names_are_in_it(unpacked: Path) -> None:
    package = unpacked / "owner_model" / "owner"
    assert sorted(file.name for file in package.iterdir()) == ["__init__.py", "features.py"]


def test_the_profile_of_the_champion_is_in_it(project: Project, unpacked: Path) -> None:
    profile = read_profile(unpacked / "owner_model" / "champion", "owner_model")
    assert profile.rows == len(pd.read_parquet(project.train))
    assert read_profile(project.baseline, "models/baseline") is None


def test_it_predicts_what_the_project_does_and_leaves_the_process_as_it_is(
    project: Project, unpacked: Path, tmp_path: Path
) -> None:
    make_rows().to_pickle(tmp_path / "rows")
    make_rows().to_csv(tmp_path / "new.csv", index=False)
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
from pathlib import Path
from owner_model.lockstep.standalone.predict import predict_file
folder = Path(sys.argv[1])
try:
    model = owner_model.load().model
    predict_file(model, folder / "new.csv", folder / "out.csv", resize=False)
except owner_model.UserError as error:
    print(error, file=sys.stderr)
assert not {"keras", "jax", "matplotlib", "PIL"} & {*sys.modules}
print(owner_model.__version__, *(name for name in os.environ if name not in before))
"""
    done = run_alone(unpacked, code, str(tmp_path))
    to_those_who_listen, error = done.stderr.splitlines()
    assert re.fullmatch(r"owner_model: 9 rows in \d\.\d+ s, 0 of them refused", to_those_who_listen)
    told = "no prediction for 1 of 9 rows; first: row 3, colour is 'blue', expected one of "
    assert error == f"{tmp_path / 'new.csv'}: {told}green, red"
    version, *changed = done.stdout.splitlines()[-1].split()
    assert version == "1.0.0"
    assert not {"OMP_NUM_THREADS", "KERAS_BACKEND", "XLA_FLAGS"} & {*changed}
    expected = Model.load(project.champion).predict(make_rows())
    pd.testing.assert_frame_equal(pd.read_pickle(tmp_path / "table"), expected)
    written = pd.read_csv(tmp_path / "out.csv")
    pd.testing.assert_frame_equal(written, expected, check_dtype=False, rtol=1e-12)


@pytest.mark.parametrize(
    ("factor", "told"),
    [
        (1, "the same numbers to the last bit"),
        (1 + 1e-12, "probability_apple differs by up to 1e-12 of its largest"),
    ],
)
def test_check_says_by_how_much_numbers_differ(
    folder: Path, capsys: pytest.CaptureFixture[str], factor: float, told: str
) -> None:
    change_answers(
        folder, lambda row: row | {"probability_apple": row["probability_apple"] * factor}
    )
    check(open_folder(folder))
    assert capsys.readouterr().out == f"check: owner 1.0.0: 24 golden rows, {told}\n"


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
    with pytest.raises(UserError, match=f"^owner 1.0.0: {told}"):
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
    told = f"owner_model: {name} is not the file that was packed; install owner 1.0.0 again"
    with pytest.raises(UserError, match=re.escape(told)):
        _ = open_folder(folder).model


def test_two_wheels_that_have_overwritten_each_other_are_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = folder / "fruits_model-2.0.0.dist-info"
    shutil.copytree(folder / "owner_model-1.0.0.dist-info", notes)
    (notes / "METADATA").write_text("Metadata-Version: 2.4\nName: fruits-model\nVersion: 2.0.0\n")
    monkeypatch.syspath_prepend(folder)
    rivals = "^fruits-model 2.0.0 and owner-model 1.0.0 are both installed as owner_model: "
    with pytest.raises(UserError, match=rivals):
        _ = open_folder(folder).model


def test_the_same_wheel_installed_elsewhere_is_no_rival(
    unpacked: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (notes,) = unpacked.glob("*.dist-info")
    shutil.copytree(notes, folder / "fruits_model-2.0.0.dist-info")
    shutil.rmtree(folder / notes.name)
    text = "Metadata-Version: 2.4\nName: fruits-model\nVersion: 2.0.0\n"
    (folder / "fruits_model-2.0.0.dist-info" / "METADATA").write_text(text)
    monkeypatch.syspath_prepend(unpacked)
    monkeypatch.syspath_prepend(folder)
    open_folder(folder).require_whole()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"pins": None}, "no `pins`"),
        ({"backend": 1}, "no `backend`"),
        ({"version": "../../etc"}, "'../../etc' is no version"),
        ({"name": "a/b"}, "'a/b' is no name"),
        ({"run": "none"}, "'none' is no run"),
    ],
)
def test_a_description_that_lacks_something_is_told(folder: Path, changes: dict, told: str) -> None:
    file = folder / "owner_model" / "package.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    with pytest.raises(UserError) as caught:
        open_folder(folder).require_whole()
    assert str(caught.value) == f"owner_model: package.json: {told}; make the wheel again"


@pytest.mark.parametrize("name", ["card.md", "record.json"])
def test_another_card_or_record_is_not_shown(folder: Path, name: str) -> None:
    (folder / "owner_model" / name).write_text("{}")
    package = open_folder(folder)
    with pytest.raises(UserError, match=f"{re.escape(name)} is not the file that was packed"):
        _ = package.card, package.record


def test_golden_rows_that_cannot_be_read_are_told(folder: Path) -> None:
    (folder / "owner_model" / "golden.json").write_text("{")
    with pytest.raises(UserError, match=r"golden\.json is not the file that was packed"):
        check(open_folder(folder))


def test_what_is_no_table_is_told(unpacked: Path) -> None:
    told = "^owner_model: rows are a DataFrame of pandas, not of type dict$"
    with pytest.raises(UserError, match=told):
        open_folder(unpacked).predict({"weight": [1]})


def test_the_card_and_the_version_are_printed(project: Project, unpacked: Path) -> None:
    assert run_program(unpacked, "card").stdout == project.model_card.read_text() + "\n"
    run = hashlib.sha256(project.record.read_bytes()).hexdigest()
    assert run_program(unpacked, "--version").stdout == f"owner 1.0.0, run {run[:8]}\n"


@pytest.mark.matrix
def test_models_of_two_projects_are_told_apart_in_one_process(
    unpacked: Path, tmp_path: Path
) -> None:
    make_namesake(unpacked / "owner_model", tmp_path / "other_model")
    code = """
import owner_model
sys.path.append(sys.argv[1])
import other_model
one, other = owner_model.load(), other_model.load()
assert type(one.model) is not type(other.model)
print(one.name, one.info["name"], other.name, other.info["name"])
print(*(name for name in sys.modules if name.endswith("owner.features")))
"""
    done = run_alone(unpacked, code, str(tmp_path))
    assert done.stderr == ""
    modules = "owner_model.owner.features other_model.owner.features"
    assert done.stdout == f"owner_model owner other_model other\n{modules}\n"


def make_namesake(package: Path, copy: Path) -> None:
    """The same package as if it were of another project."""
    shutil.copytree(package, copy)
    for name in ("__init__.py", "owner/__init__.py", "owner/features.py"):
        text = (copy / name).read_text(encoding="utf-8")
        (copy / name).write_text(text.replace("owner_model", "other_model"), encoding="utf-8")
    info = json.loads((copy / "package.json").read_text())
    digests = {name: sha256(copy / name) for name in info["sha256"]}
    (copy / "package.json").write_text(json.dumps(info | {"name": "other", "sha256": digests}))


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


LOCKED = """
[[package]]
name = "packaging"
version = "{}"
source = {{ registry = "an index" }}

[[package]]
name = "owner"
version = "0.1.0"
source = {{ editable = "." }}
"""


def test_libraries_of_which_the_record_tells_nothing_are_those_of_the_lock(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lockstep.packaging.build.find_distributions", lambda _: {"packaging"})
    other = Project(shutil.copytree(project.root, tmp_path / "p"))
    (other.root / "uv.lock").write_text(LOCKED.format("0.1"))
    present = find_version("packaging")
    with pytest.raises(UserError, match=rf"^packaging is {present}, not 0\.1: the run was made wi"):
        build_wheel(other, "1.0.0", tmp_path)


@pytest.mark.parametrize("is_present", [True, False])
def test_a_version_is_packed_where_its_own_libraries_are(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_present: bool
) -> None:
    other = Project(shutil.copytree(project.root, tmp_path / "p"))
    with (other.root / "pyproject.toml").open("a") as file:
        file.write('[project]\nname = "owner"\ndependencies = ["Packaging>=0.1", "owner"]\n')
    locked = find_version("packaging") if is_present else "0.1"
    (other.root / "uv.lock").write_text(LOCKED.format(locked))
    commit = commit_run(other)
    run_git(other.root, "tag", "champion@v1.1.0", commit, "-m", "Register champion v1.1.0")
    commands = []

    def run_program(command: list[str], *_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, stdout="a.whl\n")

    bring_champions(other, monkeypatch)
    monkeypatch.setattr(versions, "run_program", run_program)
    package_version(other, "1.1.0", tmp_path)
    assert commands[0][0] == (sys.executable if is_present else "uv")


@pytest.mark.matrix
def test_the_wheel_works_in_an_environment_that_holds_nothing_but_it(
    wheel: Path, tmp_path: Path
) -> None:
    place = tmp_path / "environment"
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    for step in (
        ["uv", "venv", "--quiet", "--python", sys.executable, str(place)],
        ["uv", "pip", "install", "--quiet", "--python", str(python), str(wheel)],
    ):
        subprocess.run(step, check=True, cwd=tmp_path)
    done = subprocess.run(
        [str(python), "-m", "owner_model", "check"],
        cwd=tmp_path,
        env={name: text for name, text in os.environ.items() if not name.startswith("PYTHON")},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "check: owner 1.0.0: 24 golden rows, the same numbers to the last bit\n"
    assert done.stderr == ""


@pytest.mark.matrix
def test_code_that_only_the_project_has_keeps_the_model_from_being_packed(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lockstep.packaging.build.gather_code", lambda *_: Code({}, set()))
    with pytest.raises(UserError, match=r"the packed model does not work: .*owner_model\.owner"):
        build_wheel(project, "1.0.0", tmp_path)
    assert not list(tmp_path.iterdir())
