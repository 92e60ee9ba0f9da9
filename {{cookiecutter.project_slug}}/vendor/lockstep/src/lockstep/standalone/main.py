"""`python -m` with the name of a model's package: the model as a program."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..core.command_line import CommandLineParser
from ..core.errors import exit_status
from ..core.runtime import pin_strictly
from ..core.workers import end_workers
from .model_package import CHAMPION, ModelPackage, open_package


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments`, by default those of the process, name.

    Returns:
        The exit status: 0 for success, 1 for a mistake the user can mend. A command line that
        cannot be read ends the process with 2.
    """
    return exit_status(lambda: _run_to_end(open_package(), arguments))


def _run_to_end(package: ModelPackage, arguments: Sequence[str] | None) -> None:
    try:
        _run(package, arguments)
    finally:
        end_workers()


def _run(package: ModelPackage, arguments: Sequence[str] | None) -> None:
    options = _make_parser(package).parse_args(arguments)
    pin_strictly(package.info["backend"])
    match options.command:
        case "predict":
            from ..modeling.profile import read_lexicons
            from .predict import predict_file, require_other

            if options.output is not None:
                require_other(options.output, options.file)
            resize = package.record["parameters"].get("data", {}).get("resize", False)
            model = package.model
            lexicons = read_lexicons(model, package.folder / CHAMPION, package.name)
            predict_file(model, options.file, options.output, resize=resize, lexicons=lexicons)
        case "check":
            from .check import check

            check(package)
        case "card":
            print(package.card)


def _make_parser(package: ModelPackage) -> argparse.ArgumentParser:
    root = CommandLineParser(
        prog=f"python -m {package.name}",
        description=f"The model {package.info['name']} {package.version}.",
    )
    name = f"{package.info['name']} {package.version}, run {package.run[:8]}"
    root.add_argument("--version", action="version", version=name)
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, summary: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")

    predict = add("predict", "predict the rows of a file")
    add_files(predict)
    add("check", "say whether made-up rows get the numbers here that they got where it was packed")
    add("card", "print the model card")
    return root


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add the file to predict from, and the one to write."""
    parser.add_argument(
        "file",
        type=Path,
        help="table with the feature columns, written like the raw data, or images; of a forecast "
        "the rows of the series so far; - for stdin",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="CSV to write (default: standard output)"
    )
