"""Take a person's own data into the project, instead of what it runs on so far."""

from __future__ import annotations

import filecmp
import io
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from .config import Project, edited_yaml, read_yaml
from .data import adoption
from .data.contract import LEVELS, Column, Contract
from .data.images import holds_images
from .data.raw import entries
from .data.splits import folds, set_test_apart
from .data.tables import read_database
from .data.understanding import Understanding, Wishes, understand, understand_images
from .errors import UserError
from .modeling.suggestion import suggest
from .params import FeaturesParams, Params
from .reproducibility.artifacts import sha256, write_parquet, write_text

if TYPE_CHECKING:
    import pandas as pd

STORAGES = ("http", "https", "s3", "gs", "azure", "ssh", "hdfs", "webhdfs", "oss")
"""Schemes of addresses that DVC fetches from; others are databases."""
MOST_SHOWN = 40
CONTRACT_HEADER = """\
# The data contract: what each column means and which values it may hold. `ingest` sets rows aside
# that break it. Written by `use` from what it saw: look at what is `guessed`, say what it means.
#
# type: numeric, integer, binary, categorical, ordered, datetime, text or identifier; the last two
# are no features. range: [smallest, largest], null leaves a side open; nullable: true allows
# missing values; missing: texts that stand for them.

"""


class Source(NamedTuple):
    """The data, where they can be read."""

    path: Path
    """A file or a folder."""
    told: str
    """Where they are from, without what is secret."""
    tracked: bool = False
    """Whether DVC knows them already, by a file beside them."""


def main(address: str, wishes: Wishes, *, dry_run: bool, replace: bool) -> None:
    """Make out what the data at `address` hold, tell it, and take them into the project.

    Args:
        address: A file, a folder, or where to fetch from.
        wishes: What the person says of them.
        dry_run: Only tell.
        replace: Take out other data that the person has used before.

    Raises:
        UserError: They cannot be read or used; nothing has changed then.
    """
    project = Project.find()
    if adoption.resume(project):
        print("use: finished what an interrupted run had begun")
    params = project.params()
    with _staging(project, dry_run) as staging:
        source = _fetched(address, staging, wishes)
        understanding = _understood(source, wishes, params)
        settings = _settings(project, understanding)
        _print(source.path.name, understanding)
        if dry_run:
            print("use: nothing was changed (--dry-run)")
        elif _is_used(project, source, understanding.contract):
            print(f"use: {source.path.name} is in use already: nothing was changed")
            print("next: uv run dvc repro")
        else:
            removed = _require_free(project, source, replace)
            _adopt(project, staging, source, understanding, settings, removed)


@contextmanager
def _staging(project: Project, dry_run: bool) -> Iterator[Path]:
    if dry_run:
        with tempfile.TemporaryDirectory(prefix="use-") as folder:
            yield Path(folder)
    else:
        with adoption.staged(project) as folder:
            yield folder


def _fetched(address: str, staging: Path, wishes: Wishes) -> Source:
    """The data at an address, brought into `staging` if they are elsewhere than on a disk."""
    scheme = urlsplit(address).scheme
    if "://" not in address or scheme == "file":
        path = Path(urlsplit(address).path if scheme == "file" else address).expanduser()
        if not path.exists():
            raise UserError(f"{address}: no such file or folder")
        return Source(path.absolute(), path.absolute().name)
    if scheme.partition("+")[0] in STORAGES:
        return _downloaded(address, staging)
    return _exported(address, staging, wishes)


def _downloaded(address: str, staging: Path) -> Source:
    parts = urlsplit(address)
    name = Path(parts.path).name
    told = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    if not name:
        raise UserError(f"{told}: the address names no file")
    try:
        if (staging / ".dvc").exists():
            adoption.dvc(staging, "import-url", address, name)
        else:
            adoption.dvc(staging, "get-url", address, name)
    except UserError as error:
        raise UserError(_about_storage(str(error), told, parts.scheme)) from error
    return Source(staging / name, told, tracked=True)


def _about_storage(reason: str, told: str, scheme: str) -> str:
    if "to be installed" in reason:
        return f"{told}: reading from {scheme} takes a part of DVC: `uv add --dev dvc-{scheme}`"
    if "does not exist" in reason:
        return f"{told}: nothing there, or not reachable"
    return f"{told}: {reason}"


def _exported(address: str, staging: Path, wishes: Wishes) -> Source:
    """A table of a server's database as a parquet file, since a server keeps no old rows."""
    told = f"{urlsplit(address).scheme} database"
    frame = read_database(address, told, wishes.table)
    path = staging / (re.sub(r"[^\w-]", "_", wishes.table or "table") + ".parquet")
    write_parquet(frame, path)
    return Source(path, f"table {wishes.table} of a {told}")


def _understood(source: Source, wishes: Wishes, params: Params) -> Understanding:
    path, name = source.path, source.path.name
    if name.startswith(".") or path.suffix in (".dvc", ".tmp"):
        raise UserError(f"{name}: DVC does not keep files of such names; rename it")
    if holds_images(path):
        return understand_images(path, name, source.told, wishes, params.data.max_rejected)
    files = sorted(entries(path, deep=True)) if path.is_dir() else [path]
    if not files:
        raise UserError(f"{name}: a folder without files")
    return understand(files, name, source.told, wishes)


def _settings(project: Project, understanding: Understanding) -> dict[str, Any]:
    """What params.yaml has to say, such that the rows can be split and folded by it."""
    contract, table = understanding.contract, understanding.table
    settings = suggest(contract, table) | {
        "data.raw": "data/raw",
        "data.resize": understanding.resize,
    }
    before = project.params()
    if before.train.holdout is None and settings["train.holdout"] is None:
        del settings["train.holdout"]
    if before.data.resize == understanding.resize:
        del settings["data.resize"]
    if not before.features.model_fields_set:
        recipe = FeaturesParams().model_dump() | {"columns": settings.pop("features.columns")}
        settings["features"] = {} if contract.images else recipe
    for many in (5, 4, 3, 2):
        if settings["train.folds"]:
            settings["train.folds"] = many
        try:
            _try_split(project, contract, table, settings)
        except UserError as error:
            reason = error
        else:
            return settings
    raise UserError(f"{contract.title}: too few rows of a kind to learn from: {reason}")


def _try_split(
    project: Project, contract: Contract, table: pd.DataFrame, settings: dict[str, Any]
) -> None:
    text = edited_yaml(project.params_file.read_text(encoding="utf-8"), settings)
    params = Params.model_validate(_parsed(text))
    rows = table.dropna(subset=[contract.target]).reset_index(drop=True)
    train, _ = set_test_apart(rows, contract, params)
    folds(train, contract, params)


def _parsed(text: str) -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).load(text)


def _print(name: str, understanding: Understanding) -> None:
    contract, about = understanding.contract, understanding.doubts
    rows = f"{len(understanding.table):,} rows, {len(contract.columns)} columns"
    missing = f"missing values as {', '.join(map(repr, contract.missing[1:]))}"
    notes = [*understanding.notes, *([missing] if contract.missing[1:] != ("NA",) else [])]
    print(f"{name}: {rows}; {', '.join(notes)}\n")
    for line in _table(understanding):
        print(line)
    told = [*about[None]]
    for column, notes in about.items():
        told += [f"{column}: {note}" for note in notes] if column is not None else []
    if told:
        print("\nlook at:")
    for line in told[:MOST_SHOWN]:
        print(f"- {line}")
    if len(told) > MOST_SHOWN:
        print(f"- and {len(told) - MOST_SHOWN} more, see references/schema.yaml")
    print()


def _table(understanding: Understanding) -> list[str]:
    contract, table = understanding.contract, understanding.table
    rows = [("column", "type", "missing", "holds", "")]
    for name, column in contract.columns.items():
        if contract.images and name != contract.target:
            continue
        gaps = table[name].isna().mean()
        roles = [role for role in ("target", "group", "time") if getattr(contract, role) == name]
        holds = _levels(column) if column.categories else column.guessed or ""
        if name == contract.target and column.type in LEVELS:
            shares = table[name].value_counts(normalize=True).head(4)
            holds = ", ".join(f"{value} {share:.0%}" for value, share in shares.items())
            holds += f"; positive: {contract.classes[1]}" if column.type == "binary" else ""
        rows.append(
            (_one_line(name), column.type, f"{gaps:.1%}" if gaps else "-", holds, *roles[:1])
        )
    rows = [(*row, "")[:5] for row in rows]
    shown = rows[: MOST_SHOWN + 1]
    widths = [max(len(row[place]) for row in shown) for place in range(5)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    ]
    if len(rows) > len(shown):
        lines.append(f"and {len(rows) - len(shown)} more columns, see references/schema.yaml")
    return lines


def _levels(column: Column, most: int = 4) -> str:
    levels = [_one_line(level) for level in column.categories or []]
    more = f" and {len(levels) - most} more" if len(levels) > most else ""
    return (" < " if column.type == "ordered" else ", ").join(levels[:most]) + more


def _one_line(name: str, most: int = 40) -> str:
    plain = " ".join(name.split())
    return plain if len(plain) <= most else f"{plain[:most]}..."


def _is_used(project: Project, source: Source, contract: Contract) -> bool:
    """Whether the project runs on these data already, with this target."""
    place = project.raw / source.path.name
    if not place.exists() or not _same(source.path, place):
        return False
    before = read_yaml(project.contract_file, project.name(project.contract_file)) or {}
    return all(
        before.get(key) == getattr(contract, key) for key in ("target", "group", "time")
    ) and {
        *before.get("columns", {}),
        *before.get("drop", []),
    } >= {contract.target, *contract.drop}


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


def _require_free(project: Project, source: Source, replace: bool) -> list[Path]:
    """What must leave data/raw: the sample or, with `replace`, all that is kept elsewhere.

    Raises:
        UserError: The person's own data are there.
    """
    place = project.raw / source.path.name
    others = [path for path in entries(project.raw) if path != source.path and not _is_sample(path)]
    if others and not replace:
        names = ", ".join(sorted(project.name(path) for path in others))
        raise UserError(
            f"{names}: there already; --replace takes {source.path.name} instead. To add rows of "
            "the same kind, copy the file into data/raw/ and run `uv run dvc repro`"
        )
    for path in others:
        if not _is_kept(project, path):
            raise UserError(
                f"{project.name(path)}: kept neither by git nor by DVC, so --replace would lose "
                "it; move it away first"
            )
    return [path for path in entries(project.raw) if path != place]


def _is_sample(path: Path) -> bool:
    return path.is_file() and sha256(path) in adoption.SAMPLES


def _is_kept(project: Project, path: Path) -> bool:
    """Whether the bytes can be had again, from DVC's cache or from a commit of git."""
    if _pointer(path).exists():
        return not adoption.dvc(project.root, "status", str(_pointer(path)), "--quiet")
    return adoption.in_git(project.root, path)


def _pointer(path: Path) -> Path:
    return path.with_name(f"{path.name}.dvc")


def _adopt(
    project: Project,
    staging: Path,
    source: Source,
    understanding: Understanding,
    settings: dict[str, Any],
    removed: Sequence[Path],
) -> None:
    """Lay out the new state beside the old one, then swap them."""
    name = source.path.name
    place = project.raw / name
    in_git = adoption.in_git(project.root, place)
    if source.path.parent != staging:
        _copy(source.path, staging / name)
    if not source.tracked and not in_git:
        adoption.dvc(staging, "add", name)
    moves = {name: place}
    if not in_git:
        moves[_pointer(staging / name).name] = _pointer(place)
    ignored = project.raw / ".gitignore"
    former = ignored.read_text(encoding="utf-8").splitlines() if ignored.exists() else []
    gone = {f"/{path.name}" for path in removed}
    lines = [line for line in former if line not in gone | {f"/{name}"}]
    lines += [] if in_git else [f"/{name}"]
    write_text("".join(f"{line}\n" for line in lines), staging / "gitignore")
    moves["gitignore"] = ignored
    write_text(_as_yaml(understanding.contract), staging / "schema.yaml")
    moves["schema.yaml"] = project.contract_file
    text = edited_yaml(project.params_file.read_text(encoding="utf-8"), settings)
    write_text(text, staging / "params.yaml")
    moves["params.yaml"] = project.params_file
    pointers = [pointer for path in removed if (pointer := _pointer(path)).exists()]
    adoption.commit(
        project,
        {staged: project.name(target) for staged, target in moves.items()},
        [project.name(path) for path in (*removed, *pointers)],
    )
    kept = "git" if in_git else "DVC"
    written = f"references/schema.yaml, {project.name(project.params_file)}"
    print(f"use: {project.name(place)} (kept by {kept}), {written}")
    for path in removed:
        print(f"use: {project.name(path)} is no longer used, and removed")
    print("next: uv run dvc repro")


def _copy(path: Path, to: Path) -> None:
    if path.is_file():
        shutil.copyfile(path, to)
        return
    for file in entries(path, deep=True):
        target = to / file.relative_to(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def _as_yaml(contract: Contract) -> str:
    """The contract as a person would write it: a block for each column."""
    from ruamel.yaml import YAML

    from .config import styled

    content = contract.model_dump(mode="json", exclude_defaults=True)
    if contract.images:
        content.pop("part", None)
        content["columns"] = {contract.target: content["columns"][contract.target]}
    columns = content.pop("columns")
    for column in columns.values():
        if "range" in column:
            column["range"] = [_briefly(limit) for limit in column["range"]]
    yaml = YAML()
    yaml.width = 4096
    written = io.StringIO()
    yaml.dump(styled(content), written)
    written.write("\ncolumns:\n")
    block = io.StringIO()
    yaml.dump({name: styled(column) for name, column in columns.items()}, block)
    written.writelines(f"  {line}" for line in block.getvalue().splitlines(keepends=True))
    return CONTRACT_HEADER + written.getvalue()


def _briefly(limit: float) -> float:
    return int(limit) if limit.is_integer() and abs(limit) < 2**53 else limit
