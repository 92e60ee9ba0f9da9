"""What each command takes on its line."""

from __future__ import annotations

import argparse
import math
from contextlib import suppress

from ..core.command_line import CommandLineParser
from ..core.kinds import KINDS
from ..standalone.main import add_files

STAGES = {
    "ingest": "read the raw files by the contract and set aside what breaks it",
    "preprocess": "clean the rows and set the test rows apart",
    "train": "compare the candidates and train the champion",
    "evaluate": "measure the champion on the test rows",
}


def make_parser() -> argparse.ArgumentParser:
    """A parser of the command line, whose namespace has the command's name as `command`."""
    root = CommandLineParser(description="Run a stage of the pipeline, or use its model.")
    root.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, summary: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")

    for name, summary in STAGES.items():
        add(name, summary)
    _add_use(add("use", "take your own data into the project"))
    _add_tune(
        add("tune", "search for better options of the candidates, and put them into params.yaml")
    )
    add_files(add("predict", "predict the rows of a file with the champion"))
    _add_verify(
        add("verify", "rebuild a commit from its raw data and compare every output's bytes")
    )
    _add_record(add("record", "print what a commit's run was made of and what came out"))
    add("runs", "list the commits that hold a run, its figures, and what changed since the last")
    _add_compare(
        add("compare", "show what differs between runs, and whether it is more than chance")
    )
    _add_register(add("register", "give the run of a commit a version, as a tag of git"))
    _add_promote(add("promote", "let a version take a stage, if it passes the gate"))
    _add_rollback(add("rollback", "give a stage back to the version that had it before"))
    add("models", "list the versions, their stages, and who registered them when")
    _add_package(
        add("package", "make a Python package of the model, to install and import elsewhere")
    )
    _add_serve(add("serve", "answer requests over HTTP, by one version of the model or several"))
    _add_monitor(add("monitor", "say whether later rows are still like those that the model knows"))
    _add_doctor(add("doctor", "say what is wrong with this machine or project, and what mends it"))
    return root


def _add_use(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "source",
        nargs="?",
        help="file, folder, zip of images, or address (https://, s3://, or a database's); "
        "without it, an interrupted run is finished",
    )
    _add_columns(command)
    _add_forecast(command)
    command.add_argument("--sheet", metavar="NAME", help="of a spreadsheet (default: the first)")
    command.add_argument("--table", metavar="NAME", help="of a database")
    command.add_argument("--dry-run", action="store_true", help="tell what was understood, no more")
    command.add_argument("--replace", action="store_true", help="instead of your own earlier data")
    command.add_argument(
        "--from-requests",
        action="store_true",
        help="as the next delivery, the requests of which the server knows what became true",
    )
    _add_requests(command, "of which outcomes came since then")


def _add_columns(command: argparse.ArgumentParser) -> None:
    command.add_argument("--target", metavar="COLUMN", help="the column to predict")
    command.add_argument(
        "--kind",
        choices=[kind for kind in KINDS if kind != "forecasting"],  # --horizon says it
        help="whether a class, several labels or a number is predicted; or, with or without a "
        "target, rows unlike the others are looked for; or, without one, rows that are alike",
    )
    command.add_argument(
        "--id", action="append", default=[], metavar="COLUMN", help="a name of the row, no feature"
    )
    command.add_argument("--group", metavar="COLUMN", help="rows with one value are on one side")
    command.add_argument(
        "--time",
        metavar="COLUMN",
        help="the latest rows by it are the test; of sequences, their order",
    )
    command.add_argument(
        "--sequence",
        metavar="COLUMN",
        help="rows with one value are the points of one sequence, which has one target; `file`: "
        "each file of a folder is one",
    )
    command.add_argument(
        "--exposure",
        metavar="COLUMN",
        help="of counts and amounts, the time or other size that each row adds them up over",
    )
    command.add_argument(
        "--drop", action="extend", nargs="+", default=[], metavar="COLUMN", help="not to be used"
    )


def _add_forecast(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--horizon",
        type=_read_steps,
        metavar="STEPS",
        help="forecast the target so many times ahead, such as 14 days of a row each day",
    )
    command.add_argument(
        "--series", metavar="COLUMN", help="of a forecast, what tells series apart, such as a shop"
    )
    command.add_argument(
        "--every", metavar="STEP", help="of a forecast, such as '1 day' (default: as the times are)"
    )
    command.add_argument(
        "--future",
        action="extend",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="of a forecast, what is known of times to come, such as a promotion",
    )


def _add_tune(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "candidates",
        nargs="*",
        metavar="NAME",
        help="of a candidate (default: all that have a space under `search` in params.yaml)",
    )
    command.add_argument(
        "--minutes", type=_read_minutes, metavar="M", help="make do with what is found in so many"
    )
    command.add_argument("--dry-run", action="store_true", help="leave params.yaml as it is")


def _add_verify(command: argparse.ArgumentParser) -> None:
    command.add_argument("--rev", default="HEAD", help="commit to rebuild (default: HEAD)")


def _add_record(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "revision", nargs="?", default="HEAD", help="commit, tag, version or stage (default: HEAD)"
    )
    command.add_argument(
        "--as",
        dest="form",
        choices=("json", "slsa", "ro-crate", "mlflow"),
        default="json",
        help="JSON (default), in-toto statement of SLSA provenance, RO-Crate, or a run in MLflow",
    )


def _add_compare(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "revisions",
        nargs="+",
        metavar="REVISION",
        help="commits, branches, tags, versions, stages or `workspace`; a single one is compared "
        "with the workspace",
    )
    command.add_argument("--html", action="store_true", help="as a page, too")


def _add_register(command: argparse.ArgumentParser) -> None:
    command.add_argument("revision", nargs="?", help="commit, branch or tag (default: HEAD)")


def _add_promote(command: argparse.ArgumentParser) -> None:
    command.add_argument("version", help="such as v1.2.0, or latest")
    command.add_argument(
        "--to", dest="stage", required=True, metavar="STAGE", help="such as production"
    )


def _add_rollback(command: argparse.ArgumentParser) -> None:
    command.add_argument("stage", metavar="STAGE", help="such as production")


def _add_package(command: argparse.ArgumentParser) -> None:
    command.add_argument("--version", metavar="VERSION", help="such as v1.2.0 (default: workspace)")


def _add_serve(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help="`workspace`, a version, `latest`, a stage, or the wheel of a model; by default what "
        "stands in stages, or else the workspace",
    )
    command.add_argument("--host", default="127.0.0.1", help="to listen on (default: %(default)s)")
    command.add_argument("--port", type=int, default=8000, help="(default: %(default)s)")
    command.add_argument(
        "--requests",
        metavar="ADDRESS",
        help="of a database to keep them in, such as postgresql://... (default: a file)",
    )
    command.add_argument(
        "--new-token", metavar="NAME", help="make a token for somebody, and no more"
    )


def _add_monitor(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "files", nargs="*", metavar="FILE", help="of rows (default: the requests that were kept)"
    )
    command.add_argument(
        "--by",
        choices=("day", "week", "rows"),
        help="windows (default: day; week where the rows of a day are alike; of files rows)",
    )
    _add_requests(command, "that came since then")


def _add_doctor(command: argparse.ArgumentParser) -> None:
    command.add_argument("--only", nargs="+", metavar="CHECK", help="such as: lock pipeline")


def _add_requests(command: argparse.ArgumentParser, which: str) -> None:
    """Have a command take requests from where the server keeps them."""
    command.add_argument(
        "--requests",
        metavar="ADDRESS",
        help="of the database where `serve` keeps them, such as postgresql://... (default: a file)",
    )
    command.add_argument(
        "--since", metavar="WHEN", help=f"only those {which}: a date, or days such as 7d"
    )


def _read_minutes(text: str) -> float:
    with suppress(ValueError):
        if 0 < (minutes := float(text)) < math.inf:
            return minutes
    raise argparse.ArgumentTypeError(f"found {text!r}; a number above 0 was expected")


def _read_steps(text: str) -> int:
    with suppress(ValueError):
        if (steps := int(text)) > 0:
            return steps
    raise argparse.ArgumentTypeError(f"found {text!r}; a whole number above 0 was expected")
