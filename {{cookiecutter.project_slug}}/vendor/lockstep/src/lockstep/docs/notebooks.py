"""Run a notebook from its top and keep it with its outputs: the stages of notebooks/dvc.yaml."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core.errors import UserError, exit_status
from ..core.files import write_text
from ..core.inputs import unchanged
from ..core.paths import Paths

NAME = re.compile(r"\d+(\.\d+)?-[a-z]+-(?P<description>[a-z0-9]+(-[a-z0-9]+)*)\.ipynb")
FRAME = re.compile(r"Cell In\[\d+\], line (\d+)")
COLOUR = re.compile(r"\x1b\[[\d;]*m")


def describe(name: str) -> str:
    """What the notebook's file name says it is about, which is also the name of its stage.

    Raises:
        UserError: It is not named as notebooks are.
    """
    match = NAME.fullmatch(name)
    if match is None:
        raise UserError(
            f"notebooks/{name}: a notebook is named <number>-<initials>-<short-description>.ipynb, "
            "all in lower case, such as 1.0-ab-data-exploration.ipynb; rename it with git mv"
        )
    return match["description"]


def execute(notebook: Any, name: str, folder: Path) -> None:
    """Run all cells in a new kernel and keep their outputs in `notebook`.

    Nothing of the run itself stays: no times, no version of the kernel's language.

    Args:
        notebook: As nbformat reads it.
        name: What messages call it.
        folder: Where the kernel works.

    Raises:
        UserError: A cell fails; told with its line and error.
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
    traceback = COLOUR.sub("", "\n".join(error.traceback))
    lines = notebook.cells[place - 1].source.splitlines()
    numbers = [int(number) for number in FRAME.findall(traceback)]
    where = f"cell {place}"
    if numbers and numbers[0] <= len(lines):
        where += f", line {numbers[0]}, `{lines[numbers[0] - 1].strip()}`"
    kind = "" if error.ename == UserError.__name__ else f"{error.ename}: "
    return f"{where}: {kind}{COLOUR.sub('', error.evalue)}"


def run_notebook(paths: Paths, path: Path) -> Path:
    """Execute the notebook `path` and write it with its outputs.

    Returns:
        Where it is written to, below reports/notebooks.

    Raises:
        UserError: It is no notebook, is not named as one, fails, or changes while it runs.
    """
    import nbformat

    name = paths.name(path.resolve())
    stage = describe(path.name)
    with unchanged(paths, stage, "notebooks/dvc.yaml"):
        try:
            notebook = nbformat.read(path, as_version=4)
        except (ValueError, nbformat.ValidationError) as error:
            raise UserError(f"{name}: not a notebook that can be read") from error
        execute(notebook, name, path.parent)
    output = paths.executed_notebooks / path.name
    write_text(nbformat.writes(notebook) + "\n", output)
    return output


def check_names(paths: Paths) -> int:
    """Make sure that each notebook is named as notebooks are, and no two for the same stage.

    Returns:
        The number of notebooks.

    Raises:
        UserError: For each that is not, a line.
    """
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
    """Run the notebook that is named, or check the names of all if none is."""
    paths = Paths.find()
    if not names:
        print(f"notebooks: {check_names(paths)} notebooks, each named as it should be")
    for name in names:
        output = run_notebook(paths, Path(name))
        print(f"notebooks: {Path(name).name} ran to its end -> {paths.name(output)}")


if __name__ == "__main__":
    sys.exit(exit_status(lambda: run_notebooks(sys.argv[1:])))
