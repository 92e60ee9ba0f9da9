"""The cluster that the environment names: a client of its scheduler, and what workers answer."""

from __future__ import annotations

import asyncio
import logging
import os
import warnings
from collections.abc import Callable
from typing import Any

from .errors import LONGEST_REASON, UserError, shorten

VARIABLE = "LOCKSTEP_SCHEDULER"
CONNECT_SECONDS = 10
ANSWER_SECONDS = 10
"""After which a worker is taken for frozen that is asked something, which takes it milliseconds."""


def find_address() -> str | None:
    """The address of the scheduler that the environment names, if it does."""
    return os.environ.get(VARIABLE) or None


def connect(address: str) -> Any:
    """A client of the scheduler at that address.

    Raises:
        UserError: Dask is not installed, or nobody answers there.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise UserError(
            f"{VARIABLE} is set, but Dask is not installed; `uv sync --extra cluster` installs it"
        ) from error
    # What we have to say of a cluster we say ourselves.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", "Sending large graph")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception as error:
        raise UserError(
            f"{VARIABLE}: {address!r} in the environment: no scheduler of Dask answers there "
            f"({shorten(str(error), LONGEST_REASON)}); an address such as tcp://10.0.0.1:8786 was "
            "expected, or nothing for this machine alone"
        ) from error


def ask_workers(client: Any, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """What a function gives on each worker; None of one that is frozen, or where it fails.

    A worker that joins meanwhile is not asked.
    """
    workers = list(client.nthreads())

    async def ask(worker: str) -> Any:
        try:
            answers = client.run(function, *arguments, workers=[worker])
            return (await asyncio.wait_for(answers, ANSWER_SECONDS))[worker]
        except Exception:  # it may have gone
            return None

    async def ask_all() -> list[Any]:
        return await asyncio.gather(*map(ask, workers))

    return dict(zip(workers, client.sync(ask_all), strict=True))
