"""Run a notebook from its top and keep it with its outputs: the stages of notebooks/dvc.yaml."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core.errors import UserError, exit_status
from ..core.files import write_text
from ..core.inputs import guard_inputs
from ..core.paths import Paths

NAME = re.compile(r"\d+(\.\d+)?-[a-z]+-(?P<description>[a-z0-9]+(-[a-z0-9]+)*)\.ipynb")
FRAME = re.compile(r"Cell In\[\d+\], line (\d+)")
COLOUR = re.compile(r"\x1b\[[\d;]*m")


def describe(name: str) -> str:
    """What the notebook's file name says it is about, which is also the name of its stage."""
    match = NAME.fullmatch(name)
    if match is None:
        raise UserError(
            f"notebooks/{name}: a notebook is named <number>-<initials>-<short-description>.ipynb, "
            "all in lower case, such as 1.0-ab-data-exploration.ipynb; rename it with git mv"
        )
    return match["description"]


def run_notebook(paths: Paths, path: Path) -> Path:
    """Execute the notebook `path`; returns where it is written to with its outputs."""
    import nbformat

    name = paths.name(path.resolve())
    with guard_inputs(paths, describe(path.name), "notebooks/dvc.yaml"):
        try:
            notebook = nbformat.read(path, as_version=4)
        except (ValueError, nbformat.ValidationError) as error:
            raise UserError(f"{name}: not a notebook that can be read") from error
        _execute(notebook, name, path.parent)
    output = paths.executed_notebooks / path.name
    write_text(nbformat.writes(notebook) + "\n", output)
    return output


def _execute(notebook: Any, name: str, folder: Path) -> None:
    """Run all cells in a new kernel that works in `folder`, and keep their outputs in `notebook`.

    Nothing of the run itself stays: no times, no version of the kernel's language.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    metadata = notebook.metadata.copy()
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",  # the project's environment, whatever the notebook was saved with
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],  # it warns of its own way to start
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise UserError(f"{name}, {_describe_failure(notebook)}") from error
    except DeadKernelError as error:
        raise UserError(f"{name}: its kernel died; it may have run out of memory") from error
    notebook.metadata = metadata


def _describe_failure(notebook: Any) -> str:
    """Which line of which cell fails, and why."""
    # The last one: an earlier cell may be allowed to fail.
    place, error = next(
        (number, output)
        for number, cell in reversed([*enumerate(notebook.cells, start=1)])
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    )
    where = f"cell {place}"
    lines = notebook.cells[place - 1].source.splitlines()
    frame = FRAME.search(COLOUR.sub("", "\n".join(error.traceback)))
    if frame and int(frame[1]) <= len(lines):
        where += f", line {frame[1]}, `{lines[int(frame[1]) - 1].strip()}`"
    kind = "" if error.ename == UserError.__name__ else f"{error.ename}: "
    return f"{where}: {kind}{COLOUR.sub('', error.evalue)}"


def _check_names(paths: Paths) -> int:
    """The number of notebooks, each of which must be named as one, and no two for one stage."""
    by_description: dict[str, str] = {}
    mistakes = []
    for name in sorted(path.name for path in paths.notebooks.glob("*.ipynb")):
        try:
            other = by_description.setdefault(describe(name), name)
        except UserError as error:
            mistakes.append(str(error))
        else:
            if other != name:
                mistakes.append(
                    f"notebooks/{name}: {other} has the same description, which names its stage"
                )
    if mistakes:
        raise UserError("\n".join(mistakes))
    return len(by_description)


def run_notebooks(names: Sequence[str]) -> None:
    """Run the notebooks that are named, or check the names of all if none is."""
    paths = Paths.find()
    if not names:
        print(f"notebooks: {_check_names(paths)} notebooks, each named as it should be")
    for name in names:
        output = run_notebook(paths, Path(name))
        print(f"notebooks: {Path(name).name} ran to its end -> {paths.name(output)}")


if __name__ == "__main__":
    sys.exit(exit_status(lambda: run_notebooks(sys.argv[1:])))
