"""An engine without processes, a store without a database, and a server of both on a free port."""

import asyncio
import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pandas as pd
import uvicorn
from lockstep.core.contract import Contract
from lockstep.core.params import ServeParams
from lockstep.data.new_rows import parse_rows
from lockstep.serving.app import make_app
from lockstep.serving.connection import Connection
from lockstep.serving.errors import UnknownModel, Unusable
from lockstep.serving.messages import Question, Reply
from lockstep.serving.monitoring_process import Shown

FRUIT = {
    "title": "Made-up fruit",
    "source": "a seeded generator",
    "licence": "none",
    "target": "fruit",
    "columns": {
        "name": {"type": "identifier", "meaning": "what the row is called"},
        "weight": {"type": "numeric", "unit": "g", "range": [0, 500], "meaning": "weight"},
        "seeds": {"type": "integer", "range": [0, None], "meaning": "seeds", "nullable": True},
        "colour": {"type": "categorical", "categories": ["green", "red"], "meaning": "colour"},
        "picked": {"type": "datetime", "meaning": "day", "nullable": True},
        "sort": {"type": "categorical", "categories": ["a"], "open": True, "meaning": "sort"},
        "fruit": {"type": "categorical", "categories": ["apple", "melon"], "meaning": "kind"},
    },
}
DIGITS = {
    "title": "Made-up digits",
    "source": "a seeded generator",
    "licence": "none",
    "target": "digit",
    "images": {"width": 3, "height": 2},
    "columns": {
        "image": {"type": "image", "meaning": "the image"},
        "digit": {"type": "categorical", "categories": ["0", "1"], "meaning": "which"},
    },
}
ROW = {"weight": 3.5, "seeds": 2, "colour": "red", "picked": "2026-01-31", "sort": "b"}


@dataclass
class MadeUpVersion:
    """A version as the engine lists it."""

    model: str = "fruit"
    version: str = "1.1.0"
    run: str = "ab" * 32
    stages: tuple[str, ...] = ("production",)
    state: str = "ready"
    is_default: bool = True
    share: float = 0.0
    is_shadow: bool = False
    is_live: bool = True
    contract: dict[str, Any] = field(default_factory=lambda: FRUIT)
    card: str = "# Fruit\n"
    metrics: dict[str, Any] = field(default_factory=lambda: {"accuracy": 1.0})
    kind: str = "classification"
    features: list[str] = field(
        default_factory=lambda: ["weight", "seeds", "colour", "picked", "sort"]
    )
    classes: list[str] = field(default_factory=lambda: ["apple", "melon"])
    memory: int | None = 1000
    waiting: int = 0
    dropped: int = 0
    deaths: int = 0


class MadeUpEngine:
    """Takes heavy fruit for melons, and notes what it was asked."""

    def __init__(self) -> None:
        self.versions = [
            MadeUpVersion(),
            MadeUpVersion(version="1.0.0", stages=(), is_default=False),
            MadeUpVersion(
                model="digits",
                contract=DIGITS,
                features=["image"],
                classes=["0", "1"],
                is_default=False,
            ),
        ]
        self.questions: list[tuple[Question, dict[str, Any]]] = []
        self.failure: Exception | None = None
        self.reply: Reply | None = None
        self.delay = 0.0

    async def start(self) -> None:
        """Nothing has to be started."""

    async def stop(self) -> None:
        """Nor stopped."""

    def list_versions(self) -> list[MadeUpVersion]:
        """All of them."""
        return self.versions

    async def predict(self, question: Question, **target: str | None) -> Reply:
        """Answer, or fail as it is told to."""
        self.questions.append((question, target))
        await asyncio.sleep(self.delay)
        if self.failure:
            raise self.failure
        if self.reply:
            return self.reply
        version = self._find(target)
        if version.model == "digits":
            sizes = {"prediction": "1", "probability_0": 0.25, "probability_1": 0.75}
            return Reply("digits", "1.1.0", version.run, [sizes], None, 0.01)
        rows = [*question.rows] if question.form == "rows" else _read(question)
        answers = answer_rows(rows)
        return Reply(version.model, version.version, version.run, answers, rows, 0.01)

    def _find(self, target: dict[str, str | None]) -> MadeUpVersion:
        for version in self.versions:
            is_named = target.get("model") in (None, version.model)
            is_version = (target.get("version") or "").removeprefix("v") in ("", version.version)
            if is_named and is_version and (target.get("stage") or "production") == "production":
                return version
        raise UnknownModel("no such version")


def _read(question: Question) -> list[dict[str, Any]]:
    if question.form != "csv":
        raise Unusable("not a readable file")
    try:
        return [*csv.DictReader(io.StringIO(question.body.decode("utf-8")))]
    except UnicodeDecodeError as error:
        raise Unusable("not UTF-8") from error


def answer_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the engine says, each row held against the contract by the library."""
    contract = Contract.model_validate(FRUIT)
    columns = {
        name: pd.Series([row.get(name) for row in rows], dtype="object")
        for name in contract.columns
        if name != "fruit"
    }
    parsed = parse_rows(pd.DataFrame(columns), contract, "the request")
    answers: list[dict[str, Any]] = [{"errors": []} for _ in rows]
    for row, column, value, rule in parsed.breaches.itertuples(index=False):
        error = {"column": column, "value": value, "reason": f"expected {rule}"}
        answers[row - 1]["errors"].append(error)
    shares = parsed.X["weight"] / 500
    return [
        answer if answer["errors"] else _tell(share)
        for answer, share in zip(answers, shares, strict=True)
    ]


def _tell(share: float) -> dict[str, Any]:
    decision = "melon" if share > 0.5 else "apple"
    return {"prediction": decision, "probability_apple": 1 - share, "probability_melon": share}


class MadeUpStore:
    """Keeps its entries in a list."""

    dropped = 0
    failure: str | None = None

    def __init__(self) -> None:
        self.entries: list[Any] = []

    def start(self) -> None:
        """Nothing has to be started."""

    def stop(self) -> None:
        """Nor stopped."""

    def put(self, entries: list[Any]) -> None:
        """Keep some."""
        self.entries += entries

    def read_last(self, _: int) -> list[dict[str, Any]]:
        """None of them."""
        return []

    def add_outcomes(self, outcomes: list[Any]) -> tuple[int, int]:
        """None is known."""
        return 0, len(outcomes)


class MadeUpMonitoring:
    """Shows always the same."""

    alarms = (("fruit", "1.0.0", "answer", 2),)
    read_time: datetime | None = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)

    def start(self) -> None:
        """Nothing has to be started."""

    async def stop(self) -> None:
        """Nor stopped."""

    async def tell(self, _: float = 0.0) -> Shown:
        """A report of nothing."""
        return Shown(b"{}", b"<p>All is fine.</p>", self.alarms)


@contextmanager
def serve_made_up(
    settings: ServeParams, engine: MadeUpEngine, store: MadeUpStore
) -> Iterator[tuple[str, int]]:
    """The address and the port of a server on this machine, until the block ends."""
    app = make_app(engine, store, MadeUpMonitoring(), settings, None)
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        http=Connection,
        ws="none",
        log_level="warning",
        access_log=False,
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", port
    finally:
        server.should_exit = True
        thread.join()
