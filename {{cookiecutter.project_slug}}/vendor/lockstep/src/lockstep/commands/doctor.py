"""What is wrong with this machine or this project, and what mends it."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from configparser import ConfigParser
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..adopting.stores import ask_store
from ..core.cluster_client import connect, find_address
from ..core.cluster_versions import require_same_versions
from ..core.devices import require_gpu
from ..core.errors import UserError, shorten
from ..core.files import read_yaml
from ..core.params import load_params
from ..core.programs import read_output
from ..core.project import Project
from ..core.runtime import import_keras
from ..core.validation import nearest
from ..reading.folder import list_raw_files
from .cache import Kept, list_kept
from .sums import SUMS, find_edits

MOST_NAMED = 5
SECRETS = (
    *("secret_access_key", "session_token", "sse_customer_key", "password", "passphrase"),
    *("connection_string", "account_key", "sas_token", "client_secret", "token"),
    *("oss_key_secret", "gdrive_client_secret"),
)
"""Keys of DVC's settings for what gives access."""
SECRET_IN_ADDRESS = re.compile(r"://[^/@]*:[^/@]*@|\?")
"""A password before the server, or what is asked for behind the path, which may be signed."""
FORMER_NAMES = (
    *("data", "documentation", "modeling", "reproducibility"),
    *("config.py", "errors.py", "params.py"),
)
"""What the owner's package held before the library took the place of it."""


class Finding(NamedTuple):
    """What one check finds."""

    state: Literal["ok", "note", "wrong"]
    """A note is something that works and could be better."""
    message: str
    """What there is and, unless it is fine, what mends it."""


ok = partial(Finding, "ok")
note = partial(Finding, "note")
wrong = partial(Finding, "wrong")


def check_use(project: Project) -> Finding:
    """Whether the data are not halfway between those of before and others."""
    project.require_settled()
    return ok("no data are halfway taken in")


def check_python(project: Project) -> Finding:
    """Whether this Python is one that the project is made for, from its own environment."""
    from packaging.specifiers import SpecifierSet  # only a developer's environment has it

    text = (project.root / "pyproject.toml").read_text(encoding="utf-8")
    allowed = tomllib.loads(text)["project"]["requires-python"]
    here = platform.python_version()
    if here not in SpecifierSet(allowed):
        return wrong(f"{here}, but pyproject.toml asks for {allowed}; `uv sync` fetches one")
    if Path(sys.prefix).resolve() != (project.root / ".venv").resolve():
        return note(f"{here} in {sys.prefix}; `uv run` takes the project's own, in .venv")
    return ok(here)


def check_uv(project: Project) -> Finding:
    """Whether uv is there."""
    answer = _output(project, "uv", "--version")
    return ok(answer.split()[1]) if answer else wrong("not found; `pip install uv` gets it")


def check_lock(project: Project) -> Finding:
    """Whether uv.lock is what pyproject.toml asks for."""
    if not (project.root / "uv.lock").exists():
        return note("uv.lock is not there yet; `uv lock` writes it, then commit it")
    if shutil.which("uv") is None:
        return note("uv.lock cannot be looked at without uv")
    try:
        tomllib.loads((project.root / "uv.lock").read_text(encoding="utf-8"))
    except ValueError:
        return wrong("uv.lock cannot be read; `git checkout HEAD -- uv.lock`, then `uv lock`")
    if _output(project, "uv", "lock", "--check", "--offline") is None:
        return wrong("uv.lock is not what pyproject.toml asks for; `uv lock` renews it")
    return ok("uv.lock is what pyproject.toml asks for")


def check_git(project: Project) -> Finding:
    """Whether the project is kept by git."""
    if shutil.which("git") is None:
        return wrong("not found; install it, then `git init`")
    if _output(project, "git", "rev-parse", "--git-dir") is None:
        if any((folder / ".git").exists() for folder in (project.root, *project.root.parents)):
            return wrong("git does not take this for its repository; `git status` says why")
        return wrong("this is no repository, which DVC needs; `git init` makes it one")
    commit = _output(project, "git", "rev-parse", "--short", "HEAD")
    if commit is None:
        return note("nothing is committed yet; `git add --all`, then `git commit`")
    listing = ("git", "ls-files", "--others", "--exclude-standard", "--")
    others = _output(project, *listing, "uv.lock", "dvc.lock", "environment.yaml")
    if others:
        return note(f"not in git, though they make results repeatable: {', '.join(others.split())}")
    return ok(f"at commit {commit}")


def check_hooks(project: Project) -> Finding:
    """Whether commits are checked."""
    path = _output(project, "git", "rev-parse", "--git-path", "hooks/pre-commit")
    if path is None or not (project.root / path).exists():
        return note("no check before a commit; `uv run pre-commit install` sets it up")
    hook = project.root / path
    if "pre-commit" not in hook.read_text(encoding="utf-8", errors="replace"):
        return note("another hook is there; `uv run pre-commit install` adds the checks to it")
    if not os.access(hook, os.X_OK):
        return wrong("git passes over a hook that may not run; `uv run pre-commit install`")
    return ok("commits are checked first")


def check_remote(project: Project) -> Finding:
    """Whether data and results are kept elsewhere too."""
    # `dvc remote list` breaks long lines.
    settings = _output(project, sys.executable, "-m", "dvc", "config", "--list")
    if settings is None:
        return wrong("DVC does not run here; `uv run dvc config --list` says why")
    if secrets := _find_secrets(project):
        return wrong(
            f"{', '.join(secrets)} in .dvc/config, which git keeps: `uv run dvc remote modify "
            "--local` puts it elsewhere, --unset takes it out; give out another if git had it"
        )
    names = re.findall(r"^remote\.(.+?)\.url=", settings, flags=re.MULTILINE)
    if not names:
        return note(
            "data and results are kept on this machine only; docs/data.md says how to share"
        )
    default = re.search(r"^core\.remote=(.*)", settings, flags=re.MULTILINE)
    if default is None:
        return note("none is the default; `uv run dvc remote default NAME` makes one of them so")
    if default[1].strip() not in names:
        return wrong(f"{default[1].strip()} is the default; there are only {', '.join(names)}")
    name = default[1].strip()
    prefix = f"remote.{name}."
    lines = (line.partition("=") for line in settings.splitlines() if line.startswith(prefix))
    options = {key.removeprefix(prefix): value for key, _, value in lines}
    answer = ask_store(options["url"], options, project.root / ".dvc")
    return Finding("ok" if answer.is_open else "note", f"{name}: {answer.text}")


def _find_secrets(project: Project) -> list[str]:
    """The keys of DVC's shared settings that hold what only this machine may know."""
    settings = ConfigParser(interpolation=None)
    settings.read(project.root / ".dvc" / "config", encoding="utf-8")
    return [
        key
        for section in settings.values()
        for key, value in section.items()
        if key in SECRETS or (key == "url" and SECRET_IN_ADDRESS.search(value))
    ]


def check_source(project: Project) -> Finding:
    """Whether the places that data came from, as far as they are remembered, still answer."""
    pointers = sorted(project.raw.glob("*.dvc"))
    contents = [read_yaml(path, project.name(path)) for path in pointers]
    dependencies = [dep["path"] for content in contents for dep in content.get("deps", [])]
    sources = [path for path in dependencies if "://" in path]
    with suppress(UserError):  # of a contract that says nothing the next check tells
        of_table = re.fullmatch(r"(?:the only )?table.* of (\S+://\S+)", project.contract.source)
        sources += [of_table[1]] if of_table else []
    answers = {source: ask_store(source, {}, project.raw) for source in sources}
    if not answers:
        return ok("the data came from no address that is kept")
    message = "; ".join(f"{source}: {answer.text}" for source, answer in answers.items())
    is_open = all(answer.is_open for answer in answers.values())
    return Finding("ok" if is_open else "note", message)


def check_keras(project: Project) -> Finding:
    """Whether Keras' backend is installed, and computes on what params.yaml names."""
    device = load_params(project).train.device  # a mistake there is the reason for any other
    backend = str(import_keras().backend.backend())
    if device == "gpu":
        require_gpu(backend)
        return ok(f"{backend} on the GPU")
    if _output(project, "nvidia-smi", "--list-gpus"):
        return note(
            f"{backend} on the CPU, though there is a GPU; `device: gpu` below `train` in "
            "params.yaml takes that"
        )
    return ok(f"{backend} on the CPU")


def check_cluster(_: Project) -> Finding:
    """Whether the scheduler that the environment names answers, and its workers are as we are."""
    address = find_address()
    if address is None:
        return ok("none is named; work is done on this machine")
    client = connect(address)
    try:
        answering = require_same_versions(client)
        start = time.perf_counter()
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        client.run_on_scheduler(int)
        seconds = time.perf_counter() - start
    finally:
        client.close()
    if not workers:
        return wrong(f"{address} has no workers; `dask worker {address}` starts one")
    if len(answering) < len(workers):
        return wrong(
            f"{address}: {len(answering)} of {len(workers)} workers answer; restart the others, or "
            "wait until Dask gives them up"
        )
    threads = sum(worker["nthreads"] for worker in workers)
    return ok(
        f"{address} answers in {1000 * seconds:.0f} ms; workers: {len(workers)}, of the same "
        f"versions, with {threads} threads"
    )


def check_data(project: Project) -> Finding:
    """Whether the raw data are there, as the contract and params.yaml name them."""
    absent = [
        project.name(pointer.with_suffix(""))
        for pointer in sorted(project.raw.glob("*.dvc"))
        if not pointer.with_suffix("").exists()
    ]
    if absent:
        return wrong(f"{', '.join(absent)}: not here; `uv run dvc pull` fetches what DVC keeps")
    files = list_raw_files(project, project.params.data.raw, project.contract)
    absent = [project.name(path) for path in files if not path.exists()]
    if absent:
        return wrong(
            f"{', '.join(absent)}: not there, though params.yaml names it as data.raw; put it back"
        )
    return ok(", ".join(project.name(path) for path in files))


def check_cache(project: Project) -> Finding:
    """Whether what DVC keeps has the bytes that it is called by."""
    folder = _output(project, sys.executable, "-m", "dvc", "cache", "dir")
    if folder is None:
        return wrong("DVC does not run here; `uv run dvc cache dir` says why")
    damaged = (kept for kept in list_kept(project, Path(folder)) if kept.is_damaged)
    first = [*islice(damaged, MOST_NAMED)]
    if not first:
        return ok("what DVC keeps has the bytes that it was kept with")
    spoilt = [kept for kept in first if not kept.is_whole]
    files = [kept.file for kept in first] + [kept.path for kept in spoilt if kept.path.exists()]
    names = (
        project.name(file) if file.is_relative_to(project.root) else str(file) for file in files
    )
    commands = dict.fromkeys(f"`uv run dvc {_remake(kept)}`" for kept in first)
    return wrong(
        f"{', '.join(project.name(kept.path) for kept in first)}: damaged in DVC's cache; delete "
        f"{', '.join(dict.fromkeys(names))}, then {', '.join(commands)}"
    )


def _remake(kept: Kept) -> str:
    """What DVC is asked to do once a damaged file is deleted."""
    if kept.is_whole:
        return f"commit {kept.owner}"
    # What read it meanwhile was made of other bytes.
    return f"pull {kept.owner}" if kept.owner.endswith(".dvc") else "repro --force"


def check_pipeline(project: Project) -> Finding:
    """Whether dvc.lock is what data, parameters and code would give."""
    status = _output(project, sys.executable, "-m", "dvc", "status", "--json", "dvc.yaml")
    if status is None:
        if not os.access(project.root, os.W_OK):
            return note("unknown, since DVC writes below this folder, which may only be read")
        return wrong("DVC cannot read the pipeline; `uv run dvc status dvc.yaml` says why")
    if not (project.root / "dvc.lock").exists():
        return note("nothing has run yet; `uv run dvc repro` does")
    changes = {name: each for name, each in json.loads(status).items() if name[-4:] != ".dvc"}
    locked = read_yaml(project.root / "dvc.lock", "dvc.lock").get("stages", {}).values()
    outputs = {out["path"] for stage in locked for out in stage.get("outs", [])}
    stale = [name for name, each in changes.items() if not _is_only_away(each, outputs)]
    if stale:
        return wrong(f"out of date: {', '.join(stale)}; `uv run dvc repro` runs them")
    if changes:
        return note("results are not here; `uv run dvc pull` fetches them, `dvc repro` makes them")
    return ok("results are those of this data, these parameters and this code")


def _is_only_away(changes: list[Any], outputs: set[str]) -> bool:
    """Whether what DVC says of a stage is only that outputs are not on this machine."""
    return all(
        Path(path).as_posix() in outputs and state in ("deleted", "not in cache")
        for change in changes
        for files in (change.values() if isinstance(change, dict) else [{change: "changed"}])
        for path, state in files.items()
    )


def check_library(project: Project) -> Finding:
    """Whether the bundled library is as it came."""
    folder = project.root / "vendor" / "lockstep"
    if not folder.is_dir():
        return ok(f"lockstep-core {version('lockstep-core')}, not bundled")
    content = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    name = f"lockstep-core {content['project']['version']}"
    if not (folder / SUMS).exists():
        return note(f"{name}, but whether it is as it came is unknown: it has no {SUMS}")
    edits = find_edits(folder)
    if edits:
        count = f"{len(edits)} file{'s' if len(edits) > 1 else ''}"
        listing = ", ".join(edits[:MOST_NAMED]) + (", ..." if len(edits) > MOST_NAMED else "")
        return note(
            f"vendor/lockstep was edited: {count} ({listing}); an update may conflict with that"
        )
    return ok(f"{name}, as it came")


def check_leftovers(project: Project) -> Finding:
    """Whether something is left that the library has taken the place of."""
    package = project.root / "src" / project.package
    left = [
        project.name(package / name)
        for name in FORMER_NAMES
        if (package / name).is_file() or any((package / name).rglob("*.py"))
    ]
    # In a project of later, a module of such a name is its owner's.
    is_from_before = _output(
        project, "git", "log", "-1", "--format=%h", "--", project.name(package / "reproducibility")
    )
    if left and is_from_before:
        return wrong(
            f"{', '.join(left)} {'are' if len(left) > 1 else 'is'} from before the library: "
            "`python vendor/lockstep/migrate.py` brings over what is yours and names the rest"
        )
    return ok("nothing is left from before the library")


def _output(project: Project, *command: str) -> str | None:
    return read_output(command, project.root)


CHECKS: dict[str, Callable[[Project], Finding]] = {
    "use": check_use,
    "python": check_python,
    "uv": check_uv,
    "lock": check_lock,
    "git": check_git,
    "hooks": check_hooks,
    "remote": check_remote,
    "source": check_source,
    "keras": check_keras,
    "cluster": check_cluster,
    "data": check_data,
    "cache": check_cache,
    "pipeline": check_pipeline,
    "library": check_library,
    "leftovers": check_leftovers,
}


def examine(only: Sequence[str] | None = None) -> None:
    """Make the checks that are named, or all, and say what mends what they find."""
    project = Project.find()
    to_mend = []
    for name in only or CHECKS:
        if name not in CHECKS:
            raise UserError(f"doctor: --only {name}: {nearest(name, CHECKS)}")
        try:
            finding = CHECKS[name](project)
        except UserError as error:
            finding = wrong("; ".join(str(error).splitlines()))
        except Exception as error:  # whatever else is ill must not end the examination
            finding = wrong(shorten(f"{type(error).__name__}: {error}", 200))
        print(f"{finding.state:<5}  {name:<9}  {finding.message}")
        if finding.state == "wrong":
            to_mend.append(name)
            if name == "use":
                break  # other checks start DVC, which finishes it, and a doctor only looks
    if to_mend:
        raise UserError(f"to mend: {', '.join(to_mend)}; the lines above say how")
