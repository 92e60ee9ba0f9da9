"""What lies in data/raw already, and whether it may go."""

from __future__ import annotations

import filecmp
from collections.abc import Sequence
from pathlib import Path

from ..core.contract import Contract
from ..core.errors import UserError
from ..core.files import read_yaml, sha256
from ..core.programs import run_program
from ..core.project import Project
from ..core.validation import load
from ..reading.folder import list_dvc_targets, list_entries
from .sources import Source
from .swap import run_dvc
from .wishes import Wishes

SAMPLES = (
    "9cc1c345c71bcc9b486b74cbf6063fa66f4bb5e0f603a4b3c3471ec2e5e8e355",  # iris.csv
    "d25bf036161d655a476ca52e6aa8997695ea07dc5ede317387e9a238be1abc02",  # diabetes.csv
    "baff137a5b020b4ba80e38b507dc7c0eda1b2418b86929304a7c1af6b706cccc",  # digits.zip
    "6a7d65208baefe2ae2af92360e4deb2b574a2abeb9b9a695ae01ed8ef6d561be",  # flights.csv
    "9515628fe1ac9b4520fc56bd2edf6cc2d8e14e197a18f81847a62079b1f90104",  # vowels.csv
    "d15a076eb062d096bc9241445799fde710ce0d8e5943093831d7336f334c87e8",  # phrases.csv
    "7a8259da46b981cae164e8142e6b4667d8495e17eb8db944c03acf757e8a8198",  # weather.csv
    "28f8db13310dcfab15e136043ab78be3888a5a6d077af8337f8189586d660f52",  # wines.csv
    "430348a4f511dca00996bfd7d9abc70bf7d25c26cd3f0c8539e8c622f612f1ad",  # visits.csv
    "3e6fa8af7dcbeb22ab0ef97ef9d5f2ec8cc886117314e53f978665078b0e4ce2",  # storms.csv
    "5e79bb094c8e95c1065b0a686856b79c4efd5d67fa10e736201a94c9b8c03752",  # paintings.csv
)
"""SHA-256 of the data sets that a new project may come with."""


def list_files(path: Path) -> list[Path]:
    """The files of a folder that are data; or the one file."""
    return sorted(list_entries(path, deep=True)) if path.is_dir() else [path]


def pointer(path: Path) -> Path:
    """The file by which DVC keeps `path`."""
    return path.with_name(f"{path.name}.dvc")


def load_former_contract(project: Project, contract: Contract) -> Contract | None:
    """The contract that the project has, if it describes the same columns."""
    try:
        former = load(Contract, project.contract_file, project.name(project.contract_file))
    except UserError:
        return None
    columns = {*contract.columns, *contract.drop}
    return former if {*former.columns, *former.drop} == columns else None


def is_in_use(
    project: Project,
    source: Source,
    contract: Contract,
    former: Contract | None,
    wishes: Wishes,
) -> bool:
    """Whether the project runs on these data already, described as is wished for."""
    place = project.raw / source.path.name
    if former is None or not place.exists() or not _is_same(source.path, place):
        return False
    # What a person may have chosen, and not the rest, which they may have corrected since.
    choices, former_choices = (
        (
            *(each.target, each.group, each.time, each.kind, each.layout.sheet, each.layout.table),
            *(each.series, each.horizon, each.every if wishes.every else None, each.sequence),
        )
        for each in (contract, former)
    )
    return (
        choices == former_choices
        and {name for name, column in former.columns.items() if column.future} >= {*wishes.future}
        and {*former.drop} >= {*contract.drop}
        and {*former.features}.isdisjoint(wishes.identifiers)
    )


def keep_descriptions(contract: Contract, former: Contract | None) -> Contract:
    """The contract with what a person has said before of the same columns."""
    if former is None:
        return contract
    columns = dict(contract.columns)
    for name in columns.keys() & former.columns.keys():
        texts = {"meaning": former.columns[name].meaning, "unit": former.columns[name].unit}
        columns[name] = columns[name].model_copy(update=texts)
    texts = {key: getattr(former, key) for key in ("title", "source", "licence", "not_for")}
    return contract.model_copy(update={**texts, "columns": columns})


def list_former_names(
    project: Project, contract: Contract, former: Contract | None
) -> dict[str, Sequence[str]]:
    """The functions that params.yaml names and that were written for other data, by their key."""
    params = project.params
    if former is not None and (former.target, former.kind) == (contract.target, contract.kind):
        return {}
    names = {"features.derived": params.features.derived, "train.metrics": params.train.metrics}
    return {key: functions for key, functions in names.items() if functions}


def _is_same(path: Path, other: Path) -> bool:
    """Whether two files or folders hold the same bytes."""
    files, others = ([each.relative_to(top) for each in list_files(top)] for top in (path, other))
    return (
        path.is_dir() == other.is_dir()
        and files == others
        and all(filecmp.cmp(path / file, other / file, shallow=False) for file in files)
    )


def list_removals(project: Project, source: Source, *, replace: bool) -> list[Path]:
    """What must leave data/raw: the sample or, with `replace`, all that is kept elsewhere.

    Raises:
        UserError: The person's own data are there, or would be lost.
    """
    place = project.raw / source.path.name
    # Also what DVC has not brought yet.
    residents = sorted({*list_entries(project.raw)} | list_dvc_targets(project.raw))
    own = [path for path in residents if not (path.is_file() and sha256(path) in SAMPLES)]
    if place in own and place.exists() and _is_same(source.path, place):
        own.remove(place)  # the same bytes, to be described anew
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
    if not _run_git(project, "ls-files", "--", str(place)):
        return False
    if _is_committed(project, place) and _is_same(source.path, place) and not source.is_tracked:
        return True
    raise UserError(
        f"{project.name(place)}: git keeps a file of this name; rename yours, or take that one out "
        "with `git rm`"
    )


def _is_recoverable(project: Project, path: Path) -> bool:
    """Whether the bytes can be had again, from DVC's cache or from a commit of git."""
    if not pointer(path).exists():
        return _is_committed(project, path)
    if not path.exists():
        return _is_committed(project, pointer(path))
    try:
        run_dvc(project.root, "status", "--quiet", str(pointer(path)))
    except UserError:
        return False
    return True


def describe_cache(path: Path) -> str:
    """Where DVC's cache keeps `path`, in words; nothing when DVC does not keep it."""
    if not pointer(path).exists():
        return ""
    content = read_yaml(pointer(path), pointer(path).name)
    return f"; DVC's cache keeps it as {content['outs'][0]['md5']}"


def _is_committed(project: Project, path: Path) -> bool:
    """Whether git has all of `path` as it is."""
    return bool(_run_git(project, "ls-files", "--", str(path))) and not _run_git(
        project, "status", "--porcelain", "--ignored", "--", str(path)
    )


def _run_git(project: Project, *arguments: str) -> str:
    return run_program(["git", *arguments], project.root).stdout
