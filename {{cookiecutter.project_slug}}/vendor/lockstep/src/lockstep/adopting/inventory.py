"""What lies in data/raw already, and whether it may go."""

from __future__ import annotations

import filecmp
import subprocess
from pathlib import Path
from typing import Any

from ..core.contract import Contract
from ..core.errors import UserError
from ..core.files import read_yaml, sha256
from ..core.project import Project
from ..core.validation import load
from ..reading.folder import list_dvc_targets, list_entries
from .sources import Source
from .swap import run_dvc
from .understanding import Wishes

SAMPLES = (
    "9cc1c345c71bcc9b486b74cbf6063fa66f4bb5e0f603a4b3c3471ec2e5e8e355",  # iris.csv
    "d25bf036161d655a476ca52e6aa8997695ea07dc5ede317387e9a238be1abc02",  # diabetes.csv
    "baff137a5b020b4ba80e38b507dc7c0eda1b2418b86929304a7c1af6b706cccc",  # digits.zip
)
"""SHA-256 of the data sets that a new project may come with."""


def is_in_use(project: Project, source: Source, contract: Contract, wishes: Wishes) -> bool:
    """Whether the project runs on these data already, described as is wished for."""
    place = project.raw / source.path.name
    former = _load_description(project, contract)
    if former is None or not place.exists() or not _is_same(source.path, place):
        return False
    return (
        _choices(former) == _choices(contract)
        and {*former.drop} >= {*contract.drop}
        and all(name not in former.features for name in wishes.identifiers)
    )


def keep_descriptions(project: Project, contract: Contract) -> Contract:
    """The contract with what a person has said before of the same columns."""
    former = _load_description(project, contract)
    if former is None:
        return contract
    columns = {
        name: column.model_copy(
            update={"meaning": former.columns[name].meaning, "unit": former.columns[name].unit}
            if name in former.columns
            else {}
        )
        for name, column in contract.columns.items()
    }
    texts = {"title": former.title, "source": former.source, "licence": former.licence}
    return contract.model_copy(update={**texts, "columns": columns})


def _load_description(project: Project, contract: Contract) -> Contract | None:
    """The contract that the project has, if it describes the same columns."""
    try:
        former = load(Contract, project.contract_file, project.name(project.contract_file))
    except UserError:
        return None
    columns = {*contract.columns, *contract.drop}
    return former if {*former.columns, *former.drop} == columns else None


def _choices(contract: Contract) -> list[Any]:
    """What a person may have chosen, and not the rest, which they may have corrected since."""
    roles = [contract.target, contract.group, contract.time]
    return [*roles, contract.kind, contract.layout.sheet, contract.layout.table]


def _is_same(path: Path, other: Path) -> bool:
    """Whether two files or folders hold the same bytes."""
    if path.is_dir() != other.is_dir():
        return False
    if path.is_file():
        return filecmp.cmp(path, other, shallow=False)
    files, others = (
        sorted(file.relative_to(folder) for file in list_entries(folder, deep=True))
        for folder in (path, other)
    )
    return files == others and all(
        filecmp.cmp(path / file, other / file, shallow=False) for file in files
    )


def list_removals(
    project: Project, source: Source, contract: Contract, *, replace: bool
) -> list[Path]:
    """What must leave data/raw: the sample or, with `replace`, all that is kept elsewhere.

    Raises:
        UserError: The person's own data are there, or would be lost.
    """
    place = project.raw / source.path.name
    # Also what DVC has not brought yet.
    residents = sorted({*list_entries(project.raw)} | list_dvc_targets(project.raw))
    own = [path for path in residents if not (path.is_file() and sha256(path) in SAMPLES)]
    if place in own and place.exists() and _is_same(source.path, place):
        own.remove(place)
        if _load_description(project, contract) and not replace:
            raise UserError(
                f"{project.name(place)}: in use already, for another target or with other options; "
                "--replace describes it anew, and keeps what you have said columns mean"
            )
    if own and not replace:
        names = ", ".join(project.name(path) for path in own)
        raise UserError(
            f"{names}: there already; --replace takes {source.path.name} instead; how to add rows "
            "of the same kind stands in docs/data.md"
        )
    for path in own:
        if not _is_recoverable(project, path):
            raise UserError(
                f"{project.name(path)}: kept neither by git nor by DVC as it is, so --replace "
                "would lose it; move it away first"
            )
    return [path for path in residents if path != place]


def is_kept_by_git(project: Project, source: Source) -> bool:
    """Whether git keeps the data where they belong, so that DVC need not.

    Raises:
        UserError: It keeps another file of that name.
    """
    place = project.raw / source.path.name
    if not _run_git(project.root, "ls-files", "--", str(place)):
        return False
    is_as_it_was = _is_committed(project.root, place) and _is_same(source.path, place)
    if is_as_it_was and not source.is_tracked:
        return True
    raise UserError(
        f"{project.name(place)}: git keeps a file of this name; rename yours, or take that one out "
        "with `git rm`"
    )


def _is_recoverable(project: Project, path: Path) -> bool:
    """Whether the bytes can be had again, from DVC's cache or from a commit of git."""
    if not pointer(path).exists():
        return _is_committed(project.root, path)
    if not path.exists():
        return _is_committed(project.root, pointer(path))
    try:
        run_dvc(project.root, "status", "--quiet", str(pointer(path)))
    except UserError:
        return False
    return True


def pointer(path: Path) -> Path:
    """The file by which DVC keeps `path`."""
    return path.with_name(f"{path.name}.dvc")


def describe_cache(path: Path) -> str:
    """Where DVC's cache keeps `path`, in words; nothing when DVC does not keep it."""
    if not pointer(path).exists():
        return ""
    content = read_yaml(pointer(path), pointer(path).name)
    return f"; DVC's cache keeps it as {content['outs'][0]['md5']}"


def _is_committed(folder: Path, path: Path) -> bool:
    """Whether git has all of `path` as it is."""
    is_known = bool(_run_git(folder, "ls-files", "--", str(path)))
    return is_known and not _run_git(folder, "status", "--porcelain", "--ignored", "--", str(path))


def _run_git(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True).stdout
