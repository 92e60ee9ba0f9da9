"""A small project of made-up rows, and the owner's package of the template to run on it."""

import importlib
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lockstep  # first: it settles what numeric libraries read from the environment
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import settings
from lockstep.core import programs
from lockstep.core.contract import Contract
from lockstep.core.params import Params
from lockstep.core.project import Project
from lockstep.modeling.candidates import CANDIDATES
from matplotlib.figure import Figure
from PIL import Image
from quick_dvc import QuickDVC
from ruamel.yaml import YAML
from sklearn.preprocessing import FunctionTransformer

TEMPLATE = Path(__file__).parents[2] / "{{cookiecutter.project_slug}}"
LIBRARY = Path(lockstep.__file__).parent


OWNER = TEMPLATE / "src" / "{{cookiecutter.package_name}}"
STARTERS = TEMPLATE / "vendor" / "lockstep" / "starters"


def import_package(name: str, *folders: Path) -> None:
    """Import a package, which has the modules of several folders."""
    spec = importlib.util.spec_from_file_location(
        name, folders[0] / "__init__.py", submodule_search_locations=[*map(str, folders)]
    )
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])


# From where the template keeps it, with the candidates for every kind of data.
import_package("owner", OWNER)
import_package("owner.models", OWNER / "models", STARTERS)
POOL = [
    *("baseline", "linear", "knn", "svm", "tree", "forest", "boosting", "mlp", "wide_and_deep"),
    "cnn",
]
"""The candidates for tables and images, whose rows are examples as they are."""
# Workers know no `owner`, unless a test has the fixture `importable`.
os.environ["LOCKSTEP_WORKERS"] = "1"
os.environ["DVC_NO_ANALYTICS"] = "1"  # each command would start a process that reports it


LONGEST = [
    f"test_{name}.py"
    for name in (
        *("types", "candidates", "search", "networks", "workers", "use", "big_tables", "derived"),
        *("serve", "whole_way"),
    )
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first, so that two processes end at about the same time."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


def read_stages(name: str) -> dict[str, Any]:
    """The stages of one of the template's dvc.yaml, as in a project whose package is `owner`."""
    text = (TEMPLATE / name).read_text(encoding="utf-8")
    text = text.replace("{{ cookiecutter.package_name }}", "owner")
    text = text.replace("{{ cookiecutter.__author_initials }}", "ab")
    return YAML(typ="safe").load(text)["stages"]


# The same examples each time. `pytest --hypothesis-profile thorough` tries many more.
settings.register_profile("quick", max_examples=20, deadline=None, derandomize=True)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=300)
settings.load_profile("quick")

CONTRACT = {
    "title": "Made-up fruit",
    "source": "a seeded generator",
    "licence": "none",
    "target": "fruit",
    "columns": {
        "weight": {"type": "numeric", "unit": "g", "range": [0, 500], "meaning": "weight"},
        "seeds": {"type": "integer", "range": [0, None], "meaning": "seeds", "nullable": True},
        "colour": {"type": "categorical", "categories": ["green", "red"], "meaning": "colour"},
        "fruit": {"type": "categorical", "categories": ["apple", "melon"], "meaning": "kind"},
    },
}
os.environ.setdefault("KERAS_BACKEND", "jax")  # outside of a project nothing names it
PARAMS = {
    "seed": 1,
    "kind": "classification",
    "reproducibility": "strict",
    "keras_backend": os.environ["KERAS_BACKEND"],
    "data": {"raw": "data/raw/fruit.csv", "max_rejected": 0.01},
    "split": {"test_fraction": 0.25},
    "train": {
        "metric": "accuracy",
        "folds": 3,
        "candidates": {"baseline": {}, "linear": {}, "mlp": {"max_epochs": 3}},
    },
    "evaluate": {"resamples": 20, "confidence": 0.95},
}


def make_params(**changes: object) -> Params:
    """What params.yaml says, with some of its keys changed."""
    return Params.model_validate(PARAMS | changes)


def make_fruit(rows: int = 60) -> pd.DataFrame:
    """Apples are light and red, melons heavy and green, with some noise."""
    rng = np.random.default_rng(0)
    melon = rng.random(rows) < 0.5
    return pd.DataFrame(
        {
            "weight": np.where(melon, 400.0, 150.0) + rng.normal(0, 20, rows).round(1),
            "seeds": rng.integers(0, 9, rows),
            "colour": np.where(rng.random(rows) < 0.9, np.where(melon, "green", "red"), "red"),
            "fruit": np.where(melon, "melon", "apple"),
        }
    )


@pytest.fixture(scope="session", autouse=sys.platform != "win32")
def quick_dvc() -> Iterator[None]:
    """DVC without the second that each start of it takes."""
    quick = QuickDVC()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "subprocess", quick)
        yield
    quick.stop()


@pytest.fixture
def contract() -> Contract:
    return Contract.model_validate(CONTRACT)


@pytest.fixture
def fruit() -> pd.DataFrame:
    return make_fruit()


def make_project(root: Path) -> Project:
    """A project with raw data and nothing run yet."""
    project = Project(root)
    write_params(project)
    (root / "dvc.yaml").touch()
    (root / "pyproject.toml").write_text('[tool.lockstep]\npackage = "owner"\n')
    project.contract_file.parent.mkdir()
    project.contract_file.write_text(json.dumps(CONTRACT))
    raw = root / PARAMS["data"]["raw"]
    raw.parent.mkdir(parents=True)
    make_fruit().to_csv(raw, index=False)
    return project


class StubPipeline(SimpleNamespace):
    """A fitted pipeline of one estimator alone, which has these methods and attributes."""

    def __getitem__(self, part: int | slice) -> object:
        return FunctionTransformer() if isinstance(part, slice) else self


def enter_copy(source: Path, to: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of a project that others use too, as the working directory."""
    shutil.copytree(source, to, dirs_exist_ok=True)
    monkeypatch.chdir(to)
    return Project(to)


draw = Figure.savefig


def leave_blank(_: Figure, path: Path, **__: Any) -> None:
    """Write a picture with nothing on it: to draw takes half of the time of a whole run."""
    Image.new("L", (1, 1)).save(path, "png")


Figure.savefig = leave_blank


@contextmanager
def drawing() -> Iterator[None]:
    """Draw the pictures of the block, as a test of each kind of problem does."""
    Figure.savefig = draw
    try:
        yield
    finally:
        Figure.savefig = leave_blank


def run_stages() -> None:
    """Run the four stages, each in a project read anew, as four processes would."""
    for name in ("ingest", "preprocess", "train", "evaluate"):
        run_stage(name)


def run_stage(name: str) -> None:
    """Run one stage of the owner's package in the project around the working directory."""
    getattr(importlib.import_module(f"owner.{name}"), name)(Project.find())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with raw data and nothing run yet, as the working directory."""
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path)


def write_params(project: Project, **changes: object) -> None:
    """Write params.yaml with some of its keys changed; JSON is YAML too."""
    if project.params_file.exists():
        changes = json.loads(project.params_file.read_text()) | changes
    project.params_file.write_text(json.dumps(PARAMS | changes))
    vars(project).pop("params", None)


def fill_disk(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let no row group be written any more to the parquet file of that name."""
    usual = pq.ParquetWriter.write_table

    def write_table(writer: pq.ParquetWriter, *arguments: object, **options: object) -> None:
        if name in Path(writer.where).name:
            raise OSError(28, "No space left on device")
        usual(writer, *arguments, **options)

    monkeypatch.setattr(pq.ParquetWriter, "write_table", write_table)


def copy_owner(folder: Path) -> None:
    """Write the owner's package as a folder, with the candidates for every kind of data."""
    for source, place in ((OWNER, folder), (STARTERS, folder / "models")):
        for file in source.rglob("*.py"):
            copy = place / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())


@pytest.fixture
def importable(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests and the owner's package, for processes that are started anew."""
    folder = tmp_path_factory.mktemp("packages")
    copy_owner(folder / "owner")
    paths = [folder, Path(__file__).parent, LIBRARY.parent]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, paths)))
    monkeypatch.syspath_prepend(folder)  # workers take over the path of this process


@pytest.fixture
def own_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgets afterwards which candidates a test has registered."""
    monkeypatch.setattr(CANDIDATES, "_functions", {**CANDIDATES._functions})
