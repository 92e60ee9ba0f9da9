"""What the server makes of the names that it is given: versions, their wheels, environments."""

import asyncio
import os
import subprocess
import sys
import threading
import zipfile
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from history import run_git
from lockstep.core.errors import UserError
from lockstep.core.files import sha256
from lockstep.core.params import ServeParams
from lockstep.serving import preparation, wheels
from lockstep.serving.cache import cache
from lockstep.serving.engine import Engine
from lockstep.serving.environments import PYTHON, find_python
from lockstep.serving.messages import Reply
from lockstep.serving.preparation import prepare
from lockstep.serving.programs import run_program
from lockstep.serving.registry_watch import RegistryWatch
from lockstep.serving.targets import choose_models, make_plan
from lockstep.serving.wheels import WheelContent, unpack
from lockstep.standalone import model_package
from stand_ins import Versions, ask, make_wheel, serve


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    versions = Versions(tmp_path / "project")
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        versions.register(version)
    return versions


def plan(versions: Versions | None, *names: str, **settings: object) -> list[str]:
    registry = RegistryWatch(versions.paths).read() if versions else None
    made = make_plan(
        names or choose_models(registry), ServeParams.model_validate(settings), registry
    )
    return [target.name for target in made.targets]


def test_all_stages_are_served_by_default_and_production_answers(versions: Versions) -> None:
    assert plan(versions) == ["workspace"]
    for stage, version in {"beta": "1.2.0", "production": "1.0.0", "test": "1.2.0"}.items():
        versions.assign(stage, version)
    assert plan(versions) == ["v1.0.0", "v1.2.0"]
    assert plan(versions, "v1.1.0", "1.2.0", "beta") == ["v1.1.0", "v1.2.0"]
    assert plan(versions, "1.1.0", "production") == ["v1.0.0", "v1.1.0"]
    assert plan(versions, "latest", "v1.2.0") == ["v1.2.0"]
    assert plan(versions, "1.1.0", canary={"1.2.0": 0.1}) == ["v1.1.0", "v1.2.0"]
    assert plan(versions, "1.1.0", shadows=["production"]) == ["v1.1.0", "v1.0.0"]
    assert plan(None, "a/b-1-py3-none-any.whl") == ["b-1-py3-none-any.whl"]


def test_a_name_of_nothing_is_told(versions: Versions) -> None:
    with pytest.raises(UserError, match=r"^v1\.3\.0: no such version or stage; did you mean v1"):
        plan(versions, "v1.3.0")
    with pytest.raises(UserError, match=r"^params\.yaml: serve\.canary: staging: no such version"):
        plan(versions, canary={"staging": 0.1})
    with pytest.raises(UserError, match=r"^v1: no such version or stage; allowed: workspace, the"):
        plan(None, "v1")


def test_tags_that_come_move_or_go_are_noticed(versions: Versions) -> None:
    watch = RegistryWatch(versions.paths)
    stamps = [watch.stamp()]
    versions.assign("production", "1.0.0")
    stamps.append(watch.stamp())
    run_git(versions.paths.root, "pack-refs", "--all")
    stamps.append(watch.stamp())
    run_git(versions.paths.root, "tag", "--delete", "champion#production#1")
    stamps.append(watch.stamp())
    assert all(stamp != before for stamp, before in pairwise(stamps))
    (versions.paths.root / "a file").touch()
    run_git(versions.paths.root, "status")
    assert watch.stamp() == stamps[-1]


async def make(folder: Path) -> None:
    (folder / "whole").touch()


def test_what_could_not_be_made_leaves_nothing(tmp_path: Path) -> None:
    async def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise UserError("the disk is full")

    folder = tmp_path / "cache" / "a"
    with pytest.raises(UserError):
        asyncio.run(cache(folder, fail, Path.is_dir))
    assert not [*folder.parent.iterdir()]
    assert asyncio.run(cache(folder, make, Path.is_dir)) == folder
    assert asyncio.run(cache(folder, fail, Path.is_dir)) == folder  # it is not made again
    assert [file.name for file in folder.iterdir()] == ["whole"]


def test_the_first_of_two_that_make_the_same_wins(tmp_path: Path) -> None:
    async def make_second(folder: Path) -> None:
        await cache(tmp_path / "a", make, Path.is_dir)
        (folder / "second").touch()

    folder = asyncio.run(cache(tmp_path / "a", make_second, Path.is_dir))
    assert [file.name for file in folder.iterdir()] == ["whole"]


def test_a_program_that_nobody_waits_for_ends_with_all_that_it_has_started(tmp_path: Path) -> None:
    wait = "import time; time.sleep(60)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{wait}'])"

    def find_sleepers() -> list[psutil.Process]:
        # By what they run: earlier tests may have left processes to this one.
        children = psutil.Process().children(recursive=True)
        return [
            child
            for child in children
            if (child.as_dict(["cmdline"])["cmdline"] or [])[-1:] == [wait]
        ]

    async def work() -> None:
        running = asyncio.create_task(run_program([sys.executable, "-c", code], tmp_path))
        while not (started := find_sleepers()):
            await asyncio.sleep(0.02)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        _, alive = psutil.wait_procs(started, timeout=20)
        assert not alive

    asyncio.run(work())


def test_a_changed_file_of_an_unpacked_wheel_is_unpacked_again(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "1.0.0", pins={"numpy": "0.1"})
    unpacked = asyncio.run(unpack(wheel, tmp_path / "models"))
    assert unpacked.requirements == ("numpy==0.1",)
    card = unpacked.package.folder / "card.md"
    card.write_text("another model")
    assert asyncio.run(unpack(wheel, tmp_path / "models")).package.folder == card.parent
    assert card.read_text() == "# fruit 1.0.0"
    assert [place.name for place in (tmp_path / "models").iterdir()] == [card.parents[1].name]


def test_others_are_answered_while_files_are_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def note(path: Path) -> str:
        threads.append(threading.current_thread())
        return sha256(path)

    for module in (wheels, model_package):
        monkeypatch.setattr(module, "sha256", note)
    asyncio.run(unpack(make_wheel(tmp_path, "1.0.0"), tmp_path / "models"))
    assert len(threads) > 4  # the wheel and the files of its package
    assert threading.main_thread() not in threads


def test_a_changed_file_within_a_wheel_is_told(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "1.0.0")
    with zipfile.ZipFile(wheel) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content + b" " * name.endswith("card.md"))
    with pytest.raises(
        UserError, match=r"any\.whl: fruit_model: card\.md is not the file that was"
    ):
        asyncio.run(unpack(wheel, tmp_path / "models"))


def test_a_torn_wheel_of_a_version_is_made_again(
    versions: Versions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pack(_: object, version: str, folder: Path) -> Path:
        return make_wheel(folder, version.removeprefix("v"))

    monkeypatch.setattr(preparation, "make_wheel", pack)
    (torn,) = tmp_path.glob("project/.serve/cache/wheels/v1.0.0-*/*.whl")
    torn.write_bytes(torn.read_bytes()[:-9])
    (target,) = make_plan(["v1.0.0"], ServeParams(), RegistryWatch(versions.paths).read()).targets
    cached = versions.paths.root / ".serve" / "cache"
    installation = asyncio.run(prepare(target, versions.paths, cached))
    assert installation.package.version == "1.0.0"
    assert zipfile.is_zipfile(torn)


def test_what_is_no_wheel_of_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.whl: no such file"):
        asyncio.run(unpack(tmp_path / "a.whl", tmp_path))
    (tmp_path / "a.whl").write_text("no archive")
    with pytest.raises(UserError, match=r"a\.whl: not a wheel: File is not a zip file"):
        asyncio.run(unpack(tmp_path / "a.whl", tmp_path))
    with zipfile.ZipFile(tmp_path / "b.whl", "w") as archive:
        archive.writestr("numpy/__init__.py", "")
    with pytest.raises(UserError, match=r"b\.whl: not the wheel of a model"):
        asyncio.run(unpack(tmp_path / "b.whl", tmp_path))


UV = """\
#!/bin/sh
echo "$@" >> "{log}"
case $1 in venv) shift 5; mkdir "$1/bin"; touch "$1/bin/python" ;; esac
exit {status}
"""


def put_uv(folder: Path, monkeypatch: pytest.MonkeyPatch, status: int = 0) -> Path:
    """A program of that name which notes what it is asked for."""
    log, program = folder / "log", folder / "uv"
    program.write_text(UV.format(log=log, status=status))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return log


def unpack_pinned(folder: Path, version: str, **pins: str) -> WheelContent:
    return asyncio.run(unpack(make_wheel(folder / "dist", version, pins=pins), folder / "models"))


def find(unpacked: WheelContent, folder: Path) -> Path:
    return asyncio.run(find_python(unpacked, folder / "environments"))


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for uv is a script of a shell")
def test_versions_with_other_libraries_have_an_environment_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = put_uv(tmp_path, monkeypatch)
    here = unpack_pinned(tmp_path, "1.0.0", numpy=metadata.version("numpy"))
    assert find(here, tmp_path) == Path(sys.executable)
    assert not log.exists()
    others = [unpack_pinned(tmp_path, number, numpy="0.1") for number in ("1.1.0", "1.2.0")]
    pythons = {find(other, tmp_path) for other in others}
    assert len(pythons) == 1  # both ask for the same
    (python,) = pythons
    assert python.is_file()
    python.unlink()
    assert find(others[0], tmp_path) == python
    assert python.is_file()  # it is made again
    venv, install, *_ = log.read_text().splitlines()
    assert venv.startswith(f"venv --quiet --relocatable --python {here.package.info['python']} ")
    assert install.endswith(f"{PYTHON} numpy==0.1")


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for uv is a script of a shell")
def test_an_environment_that_cannot_be_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = unpack_pinned(tmp_path, "1.1.0", numpy="0.1")
    put_uv(tmp_path, monkeypatch, status=1)
    with pytest.raises(UserError, match=r"fruit 1\.1\.0: an environment with its libraries cannot"):
        find(other, tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"fruit 1\.1\.0: uv is not installed; it makes"):
        find(other, tmp_path)


@pytest.mark.matrix
def test_uv_makes_an_environment_in_which_a_version_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wheel = make_wheel(tmp_path / "dist", "1.0.0", pins={"iniconfig": "2.0.0"})

    async def work(engine: Engine) -> Reply:
        return await engine.predict(ask(), request="r")

    for _ in range(2):  # the second time it is at hand
        assert serve(work, str(wheel)).answers == [{"prediction": "1.0.0 1"}]
    (environment,) = Path(".serve/cache/environments").iterdir()
    code = "from importlib.metadata import version; print(version('iniconfig'))"
    installed = subprocess.run(
        [environment.resolve() / PYTHON, "-c", code], capture_output=True, text=True, check=True
    )
    assert installed.stdout == "2.0.0\n"
    other = make_wheel(tmp_path / "dist", "1.1.0", pins={"iniconfig": "0.0.0.1"})
    with pytest.raises(UserError, match=r"fruit 1\.1\.0: an environment .* iniconfig==0\.0\.0\.1"):
        serve(work, str(other))
    assert [*Path(".serve/cache/environments").iterdir()] == [environment]
