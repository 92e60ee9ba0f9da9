"""The engine of the server: versions at work, one of which answers each question."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..core.errors import UserError
from ..core.params import ServeParams
from ..core.paths import Paths
from .errors import Busy, Late, Unusable
from .messages import Question, Reply
from .pool import State
from .preparation import Prepared, prepare
from .registry_watch import RegistryWatch, Stamp
from .routing import Routes
from .served import Served
from .targets import Plan, Target, make_plan

FOLDER = ".serve"
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_TO_MEND = 30.0
"""Until a change of the registry that could not be followed is tried again."""
NoteShadow = Callable[[str, Question, Reply | None], None]
Place = tuple[Prepared, bool]
"""A version, and whether its workers step back for others since nobody waits for its answers."""


@dataclass(frozen=True)
class Version:
    """What is told of a version that is served."""

    model: str
    version: str
    run: str
    stages: tuple[str, ...]
    state: State
    is_default: bool
    share: float
    """Of the questions that name no version, if it is a canary; else 0."""
    is_shadow: bool
    contract: dict[str, Any]
    card: str
    """Markdown."""
    metrics: dict[str, Any]
    """On the test rows, as reports/record.json has them."""
    kind: str
    features: list[str]
    classes: list[str]
    memory: int | None
    """Bytes of its workers; None where the system does not tell."""
    waiting: int
    """Questions that no worker has taken yet."""
    dropped: int
    """Shadows' questions that were not asked, since too many waited."""
    deaths: int
    """Of its workers."""

    def describe(self) -> str:
        """What it is, in a few words."""
        roles = {
            "answers by default": self.is_default,
            f"answers {self.share:.0%} of those": self.share > 0,
            "answers for nobody to see": self.is_shadow,
        }
        words = [*self.stages, *(role for role, has_it in roles.items() if has_it)]
        return f"{self.model} {self.version}" + (f": {', '.join(words)}" if words else "")


class Engine:
    """Serves versions of models, and follows the registry.

    Args:
        paths: The project; None where only wheels are served.
        models: `workspace`, versions, stages and paths of wheels: see `targets.make_plan`.
        settings: The section `serve` of params.yaml.
        note_shadow: Told of each request that a shadow has answered, or could not.
    """

    def __init__(
        self,
        paths: Paths | None,
        models: Sequence[str],
        settings: ServeParams,
        note_shadow: NoteShadow,
    ) -> None:
        self.settings = settings
        self.under_way = 0
        """Questions that have no answer yet."""
        self._paths, self._models, self._note_shadow = paths, models, note_shadow
        self._folder = (paths.root if paths else Path.cwd()) / FOLDER
        self._watch: RegistryWatch | None = None
        self._routes = Routes()
        self._prepared: dict[Target, Prepared] = {}
        self._served: dict[Place, Served] = {}
        self._starting: list[Served] = []
        self._watchers: set[asyncio.Task[None]] = set()
        self._closings: set[asyncio.Task[None]] = set()
        self._is_ending = False

    async def start(self) -> None:
        """Start what is to be served, unless that is done.

        Raises:
            UserError: Something of it cannot be.
        """
        if self._routes.answering:
            return
        if self._paths:
            with suppress(UserError):  # wheels are served without git, too
                self._watch = RegistryWatch(self._paths)
        stamp = self._watch.stamp() if self._watch else []
        await self._follow()
        if self._watch:
            self._spawn(self._follow_changes(self._watch, stamp), self._watchers)

    async def stop(self) -> None:
        """End, once the questions that are under way have their answers."""
        self._is_ending = True
        watchers, closings = [*self._watchers], [*self._closings]
        for task in watchers:
            task.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        await asyncio.gather(*map(self._close, self._served.values()), *closings)

    async def predict(
        self,
        question: Question,
        *,
        model: str | None = None,
        version: str | None = None,
        stage: str | None = None,
        key: str | None = None,
        request: str,
    ) -> Reply:
        """Have a version answer.

        Args:
            question: What is asked.
            model: The name of a model; by default that of the version that answers by default.
            version: Such as 1.2.0.
            stage: Such as production.
            key: By its hash a canary is chosen or not; by default the first row's identifier, or
                else the request.
            request: The name of the request.

        Raises:
            ServingError: There is no answer.
        """
        if self._is_ending:
            raise Busy("the server is ending", 1)
        if self.under_way >= self.settings.waiting:
            raise Busy(f"{self.under_way} requests are under way, as many as may be", 1)
        routes, start = self._routes, time.perf_counter()
        chosen = routes.choose(
            model, version, stage, key or _find_key(question, routes.answering[0]) or request
        )
        reply = chosen.pool.ask(question)
        self._ask_shadows(routes, chosen, question, request)
        self.under_way += 1
        try:
            async with asyncio.timeout(self.settings.seconds):
                raw = await reply
        except TimeoutError as error:
            raise Late(f"no answer in {self.settings.seconds:g} s") from error
        finally:
            self.under_way -= 1
        if "fault" in raw:
            raise Unusable(raw["fault"])
        return chosen.make_reply(raw, time.perf_counter() - start)

    def list_versions(self) -> list[Version]:
        """What is served, the version that answers by default first."""
        return [self._describe(served) for served in [*self._routes.served, *self._starting]]

    def _describe(self, served: Served) -> Version:
        routes, package, pool = self._routes, served.package, served.pool
        return Version(
            model=served.model,
            version=served.version,
            run=package.run,
            stages=routes.list_stages(served),
            state=pool.state,
            is_default=served in routes.answering[:1],
            share=routes.canary.get(served, 0.0),
            is_shadow=served in routes.shadows,
            contract=served.contract,
            card=package.card,
            metrics=package.record["metrics"],
            kind=served.kind,
            features=pool.features,
            classes=served.classes,
            memory=pool.memory,
            waiting=pool.waiting,
            dropped=pool.dropped,
            deaths=pool.deaths,
        )

    def _ask_shadows(
        self, routes: Routes, chosen: Served, question: Question, request: str
    ) -> None:
        for shadow in routes.shadows:
            if shadow is chosen or shadow.model != chosen.model:
                continue
            reply = shadow.pool.ask_as_shadow(question)
            if reply is not None:
                start = time.perf_counter()
                reply.add_done_callback(partial(self._note, shadow, question, request, start))

    def _note(
        self,
        shadow: Served,
        question: Question,
        request: str,
        start: float,
        reply: asyncio.Future[dict[str, Any]],
    ) -> None:
        answer = None
        if not reply.exception() and "fault" not in reply.result():
            answer = shadow.make_reply(reply.result(), time.perf_counter() - start)
        self._note_shadow(request, question, answer)

    async def _follow_changes(self, watch: RegistryWatch, stamp: Stamp) -> None:
        """Serve what the registry says, as long as the server runs."""
        next_try = 0.0
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            present = watch.stamp()
            if present == stamp and not 0 < next_try < time.monotonic():
                continue
            stamp, next_try = present, 0.0
            try:
                await self._follow()
            except UserError as error:
                print(f"serve: all stays as it is: {error}", file=sys.stderr)
                next_try = time.monotonic() + SECONDS_TO_MEND

    async def _follow(self) -> None:
        """Serve what is to be served now: start what is new, let it answer, and end what is not.

        Raises:
            UserError: Something new cannot be served, and all stays as it is.
        """
        registry = await asyncio.to_thread(self._watch.read) if self._watch else None
        plan = make_plan(self._models, self.settings, registry)
        for target in plan.targets:
            if target not in self._prepared:
                self._prepared[target] = await prepare(target, self._paths, self._folder)
        places = {target: self._place(plan, target) for target in plan.targets}
        await self._start_new(set(places.values()))
        served = {target: self._served[place] for target, place in places.items()}
        routes = Routes(
            answering=[*dict.fromkeys(served[target] for target in plan.answering)],
            canary={served[target]: share for target, share in plan.canary.items()},
            shadows=[*dict.fromkeys(served[target] for target in plan.shadows)],
            stages={stage: served[one] for stage, one in plan.stages.items() if one in served},
        )
        former, self._routes = self._routes, routes
        for stage, one in routes.stages.items():
            if former.answering and former.stages.get(stage) is not one:
                print(f"serve: {one.name} answers for {stage} now", file=sys.stderr)
        for place in {*self._served} - {*places.values()}:
            self._spawn(self._close(self._served.pop(place)), self._closings)

    def _place(self, plan: Plan, target: Target) -> Place:
        return self._prepared[target], target not in plan.answering

    async def _start_new(self, places: Collection[Place]) -> None:
        """Start what is not at work yet.

        Raises:
            UserError: Two models have one name, or one of them cannot answer; none is started then.
        """
        names: dict[tuple[str, str], Path] = {}
        for prepared, _ in places:
            package = prepared.package
            name = (package.info["name"], package.version)
            if names.setdefault(name, package.folder) != package.folder:
                raise UserError(f"{' '.join(name)}: two models are called so; serve one of them")
        new = {
            (prepared, is_polite): Served(prepared, self.settings, is_polite=is_polite)
            for prepared, is_polite in places
            if (prepared, is_polite) not in self._served
        }
        self._starting = [*new.values()]
        try:
            starts = [served.pool.start() for served in self._starting]
            outcomes = await asyncio.gather(*starts, return_exceptions=True)
            for served, outcome in zip(self._starting, outcomes, strict=True):
                if isinstance(outcome, BaseException):
                    reason = UserError(f"{served.name}: {outcome}")
                    raise reason if isinstance(outcome, UserError) else outcome
        except BaseException:
            await asyncio.gather(*map(self._close, self._starting))
            raise
        finally:
            self._starting = []
        self._served |= new

    async def _close(self, served: Served) -> None:
        await served.pool.stop(self.settings.seconds)

    def _spawn(self, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
        """Have something done meanwhile; a task that nothing refers to may never end."""
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)


def _find_key(question: Question, served: Served) -> str | None:
    """The first identifier that the first row of a question has."""
    row = question.rows[0] if question.rows else {}
    names = [name for name in served.identifiers if row.get(name) is not None]
    return str(row[names[0]]) if names else None
