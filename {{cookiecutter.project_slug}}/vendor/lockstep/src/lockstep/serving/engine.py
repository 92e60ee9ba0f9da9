"""The engine of the server: versions at work, one of which answers each question."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..core.errors import UserError
from ..core.params import ServeParams
from ..core.paths import Paths
from ..registry.versions import Registry
from .deployment import Deployment
from .errors import Busy, Late, Unusable
from .keeping import find_private, require_keepable
from .messages import Question, Reply
from .pool import State
from .preparation import Installation, prepare
from .registry_watch import RegistryWatch, Stamp
from .routing import Routes
from .targets import Plan, Target, choose_models, make_plan

CACHE = Path(".serve", "cache")
"""Wheels, packages and environments; what is missing of them is made again."""
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_TO_MEND = 30.0
"""Until a change of the registry that could not be followed is tried again."""
NoteShadow = Callable[[str, Question, Reply | None], None]
Place = tuple[Path, bool]
"""Where a version is unpacked, and whether its workers step back for others since nobody waits for
its answers."""


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
    is_live: bool
    """Whether it can be asked, other than a shadow or what is just being started."""
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
        paths: The project.
        models: `workspace`, versions, stages and paths of wheels: see `targets.make_plan`.
        settings: The section `serve` of params.yaml.
        note_shadow: Told of each request that a shadow has answered, or could not.
    """

    def __init__(
        self,
        paths: Paths,
        models: Sequence[str],
        settings: ServeParams,
        note_shadow: NoteShadow,
    ) -> None:
        self.settings = settings
        self.open_questions = 0
        """Questions that have no answer yet."""
        self._paths, self._models, self._note_shadow = paths, models, note_shadow
        self._folder = paths.root / CACHE
        self._watch: RegistryWatch | None = None
        self._routes = Routes()
        self._private: frozenset[str] = frozenset()
        self._installations: dict[Target, Installation] = {}
        self._deployments: dict[Place, Deployment] = {}
        self._newcomers: list[Deployment] = []
        self._watchers: set[asyncio.Task[None]] = set()
        self._closings: set[asyncio.Task[None]] = set()
        self._is_ending = False

    async def start(self) -> None:
        """Start what is to be served, unless that is done.

        Raises:
            UserError: Something of it cannot be.
        """
        if self._routes.live:
            return
        with suppress(UserError):  # wheels are served without git, too
            self._watch = RegistryWatch(self._paths)
        self._private = find_private(self._paths)
        stamp = self._watch.stamp() if self._watch else []
        self._models = self._models or choose_models(await self._read_registry())
        await self._follow()
        if self._watch:
            self._spawn(self._follow_changes(self._watch, stamp), self._watchers)

    async def stop(self) -> None:
        """End, once the questions that are under way have their answers."""
        self._is_ending = True
        watchers = [*self._watchers]
        for task in watchers:
            task.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        await asyncio.gather(*map(self._close, self._deployments.values()), *self._closings)

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
        if self.open_questions >= self.settings.waiting:
            raise Busy(f"{self.open_questions} requests are under way, as many as may be", 1)
        routes, start = self._routes, time.perf_counter()
        deployment = routes.choose(
            model, version, stage, key or _find_key(question, routes.live[0]) or request
        )
        reply = deployment.pool.ask(question)
        self._ask_shadows(routes, deployment, question, request)
        self.open_questions += 1
        try:
            async with asyncio.timeout(self.settings.seconds):
                raw = await reply
        except TimeoutError as error:
            raise Late(f"no answer in {self.settings.seconds:g} s") from error
        finally:
            self.open_questions -= 1
        if "fault" in raw:
            raise Unusable(raw["fault"])
        return deployment.make_reply(raw, time.perf_counter() - start)

    def list_versions(self) -> list[Version]:
        """What is served, the version that answers by default first."""
        return [
            self._describe(deployment)
            for deployment in [*self._routes.deployments, *self._newcomers]
        ]

    def _describe(self, deployment: Deployment) -> Version:
        routes, package, pool = self._routes, deployment.package, deployment.pool
        return Version(
            model=deployment.model,
            version=deployment.version,
            run=package.run,
            stages=routes.list_stages(deployment),
            state=pool.state,
            is_default=deployment in routes.live[:1],
            share=routes.canary.get(deployment, 0.0),
            is_shadow=deployment in routes.shadows,
            is_live=deployment in routes.live,
            contract=deployment.contract,
            card=package.card,
            metrics=package.record["metrics"],
            kind=deployment.kind,
            features=pool.features,
            classes=deployment.classes,
            memory=pool.memory,
            waiting=pool.waiting,
            dropped=pool.dropped,
            deaths=pool.deaths,
        )

    def _ask_shadows(
        self, routes: Routes, deployment: Deployment, question: Question, request: str
    ) -> None:
        for shadow in routes.shadows:
            if shadow is deployment or shadow.model != deployment.model:
                continue
            reply = shadow.pool.ask_as_shadow(question)
            if reply is not None:
                start = time.perf_counter()
                reply.add_done_callback(
                    partial(self._note, shadow, deployment.hidden, question, request, start)
                )

    def _note(
        self,
        shadow: Deployment,
        hidden: frozenset[str],
        question: Question,
        request: str,
        start: float,
        reply: asyncio.Future[dict[str, Any]],
    ) -> None:
        answer = None
        if not reply.exception() and "fault" not in reply.result():
            answer = shadow.make_reply(reply.result(), time.perf_counter() - start)
            # What the version that has answered keeps to itself, none tells in the shadow.
            answer = answer._replace(hidden=answer.hidden | hidden)
        self._note_shadow(request, question, answer)

    async def _follow_changes(self, watch: RegistryWatch, stamp: Stamp) -> None:
        """Serve what the registry says, as long as the server runs."""
        next_try, complaint = 0.0, ""
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            present = watch.stamp()
            if present == stamp and not 0 < next_try < time.monotonic():
                continue
            stamp, next_try = present, 0.0
            try:
                await self._follow()
                complaint = ""
            except UserError as error:
                if str(error) != complaint:
                    complaint = str(error)
                    print(f"serve: all stays as it is: {complaint}", file=sys.stderr)
                next_try = time.monotonic() + SECONDS_TO_MEND

    async def _follow(self) -> None:
        """Serve what is to be served now: start what is new, let it answer, and end what is not.

        Raises:
            UserError: Something new cannot be served, and all stays as it is.
        """
        plan = None
        try:
            # What is new may take a minute to start, and may be withdrawn meanwhile.
            while (present := await self._read_plan()) != plan:
                plan = present
                await self._start_all(plan)
            self._switch(present)
        finally:
            self._end_unused()

    async def _read_plan(self) -> Plan:
        return make_plan(self._models, self.settings, await self._read_registry())

    async def _read_registry(self) -> Registry | None:
        return await asyncio.to_thread(self._watch.read) if self._watch else None

    async def _start_all(self, plan: Plan) -> None:
        """Have all that is to be served at work."""
        for target in plan.targets:
            if target not in self._installations:
                self._installations[target] = await prepare(target, self._paths, self._folder)
        await self._start_new(
            {self._place(plan, target): self._installations[target] for target in plan.targets}
        )

    def _switch(self, plan: Plan) -> None:
        """Let what is to be served answer."""
        deployments = {
            target: self._deployments[self._place(plan, target)] for target in plan.targets
        }
        routes = Routes(
            live=[*dict.fromkeys(deployments[target] for target in plan.live)],
            canary={deployments[target]: share for target, share in plan.canary.items()},
            shadows=[*dict.fromkeys(deployments[target] for target in plan.shadows)],
            stages={
                stage: deployments[one] for stage, one in plan.stages.items() if one in deployments
            },
        )
        former, self._routes = self._routes, routes
        for stage, one in routes.stages.items():
            if former.live and former.stages.get(stage) is not one:
                print(f"serve: {one.name} answers for {stage} now", file=sys.stderr)

    def _end_unused(self) -> None:
        for place, deployment in [*self._deployments.items()]:
            if deployment not in self._routes.deployments:
                del self._deployments[place]
                self._spawn(self._close(deployment), self._closings)

    def _place(self, plan: Plan, target: Target) -> Place:
        return self._installations[target].package.folder, target not in plan.live

    async def _start_new(self, installations: Mapping[Place, Installation]) -> None:
        """Start what is not at work yet.

        Raises:
            UserError: Two models have one name, or one of them cannot answer, or the settings name
                a column to keep that may not be; none is started then.
        """
        names: dict[tuple[str, str], Path] = {}
        for installation in installations.values():
            package = installation.package
            name = (package.info["name"], package.version)
            if names.setdefault(name, package.folder) != package.folder:
                raise UserError(f"{' '.join(name)}: two models are called so; serve one of them")
        new = {
            place: Deployment(installation, self.settings, self._private, is_polite=place[1])
            for place, installation in installations.items()
            if place not in self._deployments
        }
        if not self._routes.live:  # versions of other contracts may come later
            require_keepable(self.settings.keep.columns or (), [*new.values()])
        self._newcomers = [*new.values()]
        try:
            starts = [deployment.pool.start() for deployment in self._newcomers]
            outcomes = await asyncio.gather(*starts, return_exceptions=True)
            for deployment, outcome in zip(self._newcomers, outcomes, strict=True):
                if isinstance(outcome, BaseException):
                    reason = UserError(f"{deployment.name}: {outcome}")
                    raise reason if isinstance(outcome, UserError) else outcome
        except BaseException:
            await asyncio.gather(*map(self._close, self._newcomers))
            raise
        finally:
            self._newcomers = []
        self._deployments |= new

    async def _close(self, deployment: Deployment) -> None:
        await deployment.pool.stop(self.settings.seconds)

    def _spawn(self, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
        """Have something done meanwhile; a task that nothing refers to may never end."""
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)


def _find_key(question: Question, deployment: Deployment) -> str | None:
    """The first identifier that the first row of a question has."""
    row = question.rows[0] if question.rows else {}
    names = [name for name in deployment.identifiers if row.get(name) is not None]
    return str(row[names[0]]) if names else None
