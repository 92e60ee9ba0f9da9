"""A version at work, and what is known of it."""

from __future__ import annotations

import json
from collections.abc import Set
from functools import cached_property
from typing import Any

from ..core.examples import LEVEL, SPREAD
from ..core.params import ServeParams
from ..core.sequences import list_summaries
from ..standalone.model_package import CHAMPION
from .keeping import describe_columns
from .messages import Reply
from .pool import Limits, Pool
from .preparation import Installation

WORKER = "lockstep.standalone.worker"
STANDING = (LEVEL, SPREAD)
"""What stands for the latest values that a forecast is made from."""


class Deployment:
    """A version, its workers, and what it is.

    Args:
        installation: The version.
        settings: Of the server.
        private: Columns that are private beside those that its own contract calls so.
        is_polite: Whether its workers step back for those of others.
    """

    def __init__(
        self,
        installation: Installation,
        settings: ServeParams,
        private: Set[str],
        *,
        is_polite: bool,
    ) -> None:
        self.package, keep = installation.package, settings.keep
        self.model, self.version = str(self.package.info["name"]), self.package.version
        self.name = f"{self.model} {self.version}"
        file = self.package.folder / CHAMPION / "model.json"
        description = json.loads(file.read_text(encoding="utf-8"))
        self.kind: str = description["kind"]
        self.contract: dict[str, Any] = description["contract"]
        columns = describe_columns(self.contract)
        self.private = private | {name for name in columns if columns[name].get("private")}
        keepable = [
            name
            for name, column in columns.items()
            if keep.rows
            and name not in self.private
            and column["type"] not in ("image", "sequence")
            and (keep.columns is None or name in keep.columns or name in STANDING)
        ]
        hidden = {*columns} - {*keepable}
        self.hidden = frozenset(hidden)
        if "points" in self.contract:
            self.hidden |= {name for channel in hidden for name in list_summaries(channel)}
        limits = Limits(
            workers=settings.workers,
            rows=settings.max_rows,
            seconds=settings.seconds,
            shadows=settings.waiting,
            shadow_bytes=settings.max_megabytes * 2**20,
        )
        self.pool = Pool(
            self.name,
            [str(installation.python), "-m", f"{self.package.name}.{WORKER}"],
            self.package.folder.parent,
            keepable if keep.rows else None,
            limits,
            is_polite=is_polite,
        )

    @cached_property
    def identifiers(self) -> list[str]:
        """The columns that name a row."""
        columns = self.contract["columns"].items()
        return [name for name, column in columns if column["type"] == "identifier"]

    @property
    def classes(self) -> list[str]:
        """What it tells apart; none of numbers."""
        target = self.contract["columns"][self.contract["target"]]
        return [*target.get("categories", [])]

    def make_reply(self, raw: dict[str, Any], seconds: float) -> Reply:
        """What a worker has replied, with the version's name."""
        return Reply(
            model=self.model,
            version=self.version,
            run=self.package.run,
            answers=raw["answers"],
            rows=raw["rows"],
            seconds=seconds,
            hidden=self.hidden,
        )
