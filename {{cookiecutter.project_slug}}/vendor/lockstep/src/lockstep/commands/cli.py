"""The command line; each command imports its room when it runs, so that `--help` is quick."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.errors import UserError, exit_status
from ..core.own import import_own
from ..core.paths import Paths
from ..core.workers import end_workers
from .arguments import make_parser

if TYPE_CHECKING:
    from ..adopting.wishes import Wishes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments`, by default those of the process, name.

    Returns:
        The exit status: 0 for success, 1 for a mistake the user can mend; of `monitor` 0 if all is
        fine, 1 for an alarm, and 2 where it cannot say, whatever went wrong. A command line that
        cannot be read ends the process with 2.
    """
    options = make_parser().parse_args(arguments)
    mistake = 2 if options.command == "monitor" else 1
    return exit_status(lambda: _run_to_end(options), debug=options.debug, mistake=mistake)


def _run_to_end(options: argparse.Namespace) -> int | None:
    try:
        return _run(options)
    finally:
        end_workers()


def _run(options: argparse.Namespace) -> int | None:
    match options.command:
        case "use" if options.from_requests or options.requests or options.since:
            from ..adopting.requests import use_requests

            _require_requests_alone(options)
            use_requests(options.requests, options.since, dry_run=options.dry_run)
        case "use":
            from ..adopting.use import use_data

            use_data(
                options.source,
                _make_wishes(options),
                dry_run=options.dry_run,
                replace=options.replace,
            )
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


def _make_wishes(options: argparse.Namespace) -> Wishes:
    from ..adopting.wishes import Wishes

    return Wishes(
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
