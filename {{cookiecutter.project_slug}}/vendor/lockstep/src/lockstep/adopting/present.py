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
from ..reading.folder import entries, kept_by_dvc
from .sources import Source
from .swap import dvc
from .understanding import Wishes

SAMPLES = (
    "9cc1c345c71bcc9b486b74cbf6063fa66f4bb5e0f603a4b3c3471ec2e5e8e355",  # iris.csv
    "d25bf036161d655a476ca52e6aa8997695ea07dc5ede317387e9a238be1abc02",  # diabetes.csv
    "baff137a5b020b4ba80e38b507dc7c0eda1b2418b86929304a7c1af6b706cccc",  # digits.zip
)
"""SHA-256 of the data sets that a new project may come with."""


def is_used(project: Project, source: Source, contract: Contract, wishes: Wishes) -> bool:
    """Whether the project runs on these data already, described as is wished for."""
    place = project.raw / source.path.name
    before = _description(project, contract)
    if before is None or not place.exists() or not _same(source.path, place):
        return False
    return (
        _choices(before) == _choices(contract)
        and {*before.drop} >= {*contract.drop}
        and all(name not in before.features for name in wishes.identifiers)
    )


def as_described(project: Project, contract: Contract) -> Contract:
    """The contract with what a person has said before of the same columns."""
    before = _description(project, contract)
    if before is None:
        return contract
    columns = {
        name: column.model_copy(
            update={"meaning": before.columns[name].meaning, "unit": before.columns[name].unit}
            if name in before.columns
            else {}
        )
        for name, column in contract.columns.items()
    }
    said = {"title": before.title, "source": before.source, "licence": before.licence}
    return contract.model_copy(update={**said, "columns": columns})


def _description(project: Project, contract: Contract) -> Contract | None:
    """The contract that the project has, if it describes the same columns."""
    try:
        before = load(Contract, project.contract_file, project.name(project.contract_file))
    except UserError:
        return None
    columns = {*contract.columns, *contract.drop}
    return before if {*before.columns, *before.drop} == columns else None


def _choices(contract: Contract) -> list[Any]:
    """What a person may have chosen, and not the rest, which they may have corrected since."""
    roles = [contract.target, contract.group, contract.time]
    return [*roles, contract.kind, contract.layout.sheet, contract.layout.table]


def _same(one: Path, other: Path) -> bool:
    if one.is_dir() != other.is_dir():
        return False
    if one.is_file():
        return filecmp.cmp(one, other, shallow=False)
    files = [
        sorted(file.relative_to(path) for file in entries(path, deep=True)) for path in (one, other)
    ]
    return files[0] == files[1] and all(
        filecmp.cmp(one / file, other / file, shallow=False) for file in files[0]
    )


def require_free(
    project: Project, source: Source, contract: Contract, *, replace: bool
) -> list[Path]:
    """What must leave data/raw: the sample or, with `replace`, all that is kept elsewhere.

    Raises:
        UserError: The person's own data are there, or would be lost.
    """
    place = project.raw / source.path.name
    there = [path for path in _there(project) if not _is_sample(path)]
    if place in there and place.exists() and _same(source.path, place):
        there.remove(place)
        if _description(project, contract) and not replace:
            raise UserError(
                f"{project.name(place)}: in use already, for another target or with other options; "
                "--replace describes it anew, and keeps what you have said columns mean"
            )
    if there and not replace:
        names = ", ".join(project.name(path) for path in there)
        raise UserError(
            f"{names}: there already; --replace takes {source.path.name} instead; how to add rows "
            "of the same kind stands in docs/data.md"
        )
    for path in there:
        if not _is_kept(project, path):
            raise UserError(
                f"{project.name(path)}: kept neither by git nor by DVC as it is, so --replace "
                "would lose it; move it away first"
            )
    return [path for path in _there(project) if path != place]


def is_kept_by_git(project: Project, source: Source) -> bool:
    """Whether git keeps the data where they belong, so that DVC need not.

    Raises:
        UserError: It keeps another file of that name.
    """
    place = project.raw / source.path.name
    if not _git(project.root, "ls-files", "--", str(place)):
        return False
    if _in_git(project.root, place) and _same(source.path, place) and not source.tracked:
        return True
    raise UserError(
        f"{project.name(place)}: git keeps a file of this name; rename yours, or take that one out "
        "with `git rm`"
    )


def _there(project: Project) -> list[Path]:
    """What data/raw holds, also when DVC has not brought it yet."""
    return sorted({*entries(project.raw)} | kept_by_dvc(project.raw))


def _is_sample(path: Path) -> bool:
    return path.is_file() and sha256(path) in SAMPLES


def _is_kept(project: Project, path: Path) -> bool:
    """Whether the bytes can be had again, from DVC's cache or from a commit of git."""
    if not pointer(path).exists():
        return _in_git(project.root, path)
    if not path.exists():
        return _in_git(project.root, pointer(path))
    return _is_clean(project.root, pointer(path))


def pointer(path: Path) -> Path:
    """The file by which DVC keeps `path`."""
    return path.with_name(f"{path.name}.dvc")


def kept_as(path: Path) -> str:
    """Where DVC's cache keeps `path`, in words; nothing when DVC does not keep it."""
    if not pointer(path).exists():
        return ""
    content = read_yaml(pointer(path), pointer(path).name)
    return f"; DVC's cache keeps it as {content['outs'][0]['md5']}"


def _is_clean(folder: Path, kept: Path) -> bool:
    """Whether what DVC keeps by a file `*.dvc` is as it was when it was added."""
    try:
        dvc(folder, "status", "--quiet", str(kept))
    except UserError:
        return False
    return True


def _in_git(folder: Path, path: Path) -> bool:
    """Whether git has all of `path` as it is."""
    known = _git(folder, "ls-files", "--", str(path))
    return bool(known) and not _git(folder, "status", "--porcelain", "--ignored", "--", str(path))


def _git(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True).stdout
