"""The command line; each command imports its room when it runs, so that `--help` is quick."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from contextlib import suppress

from ..core.command_line import CommandLineParser
from ..core.errors import UserError, exit_status
from ..core.kinds import KINDS
from ..core.own import import_own
from ..core.paths import Paths
from ..core.workers import end_workers
from ..standalone.main import add_files

STAGES = {
    "ingest": "read the raw files by the contract and set aside what breaks it",
    "preprocess": "clean the rows and set the test rows apart",
    "train": "compare the candidates and train the champion",
    "evaluate": "measure the champion on the test rows",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments`, by default those of the process, name.

    Returns:
        The exit status: 0 for success, 1 for a mistake the user can mend; of `monitor` 0 if all is
        fine, 1 for an alarm, and 2 where it cannot say, whatever went wrong. A command line that
        cannot be read ends the process with 2.
    """
    options = _make_parser().parse_args(arguments)
    mistake = 2 if options.command == "monitor" else 1
    return exit_status(lambda: _run_to_end(options), debug=options.debug, mistake=mistake)


def _run_to_end(options: argparse.Namespace) -> int | None:
    try:
        return _run(options)
    finally:
        end_workers()


def _make_parser() -> argparse.ArgumentParser:
    root = CommandLineParser(description="Run a stage of the pipeline, or use its model.")
    root.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, summary: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")

    for name, summary in STAGES.items():
        add(name, summary)

    use = add("use", "take your own data into the project")
    use.add_argument(
        "source",
        nargs="?",
        help="file, folder, zip of images, or address (https://, s3://, or a database's); "
        "without it, an interrupted run is finished",
    )
    use.add_argument("--target", metavar="COLUMN", help="the column to predict")
    use.add_argument(
        "--kind",
        choices=[kind for kind in KINDS if kind != "forecasting"],  # --horizon says it
        help="whether a class, several labels or a number is predicted; or, with or without a "
        "target, rows unlike the others are looked for; or, without one, rows that are alike",
    )
    use.add_argument(
        "--id", action="append", default=[], metavar="COLUMN", help="a name of the row, no feature"
    )
    use.add_argument("--group", metavar="COLUMN", help="rows with one value are on one side")
    use.add_argument(
        "--time",
        metavar="COLUMN",
        help="the latest rows by it are the test; of sequences, their order",
    )
    use.add_argument(
        "--sequence",
        metavar="COLUMN",
        help="rows with one value are the points of one sequence, which has one target; `file`: "
        "each file of a folder is one",
    )
    use.add_argument(
        "--horizon",
        type=_read_steps,
        metavar="STEPS",
        help="forecast the target so many times ahead, such as 14 days of a row each day",
    )
    use.add_argument(
        "--series", metavar="COLUMN", help="of a forecast, what tells series apart, such as a shop"
    )
    use.add_argument(
        "--every", metavar="STEP", help="of a forecast, such as '1 day' (default: as the times are)"
    )
    use.add_argument(
        "--future",
        action="extend",
        nargs="+",
        default=[],
        metavar="COLUMN",
        help="of a forecast, what is known of times to come, such as a promotion",
    )
    use.add_argument(
        "--exposure",
        metavar="COLUMN",
        help="of counts and amounts, the time or other size that each row adds them up over",
    )
    use.add_argument(
        "--drop", action="extend", nargs="+", default=[], metavar="COLUMN", help="not to be used"
    )
    use.add_argument("--sheet", metavar="NAME", help="of a spreadsheet (default: the first)")
    use.add_argument("--table", metavar="NAME", help="of a database")
    use.add_argument("--dry-run", action="store_true", help="tell what was understood, no more")
    use.add_argument("--replace", action="store_true", help="instead of your own earlier data")
    use.add_argument(
        "--from-requests",
        action="store_true",
        help="as the next delivery, the requests of which the server knows what became true",
    )
    _add_requests(use, "of which outcomes came since then")

    tune = add("tune", "search for better options of the candidates, and put them into params.yaml")
    tune.add_argument(
        "candidates",
        nargs="*",
        metavar="NAME",
        help="of a candidate (default: all that have a space under `search` in params.yaml)",
    )
    tune.add_argument(
        "--minutes", type=_read_minutes, metavar="M", help="make do with what is found in so many"
    )
    tune.add_argument("--dry-run", action="store_true", help="leave params.yaml as it is")

    add_files(add("predict", "predict the rows of a file with the champion"))

    verify = add("verify", "rebuild a commit from its raw data and compare every output's bytes")
    verify.add_argument("--rev", default="HEAD", help="commit to rebuild (default: HEAD)")

    record = add("record", "print what a commit's run was made of and what came out")
    record.add_argument(
        "revision", nargs="?", default="HEAD", help="commit, tag, version or stage (default: HEAD)"
    )
    record.add_argument(
        "--as",
        dest="form",
        choices=("json", "slsa", "ro-crate", "mlflow"),
        default="json",
        help="JSON (default), in-toto statement of SLSA provenance, RO-Crate, or a run in MLflow",
    )

    add("runs", "list the commits that hold a run, its figures, and what changed since the last")

    compare = add("compare", "show what differs between runs, and whether it is more than chance")
    compare.add_argument(
        "revisions",
        nargs="+",
        metavar="REVISION",
        help="commits, branches, tags, versions, stages or `workspace`; a single one is compared "
        "with the workspace",
    )
    compare.add_argument("--html", action="store_true", help="as a page, too")

    register = add("register", "give the run of a commit a version, as a tag of git")
    register.add_argument("revision", nargs="?", help="commit, branch or tag (default: HEAD)")

    promote = add("promote", "let a version take a stage, if it passes the gate")
    promote.add_argument("version", help="such as v1.2.0, or latest")
    promote.add_argument(
        "--to", dest="stage", required=True, metavar="STAGE", help="such as production"
    )

    rollback = add("rollback", "give a stage back to the version that had it before")
    rollback.add_argument("stage", metavar="STAGE", help="such as production")

    add("models", "list the versions, their stages, and who registered them when")

    package = add("package", "make a Python package of the model, to install and import elsewhere")
    package.add_argument("--version", metavar="VERSION", help="such as v1.2.0 (default: workspace)")

    serve = add("serve", "answer requests over HTTP, by one version of the model or several")
    serve.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help="`workspace`, a version, `latest`, a stage, or the wheel of a model; by default what "
        "stands in stages, or else the workspace",
    )
    serve.add_argument("--host", default="127.0.0.1", help="to listen on (default: %(default)s)")
    serve.add_argument("--port", type=int, default=8000, help="(default: %(default)s)")
    serve.add_argument(
        "--requests",
        metavar="ADDRESS",
        help="of a database to keep them in, such as postgresql://... (default: a file)",
    )
    serve.add_argument("--new-token", metavar="NAME", help="make a token for somebody, and no more")

    monitor = add("monitor", "say whether later rows are still like those that the model knows")
    monitor.add_argument(
        "files", nargs="*", metavar="FILE", help="of rows (default: the requests that were kept)"
    )
    monitor.add_argument(
        "--by",
        choices=("day", "week", "rows"),
        help="windows (default: day; week where the rows of a day are alike; of files rows)",
    )
    _add_requests(monitor, "that came since then")

    doctor = add("doctor", "say what is wrong with this machine or project, and what mends it")
    doctor.add_argument("--only", nargs="+", metavar="CHECK", help="such as: lock pipeline")
    return root


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


def _run(options: argparse.Namespace) -> int | None:
    match options.command:
        case "use" if options.from_requests or options.requests or options.since:
            from ..adopting.requests import use_requests

            _require_requests_alone(options)
            use_requests(options.requests, options.since, dry_run=options.dry_run)
        case "use":
            from ..adopting.use import use_data
            from ..adopting.wishes import Wishes

            wishes = Wishes(
                target=options.target,
                kind=options.kind,
                identifiers=tuple(options.id),
                group=options.group,
                time=options.time,
                sequence=options.sequence,
                series=options.series,
                horizon=options.horizon,
                every=options.every,
                future=tuple(options.future),
                exposure=options.exposure,
                drop=tuple(options.drop),
                sheet=options.sheet,
                table=options.table,
            )
            use_data(options.source, wishes, dry_run=options.dry_run, replace=options.replace)
        case "tune":
            from ..searching.tune import tune

            tune(options.candidates, options.minutes, dry_run=options.dry_run)
        case "predict":
            from .predict import predict_with_champion

            predict_with_champion(options.file, options.output)
        case "verify":
            from ..records.verification import verify
            from ..registry.names import find_revision

            verify(Paths.find(), find_revision(options.rev))
        case "record":
            from ..records.export import print_record
            from ..registry.names import find_revision

            print_record(find_revision(options.revision), options.form)
        case "runs":
            from ..records.runs import print_runs

            print_runs()
        case "compare":
            from ..records.compare import compare
            from ..registry.names import find_revision

            compare([*map(find_revision, options.revisions)], html=options.html)
        case "register":
            from ..registry.register import register

            register(options.revision)
        case "promote":
            from ..registry.promote import promote

            promote(options.version, options.stage)
        case "rollback":
            from ..registry.rollback import roll_back

            roll_back(options.stage)
        case "models":
            from ..registry.models import print_models

            print_models()
        case "package":
            from ..packaging.package import package

            package(options.version)
        case "serve" if options.new_token:
            from ..serving.tokens import make_token

            make_token(options.new_token)
        case "serve":
            from ..serving.serve import serve

            serve(options.models, options.host, options.port, options.requests)
        case "monitor":
            from ..monitoring.monitor import monitor

            return monitor(options.files, options.since, options.by, options.requests)
        case "doctor":
            from .doctor import examine

            examine(options.only)
        case stage:
            _run_stage(stage)
    return None


def _require_requests_alone(options: argparse.Namespace) -> None:
    """Check that `use` is told of requests or of a file, and not of both."""
    if not options.from_requests:
        raise UserError("use: --requests and --since go with --from-requests")
    words = (options.source, options.target, options.kind, *options.id, options.group, options.time)
    more = (
        options.sequence,
        options.series,
        options.horizon,
        options.every,
        options.exposure,
        *options.future,
        *options.drop,
    )
    if any([*words, *more, options.sheet, options.table, options.replace]):
        raise UserError(
            "use: --from-requests adds rows by the contract that there is, so name no file and "
            "say nothing of columns"
        )


def _run_stage(name: str) -> None:
    from ..core.stage import guard_stage

    paths = Paths.find()
    stage = getattr(import_own(paths, name), name, None)
    if stage is None:
        raise UserError(f"src/{paths.package}/{name}.py: has no function `{name}` to run")
    guard_stage(stage)
