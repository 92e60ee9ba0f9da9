"""Use the champion on new rows."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, TextIO

from ..core.batches import prefetch
from ..core.contract import Contract
from ..core.errors import UserError
from ..core.files import read_yaml, replacing
from ..core.paths import Paths
from ..core.progress import progress
from ..core.project import Project
from ..core.table import as_csv
from ..data.new_rows import NewRows, parse_rows
from ..modeling.model import Model
from ..reading.images import read_images
from ..reading.tables import read_batches

STANDARD_INPUT = Path("-")


def predict_file(file: Path, output: Path | None) -> None:
    """Predict a row for each row of `file`, in its order, as CSV to `output` or standard output.

    A row that breaks the contract has the reason in place of its prediction.

    Args:
        file: A table or images; `-` reads standard input.
        output: A file to write; nothing of the project's own is overwritten.

    Raises:
        UserError: Nothing could be predicted; or some rows could not, once all others are written.
    """
    project = Project.find()
    if output is not None:
        _require_writable(output, file, project)
    champion = Model.load(project.require(project.champion), project.name(project.champion))
    rows, refusals, first_refusal = 0, 0, ""
    with (
        _open_input(file) as (path, name),
        _open_output(output) as lines,
        progress("predict") as count,
    ):
        batches = _read_rows(path, name, champion.contract, resize=project.params.data.resize)
        for batch in prefetch(batches):
            lines.write(as_csv(champion.predict_rows(batch), header=rows == 0))
            reasons = batch.reasons.reset_index(drop=True).dropna()
            if len(reasons) and not refusals:
                first_refusal = f"row {rows + reasons.index[0] + 1}, {reasons.iloc[0]}"
            refusals += len(reasons)
            rows += len(batch.reasons)
            count(len(batch.reasons))
    if output is not None:
        print(f"predict: {rows} rows by {champion.candidate} -> {output}")
    if refusals:
        raise UserError(
            f"{name}: no prediction for {refusals} of {rows} rows; first: {first_refusal}"
        )


def _require_writable(output: Path, file: Path, project: Paths) -> None:
    """Make sure that nothing is lost when predictions are written to `output`."""
    path, root = output.resolve(), project.root.resolve()
    if output.is_dir():
        raise UserError(f"{output}: a folder; name a file to write")
    if path == file.resolve():
        raise UserError(f"{output}: the file to predict from; name another to write")
    if not path.is_relative_to(root):
        return
    if any(path.is_relative_to(root / place) for place in (".git", ".dvc", *_list_places(project))):
        raise UserError(f"{output}: the pipeline reads or writes there; name another place")
    if path.is_file() and not _holds_predictions(path):
        raise UserError(f"{output}: the project's, and no predictions; name another file to write")


def _list_places(project: Paths) -> Iterator[str]:
    """What dvc.yaml says that stages read and write."""
    content = read_yaml(project.root / "dvc.yaml", "dvc.yaml") or {}
    for stage in content.get("stages", {}).values():
        for key in ("deps", "outs", "metrics", "plots"):
            for entry in stage.get(key, []):
                yield entry if isinstance(entry, str) else next(iter(entry))


def _holds_predictions(path: Path) -> bool:
    """Whether a file is empty, or begins as predictions do."""
    with path.open("rb") as file:
        names = file.readline().rstrip().split(b",")
    return names == [b""] or (b"prediction" in names and names[-1] == b"reason")


@contextmanager
def _open_input(file: Path) -> Iterator[tuple[Path, str]]:
    """The file to read, and what messages call it; standard input is kept in one meanwhile."""
    if file != STANDARD_INPUT:
        yield file, str(file)
        return
    if sys.stdin.isatty():
        raise UserError(
            "-: nothing is piped into standard input, such as by `... predict - < FILE`"
        )
    with TemporaryDirectory(prefix="predict-") as folder:
        path = Path(folder) / "rows"
        with path.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        yield path, "standard input"


def _read_rows(path: Path, name: str, contract: Contract, *, resize: bool) -> Iterator[NewRows]:
    """The rows of a table or images, held against the contract, batch by batch."""
    if contract.images and path.suffix.lower() != ".parquet":
        frame, unusable = read_images(path, name, contract, resize=resize)
        yield parse_rows(frame, contract, name, unusable)
        return
    for frame in read_batches(path, name, contract.missing, contract.layout):
        yield parse_rows(frame, contract, name)


@contextmanager
def _open_output(output: Path | None) -> Iterator[TextIO]:
    """A file whose content comes to `output` or standard output once the block has ended well."""
    as_text: dict[str, Any] = {"encoding": "utf-8", "newline": "\n"}
    if output is not None and (output.is_file() or not output.exists()):
        with replacing(output.resolve()) as temporary, temporary.open("w", **as_text) as lines:
            yield lines
        return
    with TemporaryFile("w+", **as_text) as lines:
        yield lines
        lines.seek(0)
        if output is None:
            shutil.copyfileobj(lines, sys.stdout)
        else:
            # A pipe or a device takes what is written; it must not be replaced by a file.
            with output.open("w", **as_text) as pipe:
                shutil.copyfileobj(lines, pipe)
