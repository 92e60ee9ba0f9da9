"""The command line; each command imports what it needs when it runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from .errors import exit_status

STAGES = {
    "ingest": "read the raw file by the contract and set aside what breaks it",
    "preprocess": "clean the rows and set the test rows apart",
    "train": "compare the candidates and train the champion",
    "evaluate": "measure the champion on the test rows",
}


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    root = argparse.ArgumentParser(description="Run a stage of the pipeline, or use its model.")
    root.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in STAGES.items():
        commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    summary = "predict the rows of a file with the champion"
    predict = commands.add_parser("predict", help=summary, description=f"{summary.capitalize()}.")
    predict.add_argument("file", type=Path, help="CSV or parquet file with the feature columns")
    predict.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="CSV to write (default: standard output)"
    )
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments`, by default those of the process, name.

    Returns:
        The exit status: 0 for success, 1 for a mistake the user can mend. A command line that
        cannot be read ends the process with 2.
    """
    options = parser().parse_args(arguments)
    module = import_module(f".{options.command}", __package__)

    def command() -> None:
        if options.command == "predict":
            module.main(options.file, options.output)
        else:
            module.main()

    return exit_status(command, debug=options.debug)
