"""Work on a Dask cluster that exists already: the results are those of one process.

A unit is a pure function of what all units share and of its own arguments, so that it may be done
by any worker, again where one is killed, and in any order. Workers need the same versions of what
is computed with, which is looked at first, and nothing of ours: the library's and the owner's code
goes there as an archive, under a digest of its bytes, so that edited code meets no older one.

Dask does not make scattered data again of which each holder has died; it cancels what needs them.
They are scattered once more then.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import pickle
import platform
import re
import sys
import tomllib
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from . import unit
from .errors import LONGEST_REASON, UserError, shorten
from .home import LIBRARY
from .paths import Paths
from .places import State, is_seen, read_state
from .runtime import ON_CPU, ONE_THREAD, STRICT

if TYPE_CHECKING:
    from .workers import Task

VARIABLE = "LOCKSTEP_SCHEDULER"
CONNECT_SECONDS = 10
ANSWER_SECONDS = 10
"""After which a worker is taken for frozen that is asked something, which takes it milliseconds."""
WAIT_SECONDS = 60
"""How long a cluster may be without any worker."""
TRIES = 2
"""How often a unit is begun of which processes die."""
MOST_LOSSES = 3
"""How often a unit may be lost with workers that die: they may have died of it."""
KEPT = (b"", b"")
"""In place of code and shared data that workers keep since an earlier call of this command."""
AHEAD, MOST_AHEAD = 2, 64
"""Batches ahead for each thread of a worker, and in all, for memory here to be bounded."""
LIBRARIES = (
    *("cloudpickle", "distributed", "joblib", "keras"),
    *("numpy", "pandas", "pillow", "pyarrow", "scikit-learn", "scipy"),
)
"""What every unit computes with, or reaches workers by."""
MOST_DIFFERENCES = 8
"""That are told."""
ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def find_address() -> str | None:
    """The address of the scheduler that the environment names, if it does."""
    return os.environ.get(VARIABLE) or None


def run_on_cluster(
    function: Callable[..., Any],
    shared: tuple[Any, ...],
    tasks: Sequence[Task],
    on_end: Callable[[], None],
) -> Iterator[Any]:
    """What `function(*shared, *task.arguments)` gives for each task, in their order.

    The most expensive one is begun first. A task of which a process dies twice gives a
    `UserError`.

    Raises:
        UserError: Nobody answers, workers have other versions than we, or the cluster has gone.
    """
    numbers = sorted(range(len(tasks)), key=lambda number: -tasks[number].cost)
    numbered = ((number, tasks[number]) for number in numbers)
    with open_session() as session:
        session.share(function, shared)
        for _, state, answer in session.complete(function, numbered, on_end, lambda: len(tasks)):
            if state in ("error", "lacks"):
                raise answer
            yield answer


@contextmanager
def open_session() -> Iterator[Session]:
    """A connection to the cluster that the environment names.

    Raises:
        UserError: Nobody answers, or workers have other versions than we.
    """
    session, is_whole = Session(str(find_address())), False
    try:
        yield session
        is_whole = True
    finally:
        # Nobody asks for the others any more, after an error or an interruption.
        session.close(is_over=not is_whole)


def end_units() -> None:
    """End the processes that workers keep for us, and remove what they work on."""
    while _traces:
        address, traces = _traces.popitem()
        with suppress(UserError):
            client = connect(address)
            try:
                _end(client, traces)
            finally:
                client.close(timeout=CONNECT_SECONDS)


_CLIENT = uuid4().bytes
"""Of this process alone, so that it ends no units of another with the same code and data."""
_traces: dict[str, dict[str, set[str]]] = {}
"""What workers keep for us between two calls: by scheduler and code, digests of what is shared."""


def _end(client: Any, traces: dict[str, set[str]]) -> None:
    for code, digests in traces.items():
        with suppress(Exception):  # whoever has gone needs not to be told
            ask_workers(client, _make_call(), _read_source(), "end", code, sorted(digests))


class _Unit(NamedTuple):
    """A task on its way."""

    number: int
    task: Task
    tries: int = 1
    losses: int = 0
    scattering: int = 0
    """The last one before it."""


class Session:
    """A connection to a cluster, and what its workers have been given.

    It lasts no longer than units are waited for: to estimate the size of what it sends, Dask may
    draw from the generators of random numbers that networks here draw from.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.client = connect(address)
        self.call, self.source, self.scatterings = _make_call(), _read_source(), 0
        self.parts: Sequence[Any] = ()
        self.seen: dict[tuple[Path, State], bool] = {}
        try:
            with self._guard():
                if address not in _traces:  # who joins later is looked at before its first unit
                    require_same_versions(self.client)
        except BaseException:
            self.client.close(timeout=CONNECT_SECONDS)
            raise

    def map(
        self, function: Callable[..., Any], shared: tuple[Any, ...], tasks: Iterator[Task]
    ) -> Iterator[Any]:
        """What `function(*shared, *task.arguments)` gives of tasks that come one after the other.

        A few of them are there at a time. What raises an error there is done here again: the error
        comes from where all is at hand that explains it, or does not come at all.

        Raises:
            UserError: See `run_on_cluster`; or processes or workers die of a task.
        """
        self.share(function, shared)
        numbered = enumerate(tasks)
        for task, state, answer in self.complete(
            function, numbered, lambda: None, self._count_ahead
        ):
            if state in ("died", "killed", "lost"):
                raise answer
            yield answer if state == "result" else function(*shared, *task.arguments)

    def share(self, function: Callable[..., Any], shared: tuple[Any, ...]) -> None:
        """Give workers the code and what units have in common."""
        import joblib

        buffer = io.BytesIO()
        joblib.dump(shared, buffer)
        self.content = buffer.getvalue()
        self.archive = _pack_code(function.__module__.partition(".")[0])
        self.code, self.rows = (
            sha256(_CLIENT + part).hexdigest()[:32] for part in (self.archive, self.content)
        )
        kept = _traces.setdefault(self.address, {}).setdefault(self.code, set())
        if self.rows in kept:
            self.parts = KEPT
        else:
            self._scatter()
        kept.add(self.rows)

    def _scatter(self) -> None:
        self.scatterings += 1
        for _ in range(TRIES):
            self._wait_for_workers()
            # Which is a KeyError where one of them has gone since.
            with self._guard(), suppress(TimeoutError, KeyError):
                answers = ask_workers(self.client, os.getpid)
                self.parts = self.client.scatter(
                    [self.archive, self.content],
                    workers=[worker for worker, answer in answers.items() if answer],
                    broadcast=True,
                    hash=False,
                )
                return
        raise UserError(
            f"{VARIABLE}: {self.address}: workers come and go, or do not answer, so that none "
            "keeps data"
        )

    def _wait_for_workers(self) -> None:
        with self._guard(), suppress(TimeoutError):
            self.client.wait_for_workers(1, timeout=WAIT_SECONDS)
            return
        raise UserError(
            f"{VARIABLE}: {self.address} has no workers; start some, "
            f"`dask worker {self.address}` in an environment of the same versions is one"
        )

    def submit(self, function: Callable[..., Any], task: Task) -> Any:
        """Have a task done by the worker that is free next."""
        archive, content = self.parts
        payload = self.pickle((function, task.arguments))
        arguments = (self.source, "do", self.code, archive, self.rows, content, payload)
        with self._guard():
            return self.client.submit(self.call, *arguments, priority=task.cost, pure=False)

    def pickle(self, values: Any) -> bytes:
        """What travels of them: of a file that all workers see, its place."""
        import cloudpickle

        token = is_seen.set(self._is_seen)
        try:
            return bytes(cloudpickle.dumps(values))
        finally:
            is_seen.reset(token)

    def _is_seen(self, path: Path, state: State) -> bool:
        if (path, state) not in self.seen:
            arguments = (self.source, "sees", str(path), state)
            with self._guard():
                answers = ask_workers(self.client, self.call, *arguments)
            self.seen[path, state] = bool(answers) and all(answers.values())
        return self.seen[path, state]

    def _count_ahead(self) -> int:
        """How many units may be there at a time, done or not, which nobody has asked for."""
        with self._guard():
            threads = int(sum(self.client.nthreads().values()))
        return min(AHEAD * max(1, threads), MOST_AHEAD)

    def complete(
        self,
        function: Callable[..., Any],
        numbered: Iterator[tuple[int, Task]],
        on_end: Callable[[], None],
        count_most: Callable[[], int],
    ) -> Iterator[tuple[Task, str, Any]]:
        """Each task, what has become of it and what it gives, in the order of the numbers.

        So many as `count_most` says are ahead of what has been asked for.
        """
        from distributed import as_completed

        endings = as_completed([], loop=self.client.loop)
        units: dict[Any, _Unit] = {}
        results: dict[int, tuple[Task, str, Any]] = {}

        def begin(unit: _Unit) -> None:
            future = self.submit(function, unit.task)
            units[future] = unit._replace(scattering=self.scatterings)
            endings.add(future)

        def begin_more() -> None:
            room = max(0, count_most() - len(units) - len(results))
            for number, task in islice(numbered, room):
                begin(_Unit(number, task))

        place = 0
        begin_more()
        for future in endings:
            unit = units.pop(future)
            state, answer = self._read(future, unit.task)
            if state == "died" and unit.tries < TRIES:
                print(f"a process died of {unit.task.name}; tried again now", file=sys.stderr)
                begin(unit._replace(tries=unit.tries + 1))
                continue
            if state == "lost" and unit.losses + 1 < MOST_LOSSES:
                if unit.scattering == self.scatterings:
                    print("workers have died; data are given to the others", file=sys.stderr)
                    self._scatter()
                begin(unit._replace(losses=unit.losses + 1))
                continue
            if state == "absent":
                if self.parts is KEPT:
                    self._scatter()
                begin(unit)
                continue
            results[unit.number] = unit.task, state, answer
            on_end()
            while place in results:
                yield results.pop(place)
                place += 1
            begin_more()

    def _read(self, future: Any, task: Task) -> tuple[str, Any]:
        """`result`, or what else became of it, and what there is to tell of it."""
        from distributed import CancelledError, KilledWorker

        try:
            if future.status == "lost":
                raise CancelledError
            state, answer = future.result()
        except CancelledError:
            if self.client.status != "running":
                raise self._tell_end() from None
            return "lost", _tell_deaths(task)
        except KilledWorker:
            return "killed", _tell_deaths(task)
        except OSError as error:
            raise UserError(f"{VARIABLE}: {self.address}: {error}") from error
        if state == "absent":
            return state, None
        if state == "differs":
            raise UserError(_tell_differences({"a worker that has joined": answer}))
        if state == "died":
            return "died", UserError(
                f"{task.name}: the process that worked on it ended with status {answer}, twice; "
                "mostly memory has run out, or a library has crashed"
            )
        state, result = pickle.loads(answer)
        if state == "lacks":
            text = f"{task.name}: a worker cannot take in what it needs: {result}"
            return state, UserError(text)
        return state, result

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Say that the scheduler has gone where it does not answer in the block."""
        from distributed.client import ClosedClientError

        try:
            yield
        except (OSError, ClosedClientError) as error:
            raise self._tell_end() from error

    def _tell_end(self) -> UserError:
        return UserError(
            f"{VARIABLE}: the scheduler at {self.address} has gone; once it is back, run the same "
            "command again"
        )

    def close(self, is_over: bool) -> None:
        """Leave the cluster and, if all is over, nothing there."""
        if is_over and self.client.status == "running":
            _end(self.client, _traces.pop(self.address, {}))
        self.parts = ()
        self.client.close(timeout=CONNECT_SECONDS)


def _tell_deaths(task: Task) -> UserError:
    return UserError(
        f"{task.name}: workers died, one after the other, while they had it; mostly memory has run "
        "out, or a library has crashed"
    )


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


def ask_workers(
    client: Any, function: Callable[..., Any], *arguments: Any, among: Iterable[str] | None = None
) -> dict[str, Any]:
    """What a function gives on each worker; None of one that is frozen, or where it fails.

    A worker that joins meanwhile is not asked.
    """
    workers = list(client.nthreads() if among is None else among)

    async def ask(worker: str) -> Any:
        try:
            answers = client.run(function, *arguments, workers=[worker])
            return (await asyncio.wait_for(answers, ANSWER_SECONDS))[worker]
        except Exception:  # it may have gone
            return None

    async def ask_all() -> list[Any]:
        return await asyncio.gather(*map(ask, workers))

    return dict(zip(workers, client.sync(ask_all), strict=True))


def require_same_versions(client: Any) -> list[str]:
    """Hold the versions of all workers that answer against ours, and give their addresses.

    Raises:
        UserError: There are others; it names worker, package, theirs and ours.
    """
    ours = read_own_versions()
    # By its name, since another Python may not load what travels by its code.
    answers = ask_workers(client, platform.python_version)
    pythons = {worker: text.rpartition(".")[0] for worker, text in answers.items() if text}
    _require_same(ours, {worker: ours | {"python": python} for worker, python in pythons.items()})
    names = [*ours.keys() - {"python", "machine"}]
    answers = ask_workers(
        client, _make_call(), _read_source(), "read_versions", names, among=pythons
    )
    _require_same(ours, {worker: versions for worker, versions in answers.items() if versions})
    return [*pythons]


def _require_same(ours: dict[str, str], theirs: dict[str, dict[str, str]]) -> None:
    differences = {
        worker: unit.list_differences(ours, versions) for worker, versions in theirs.items()
    }
    differences = {worker: texts for worker, texts in differences.items() if texts}
    if differences:
        raise UserError(_tell_differences(differences))


def _tell_differences(differences: dict[str, list[str]]) -> str:
    """What workers differ in, of several that do in the same way the first."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for worker, texts in sorted(differences.items()):
        groups.setdefault(tuple(texts), []).append(worker)
    lines = [
        f"{workers[0]}{f' and {len(workers) - 1} more' if len(workers) > 1 else ''}: "
        + ", ".join(texts[:MOST_DIFFERENCES])
        + (f" and {len(texts) - MOST_DIFFERENCES} more" if len(texts) > MOST_DIFFERENCES else "")
        for texts, workers in groups.items()
    ]
    return (
        f"{VARIABLE}: workers are not as this machine is, and would give other results: "
        f"{'; '.join(lines)}; give them the versions of uv.lock"
    )


def read_own_versions() -> dict[str, str]:
    """The versions that workers must have: of what the library and the owner compute with."""
    backend = os.environ.get("KERAS_BACKEND", "")
    names = {*LIBRARIES, *([backend] if backend else []), *(["jaxlib"] if backend == "jax" else [])}
    versions = unit.read_versions(sorted(names | _list_dependencies()))
    return {name: text for name, text in versions.items() if text != "none"}


def _list_dependencies() -> set[str]:
    """The distributions that the owner's project asks for, but for the library, which we send."""
    try:
        text = (Paths.find().root / "pyproject.toml").read_text(encoding="utf-8")
    except (OSError, UserError):
        return set()
    requirements = tomllib.loads(text).get("project", {}).get("dependencies", [])
    names = {re.split(r"[^\w.-]", each, maxsplit=1)[0] for each in requirements}
    return names - {"lockstep-core"}


def _make_call() -> Callable[..., Any]:
    """A function that workers need no module for: as a local one, it travels by its code."""

    def call(source: str, name: str, *arguments: Any) -> Any:
        import sys
        from hashlib import sha256
        from types import ModuleType

        title = f"lockstep_unit_{sha256(source.encode()).hexdigest()[:32]}"
        if title not in sys.modules:
            module = ModuleType(title)
            exec(compile(source, title, "exec"), vars(module))
            sys.modules.setdefault(title, module)
        return getattr(sys.modules[title], name)(*arguments)

    return call


def _read_source() -> str:
    return Path(unit.__file__).read_text(encoding="utf-8")


def _pack_code(package: str) -> bytes:
    """The packages that units import, and what their processes must know, as a zip file."""
    names = {LIBRARY.partition(".")[0], package} - {"__main__"}
    files: dict[str, bytes] = {}
    root, states = None, {}
    with suppress(UserError):
        paths = Paths.find()
        root = str(paths.root)
        with suppress(UserError):
            names.add(paths.package)
        for name in unit.PROJECT_FILES:
            with suppress(OSError):
                files[name] = (paths.root / name).read_bytes()
        with suppress(OSError):
            states[str(paths.train)] = read_state(paths.train)
    for name in sorted(names):
        files |= _read_package(name)
    settings = dict.fromkeys(STRICT) | {
        name: os.environ.get(name)
        for name in (*STRICT, *ON_CPU, "KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL")
    }
    manifest = {
        "files": states,
        "module": f"{LIBRARY}.core.unit_process",
        "root": root,
        "settings": settings | ONE_THREAD,
        "versions": read_own_versions(),
    }
    files[unit.MANIFEST] = json.dumps(manifest, sort_keys=True).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _read_package(name: str) -> dict[str, bytes]:
    """The files of a package, or of a module that is none, by their names in an archive."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return {}
    origin = Path(spec.origin)
    if not spec.submodule_search_locations:
        return {origin.name: origin.read_bytes()}
    folder = origin.parent
    return {
        f"{name}/{file.relative_to(folder).as_posix()}": file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
