"""The command `serve`: the server's process, from its start to its end."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from typing import TYPE_CHECKING

from ..core.errors import UserError
from ..core.project import Project

if TYPE_CHECKING:
    import uvicorn

    from .engine import Engine

LOOPBACK = ("127.0.0.1", "::1", "localhost")
BACKLOG = 2048
"""Connections that the system keeps waiting."""


def serve(models: Sequence[str], host: str, port: int, address: str | None) -> None:
    """Answer requests until the process is told to end; those under way are answered first.

    Args:
        models: What is served: see `targets.make_plan`.
        host: The address to listen on. Any but loopback asks for tokens.
        port: The port; 0 for any that is free.
        address: Of the database that keeps the requests; by default a file of the project.

    Raises:
        UserError: There is nothing to serve, or it may not or cannot listen there.
    """
    project = Project.find()
    try:
        import uvicorn

        from .app import make_app
        from .connection import Connection
        from .engine import Engine
        from .monitoring_process import MonitoringProcess
        from .request_database import FILE
        from .request_store import RequestStore
        from .tokens import read_tokens
    except ModuleNotFoundError as error:
        command = project.command.replace("run", "run --extra serve", 1)
        raise UserError(
            f"{error.name} is not installed; `{command} serve` installs what the server needs"
        ) from error
    tokens = read_tokens(project)
    if host not in LOOPBACK and not tokens:
        raise UserError(
            f"--host {host}: others can reach it, so it asks for tokens, and there are none yet; "
            f"`{project.command} serve --new-token NAME` makes one"
        )
    settings = project.params.serve
    store = RequestStore(address or project.root / FILE, settings.keep)
    engine = Engine(project, models, settings, store.note_shadow)
    config = uvicorn.Config(
        make_app(engine, store, MonitoringProcess(project, address), settings, tokens),
        http=Connection,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=ceil(settings.seconds),
    )
    with (
        _listen(host, port) as place,
        asyncio.Runner(loop_factory=config.get_loop_factory()) as runner,
    ):
        try:
            runner.run(_answer(engine, uvicorn.Server(config), place))
        except asyncio.CancelledError:
            sys.exit(128 + signal.SIGTERM)  # as a shell calls the end by a signal


def _listen(host: str, port: int) -> socket.socket:
    """What takes connections, before any model is loaded for nothing."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        raise UserError(f"--host {host} --port {port}: cannot listen there: {reason}") from error


@contextmanager
def _cancelling_at_termination() -> Iterator[None]:
    """Have SIGTERM cancel what the present task does, so that it ends what it has started.

    Before, nothing is started; afterwards uvicorn sees to it.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    cancel = task.cancel
    former = signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(cancel))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


async def _answer(engine: Engine, server: uvicorn.Server, place: socket.socket) -> None:
    try:
        with _cancelling_at_termination():
            await engine.start()
        for version in engine.list_versions():
            print(f"serve: {version.describe()}", file=sys.stderr)
        host, port, *_ = place.getsockname()
        print(f"serve: http://{f'[{host}]' if ':' in host else host}:{port}", file=sys.stderr)
        await server.serve([place])
    finally:
        await engine.stop()
