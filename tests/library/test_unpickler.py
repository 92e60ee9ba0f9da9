"""A saved model is loaded, and a file that asks for anything else is not."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from conftest import run_stages, write_params
from lockstep.core.errors import UserError
from lockstep.core.files import sha256
from lockstep.core.project import Project
from lockstep.modeling.archive import write_joblib
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.model import Model
from lockstep.modeling.problem import Problem
from lockstep.modeling.unpickler import GuardedUnpickler, read_joblib
from owner import models  # noqa: F401 - it registers the candidates
from scipy.special import expit
from sklearn.datasets import load_svmlight_file, make_blobs
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.metrics.pairwise import chi2_kernel
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_array


class Call:
    """Calls a function when it is loaded."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


def write_name(module: str, name: str, path: Path) -> None:
    """A pickle that asks for a name and calls it without arguments."""
    path.write_bytes(
        b"\x80\x04"
        + b"".join(b"\x8c%c%s" % (len(text), text.encode()) for text in (module, name))
        + b"\x93)R."
    )


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (Call(os.system, "touch harm"), "posix.system" if os.name == "posix" else "nt.system"),
        (Call(eval, "open('harm', 'w')"), "builtins.eval"),
        (Call(exec, "open('harm', 'w')"), "builtins.exec"),
        (Call(open, "harm", "w"), "io.open" if sys.version_info < (3, 14) else "_io.open"),
        (Call(getattr, "", "join"), "builtins.getattr"),
        (Call(subprocess.Popen, ["touch", "harm"]), "subprocess.Popen"),
        (Call(np.memmap, "harm", "uint8", "w+", 0, (1,)), "numpy.memmap"),
        (Call(np.load, "harm"), ".load"),
        (Call(joblib.load, "harm"), "joblib.numpy_pickle.load"),
        (Call(pd.read_pickle, "harm"), "pandas.read_pickle"),
        (Call(pd.ExcelWriter, "harm.xlsx"), "pandas.ExcelWriter"),
        (Call(write_joblib, 1, Path("harm")), "pathlib"),
        ([Call(partial(os.system, "touch harm"))], ".system"),
        (np.array([Call(os.system, "touch harm"), "text"], dtype=object), ".system"),
        (FunctionTransformer(os.system), ".system"),
        (FunctionTransformer(np.save), "numpy.save"),
        (Call(load_svmlight_file, "harm"), ".load_svmlight_file"),
    ],
)
def test_a_file_that_asks_for_more_than_a_model_needs_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: object, named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    joblib.dump(content, tmp_path / "a.joblib")
    with pytest.raises(UserError) as error:
        read_joblib(tmp_path / "a.joblib", "a model")
    assert str(error.value).startswith("a model asks for ")
    assert named in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.joblib"]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sklearn.base", "os.system"),
        ("sklearn.utils._testing", "subprocess.Popen"),
        ("sklearn.datasets", "fetch_openml"),
        ("sklearn.utils._testing", "create_memmap_backed_data"),
        ("numpy", "os.system"),
        ("numpy.testing._private.utils", "runstring"),
        ("numpy.random._generator", "__builtins__"),
        ("lockstep.modeling.archive", "zipfile"),
        ("lockstep.modeling.model", "Model.save"),
        ("lockstep.core.programs", "run_program"),
        ("lockstep.core.files", "replacing_directory"),
        ("antigravity", "webbrowser"),
        ("pandas.io.common", "get_handle"),
    ],
)
def test_a_name_that_leads_out_of_a_trusted_package_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str
) -> None:
    monkeypatch.delitem(sys.modules, "antigravity", raising=False)
    write_name(module, name, tmp_path / "a.joblib")
    with pytest.raises(UserError, match=f"a model asks for {module}.{name}, of which"):
        read_joblib(tmp_path / "a.joblib", "a model")
    assert "antigravity" not in sys.modules


FRAME = pd.DataFrame(
    {
        "text": ["a", None],
        "level": pd.Categorical(["u", "v"]),
        "count": pd.array([1, None], "Int64"),
        "when": pd.to_datetime(["2026-01-31", None]),
    }
)


@pytest.mark.parametrize(
    "content",
    [
        FRAME,
        FRAME.set_index("when"),
        [
            np.arange(3),
            np.array(["a", None], dtype=object),
            np.float32(1),
        ],
        {"a": {1}, "b": slice(1), "c": pd.Timestamp(2026, 1, 1), "d": np.datetime64("2026")},
        [FunctionTransformer(np.log1p), FunctionTransformer(expit), SelectKBest(f_classif)],
        {"kernel": chi2_kernel, "check": FunctionTransformer(check_array)},
    ],
)
def test_what_a_model_may_hold_is_loaded(tmp_path: Path, content: object) -> None:
    write_joblib(content, tmp_path / "a.joblib")
    assert repr(read_joblib(tmp_path / "a.joblib", "a model")) == repr(content)


def test_classes_of_a_dependency_are_loaded_once_the_project_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jinja2 import Environment

    monkeypatch.chdir(tmp_path)
    joblib.dump(Call(Environment), tmp_path / "a.joblib")
    with pytest.raises(UserError, match=r"asks for jinja2\.environment\.Environment, of which"):
        read_joblib(tmp_path / "a.joblib", "a model")
    lines = '[project]\ndependencies = ["Jinja2[i18n] >= 3"]\n[tool.lockstep]\npackage = "owner"\n'
    (tmp_path / "pyproject.toml").write_text(lines)
    assert type(read_joblib(tmp_path / "a.joblib", "a model")) is Environment


def test_nothing_of_what_keras_computes_with_is_named_though_the_project_depends_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["jax", "keras"]\n[tool.lockstep]\npackage = "owner"\n'
    )
    for module, name in [("jax._src.lru_cache", "LRUCache"), ("keras.utils", "Progbar")]:
        write_name(module, name, tmp_path / "a.joblib")
        with pytest.raises(UserError, match=f"asks for {module}.{name}, of which"):
            read_joblib(tmp_path / "a.joblib", "a model")


@pytest.mark.parametrize(
    "content",
    [
        Call(pd.ExcelWriter, "harm.xlsx"),
        Call(np.memmap, "harm", "uint8", "w+", 0, (1,)),
        Call(np.lib.npyio.DataSource, "harm"),
    ],
)
def test_what_a_dependency_writes_files_with_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: object
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = '[project]\ndependencies = ["numpy", "pandas"]\n[tool.lockstep]\npackage = "owner"\n'
    (tmp_path / "pyproject.toml").write_text(lines)
    joblib.dump(content, tmp_path / "a.joblib")
    with pytest.raises(UserError, match="of which no model has need"):
        read_joblib(tmp_path / "a.joblib", "a model")


def test_memmap_is_refused_under_its_other_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = '[project]\ndependencies = ["numpy"]\n[tool.lockstep]\npackage = "owner"\n'
    (tmp_path / "pyproject.toml").write_text(lines)
    write_name("numpy._core.memmap", "memmap", tmp_path / "a.joblib")
    with pytest.raises(UserError, match=r"asks for numpy\._core\.memmap\.memmap, of which"):
        read_joblib(tmp_path / "a.joblib", "a model")


@pytest.mark.parametrize("has_project", [True, False], ids=["in a project", "in no project"])
def test_a_file_cannot_bring_the_project_that_trusts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_project: bool
) -> None:
    here, model = tmp_path / "here", tmp_path / "here" / "model"
    model.mkdir(parents=True)
    monkeypatch.chdir(here)
    if has_project:
        (here / "pyproject.toml").write_text('[tool.lockstep]\npackage = "owner"\n')
    lines = '[project]\ndependencies = ["jinja2"]\n[tool.lockstep]\npackage = "posix"\n'
    (model / "pyproject.toml").write_text(lines)
    for module, name in [("posix", "getcwd"), ("jinja2.environment", "Environment")]:
        write_name(module, name, model / "a.joblib")
        with pytest.raises(UserError, match=f"asks for {module}.{name}, of which"):
            read_joblib(model / "a.joblib", "a model")


def test_a_project_around_the_file_is_trusted_where_its_package_is_imported_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    (root / "src" / "their_package").mkdir(parents=True)
    elsewhere.mkdir()
    (root / "src" / "their_package" / "__init__.py").write_text("def make():\n    return 7\n")
    (root / "pyproject.toml").write_text('[tool.lockstep]\npackage = "their_package"\n')
    monkeypatch.chdir(elsewhere)
    write_name("their_package", "make", root / "a.joblib")
    with pytest.raises(UserError, match=r"asks for their_package\.make"):
        read_joblib(root / "a.joblib", "a model")
    monkeypatch.syspath_prepend(root / "src")
    assert read_joblib(root / "a.joblib", "a model") == 7


def test_a_file_cannot_change_a_class_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def text(name: str) -> bytes:
        return b"\x8c%c%s" % (len(name), name.encode())

    guard = text("lockstep.modeling.unpickler") + text("GuardedUnpickler") + b"\x93"
    # Whatever is asked then is a dependency.
    trusts_all = b"N}" + text("_is_dependency") + text("builtins") + text("slice") + b"\x93s\x86b0"
    program = text("subprocess") + text("Popen") + b"\x93](" + text("touch") + text("harm")
    (tmp_path / "a.joblib").write_bytes(b"\x80\x04" + guard + trusts_all + program + b"e\x85R.")
    with pytest.raises(UserError, match=r"would change lockstep\..+\.GuardedUnpickler, which no"):
        read_joblib(tmp_path / "a.joblib", "a model")
    assert GuardedUnpickler._is_dependency is not slice


def test_an_object_of_the_library_is_not_there_to_be_changed(tmp_path: Path) -> None:
    write_name("lockstep.modeling.postprocessing", "NONE", tmp_path / "a.joblib")
    with pytest.raises(UserError, match=r"asks for lockstep\.modeling\.postprocessing\.NONE"):
        read_joblib(tmp_path / "a.joblib", "a model")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "anomalies") for name in ("ecod", "pca_error", "isolation_forest", "lof")),
        *((name, "clustering") for name in ("kmeans", "gaussian_mixture", "agglomerative")),
        ("hdbscan", "clustering"),
    ],
)
def test_what_has_learnt_without_a_target_says_the_same_once_it_is_loaded(
    tmp_path: Path, name: str, kind: str
) -> None:
    X, _ = make_blobs(60, 2, centers=[[0, 0], [9, 9]], random_state=0)
    problem = Problem(kind, 0, clusters=2 if kind == "clustering" else None)
    fitted = make_candidate(name, {}, problem).fit(X)
    write_joblib(fitted, tmp_path / "a.joblib")
    loaded = read_joblib(tmp_path / "a.joblib", "a model")
    answer = "score_samples" if kind == "anomalies" else "predict"
    said, again = (getattr(one, answer)(X + 0.1) for one in (fitted, loaded))
    np.testing.assert_array_equal(said, again)


def test_a_champion_whose_hashes_are_forged_is_not_run(project: Project) -> None:
    write_params(project, train={"folds": 2, "candidates": {"baseline": {}, "linear": {}}})
    run_stages()
    harm = project.root / "harm"
    joblib.dump(Call(os.mkdir, str(harm)), project.champion / "pipeline.joblib")
    description = json.loads((project.champion / "model.json").read_text())
    description["sha256"]["pipeline.joblib"] = sha256(project.champion / "pipeline.joblib")
    (project.champion / "model.json").write_text(json.dumps(description))
    with pytest.raises(UserError, match=r"models/champion: pipeline\.joblib asks for .+\.mkdir, "):
        Model.load("models/champion")
    assert not harm.exists()
