"""The command `serve`: the server's process, from its start to its end."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..core.errors import UserError
from ..core.project import Project

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(models: Sequence[str], host: str, port: int, address: str | None) -> None:
    """Answer requests until the process is told to end; those under way are answered first.

    Args:
        models: What is served: see `sources.find_wheels`.
        host: The address to listen on. Any but loopback asks for tokens.
        port: The port.
        address: Of the database that keeps the requests; by default a file of the project.

    Raises:
        UserError: There is nothing to serve, or it may not or cannot listen there.
    """
    project = Project.find()
    try:
        import uvicorn

        from .app import make_app
        from .engine import Engine
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
    store = RequestStore(
        address or f"sqlite:///{project.root / '.serve' / 'requests.sqlite'}", settings.keep
    )
    engine = Engine(project, models, settings, store.note_shadow)
    app = make_app(engine, store, settings, tokens)
    print(f"serve: http://{host}:{port}", file=sys.stderr)
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False)
