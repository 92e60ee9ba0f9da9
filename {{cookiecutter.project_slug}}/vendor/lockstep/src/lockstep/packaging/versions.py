"""The wheel of a registered version, made by its own code."""

from __future__ import annotations

import sys
from collections.abc import Container, Mapping
from pathlib import Path

from ..core.environment import read_environment
from ..core.errors import UserError
from ..core.files import sha256
from ..core.paths import Paths
from ..core.programs import run_program
from ..modeling.owner import normalise
from ..records.clone import make_environment, open_clone, run_dvc
from ..records.repository import Repository
from ..records.run import Run
from ..registry.register import require_agreement
from ..registry.versions import Version, read_registry, read_version_run
from .pins import READERS, is_as_locked, read_lock

BUILDER = "lockstep.packaging"
OTHERS = ("jinja2", "matplotlib", "openpyxl", "processor", "sqlalchemy")
"""What a run's environment tells beside Python and the libraries that models compute with."""


def package_version(paths: Paths, version: str, folder: Path) -> Path:
    """Make the wheel of a version, in a temporary clone of its commit.

    Its code runs with the libraries that are installed where they are those of its run, or else in
    an environment that uv makes for it, by the lock of its commit.

    Args:
        paths: The project.
        version: Such as v1.2.0 or 1.2.0, or `latest`.
        folder: Where the wheel comes.

    Returns:
        The wheel.

    Raises:
        UserError: There is no such version, its model is not at hand, its commit cannot make
            wheels yet, or its libraries cannot be installed.
    """
    repository = Repository(paths)
    entry = read_registry(repository).find_version(_name(version))
    run = read_version_run(repository, entry.commit, entry.name)
    require_agreement(repository, run)
    print(f"package: packing {entry.name} in a clone of its commit", file=sys.stderr)
    with open_clone(repository, entry.commit) as (clone, scratch):
        environment = make_environment(clone, scratch)
        _require_builder(clone, entry)
        _bring_model(paths, clone, run, entry, environment)
        command = [*_choose_python(clone, run, entry), "-m", BUILDER, entry.name[1:], str(folder)]
        done = run_program(command, clone.root, environment)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason is known"]
        raise UserError(f"{entry.name}: {lines[-1].removeprefix('error: ')}")
    return Path(done.stdout.splitlines()[-1])


def _name(version: str) -> str:
    return f"v{version}" if version[:1].isdigit() else version


def _require_builder(clone: Paths, entry: Version) -> None:
    room = Path("vendor", "lockstep", "src", *BUILDER.split("."))
    if not (clone.root / room).is_dir():
        raise UserError(
            f"{entry.name}: its library cannot make wheels yet, so it is older than the command "
            "`package`; `dvc repro` with the present one, and register that run"
        )


def _bring_model(
    paths: Paths, clone: Paths, run: Run, entry: Version, environment: Mapping[str, str]
) -> None:
    """Put the version's champion into the clone, from DVC's cache."""
    name = clone.name(clone.champion)
    cache = run_dvc(["cache", "dir"], paths.root, environment)
    run_dvc(["config", "--quiet", "--local", "cache.dir", cache], clone.root, environment)
    try:
        run_dvc(["checkout", "--quiet", name], clone.root, environment)
    except UserError as error:
        raise UserError(
            f"{entry.name}: its model is not in DVC's cache; `dvc fetch --all-tags {name}` brings "
            "it, if it was pushed"
        ) from error
    for file, digest in run.record["model"]["files"].items():
        if sha256(clone.root / file) != digest:
            raise UserError(f"{entry.name}: {file} in DVC's cache is not the file of its run")


def _choose_python(clone: Paths, run: Run, entry: Version) -> list[str]:
    """The command that starts Python with the libraries of a run."""
    wanted = {name: text for name, text in run.record["environment"].items() if name not in OTHERS}
    is_as_recorded = wanted.items() <= read_environment(wanted.keys() - {"python"}).items()
    if is_as_recorded and _has_dependencies(clone, wanted):
        return [sys.executable]
    print(f"package: {entry.name} has other libraries, which uv installs for it", file=sys.stderr)
    options = ["--locked", "--no-default-groups", "--python", wanted["python"]]
    return ["uv", "run", "--quiet", "--project", str(clone.root), *options, "python"]


def _has_dependencies(clone: Paths, recorded: Container[str]) -> bool:
    """Whether what the commit depends on, and no record tells of, is installed as it is locked."""
    lock = read_lock(clone.root)
    requirements = clone.pyproject.get("project", {}).get("dependencies", [])
    names = {*map(normalise, requirements)} - {*READERS}
    return all(is_as_locked(name, lock) for name in names if name not in recorded)
