"""The images that the Dockerfile makes: as reviewers read it, and as they are once built."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from conftest import ENVIRONMENT, Project, bake
from ruamel.yaml import YAML
from test_pipeline import STAGES
from test_reviewers import review

IGNORED = ("data", "models", "notebooks", "reports", ".git", ".dvc", ".serve", ".env", ".venv")


@pytest.fixture(scope="module", params=["iris", "none"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project as it is generated."""
    return bake(tmp_path_factory.mktemp("container"), dataset=request.param)


@pytest.mark.skipif(sys.platform == "win32", reason="hadolint is not made for it")
@pytest.mark.parametrize("licence", ["MIT", "Proprietary"])
def test_hadolint_finds_nothing(tmp_path: Path, licence: str) -> None:
    project = bake(tmp_path, open_source_license=licence)
    review(project, "hadolint", "--failure-threshold", "style", "Dockerfile")


def test_the_services_are_what_compose_expects(project: Project) -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    review(project, "check-jsonschema", *schema, "compose.yaml")


def test_the_server_may_write_nothing_and_others_cannot_reach_it(project: Project) -> None:
    services = YAML(typ="safe").load(project / "compose.yaml")["services"]
    server = services["server"]
    assert server["read_only"]
    assert server["cap_drop"] == ["ALL"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:8000:8000"]


def test_no_data_go_into_an_image(project: Project) -> None:
    lines = (project / ".dockerignore").read_text(encoding="utf-8").splitlines()
    first, *rules = [line for line in lines if not line.startswith("#")]
    assert first == "*"
    let_in = [rule.removeprefix("!/").partition("/")[0] for rule in rules if rule[0] == "!"]
    assert set(let_in).isdisjoint(IGNORED)


def test_what_is_copied_is_let_in(project: Project) -> None:
    text = (project / "Dockerfile").read_text(encoding="utf-8")
    copied = " ".join(re.findall(r"^COPY (?!--from)(.+) \S+$", text, flags=re.MULTILINE))
    copied = copied.replace("${MODEL}", "dist/*.whl").replace(".yam[l]", ".yaml")
    lines = (project / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line.removeprefix("!/").rstrip("/") for line in lines if line.startswith("!")}
    assert set(copied.split()) == let_in


def test_an_editor_finds_the_image(project: Project) -> None:
    folder = project / ".devcontainer"
    build = json.loads((folder / "devcontainer.json").read_text(encoding="utf-8"))["build"]
    text = (folder / build["dockerfile"]).read_text(encoding="utf-8")
    assert re.search(rf"^FROM .+ AS {build['target']}$", text, flags=re.MULTILINE)
    assert (folder / build["context"]).resolve() == project.root.resolve()


IN_A_CONTAINER = """
set -e
root=$1 user=$2 project=$3; shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
[ -z "$project" ] || mount --bind "$project" "$root/project"
mount -o remount,ro,bind "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do mount -t tmpfs -o mode=1777 tmpfs "$root$1"; shift; done; shift
exec chroot --userspec="$user" "$root" env --ignore-environment --chdir=/project "$@"
"""
"""What a container is made of: a read-only root with folders in memory, and a user that is none."""


class Images:
    """buildah, and the images that it makes below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**ENVIRONMENT, "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(folder)}

    def call(self, command: str, *arguments: str, cwd: Path | None = None) -> str:
        places = ["--root", str(self.folder / "store"), "--runroot", str(self.folder / "run")]
        done = subprocess.run(
            ["buildah", *places, command, *arguments],
            cwd=cwd or self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def make_base(self, name: str, source: Path, target: str, **variables: str) -> None:
        """An image with a file, or with what is in an archive."""
        container = self.call("from", "scratch")
        self.call("add", "--quiet", container, str(source), target)
        settings = [f"--env={variable}={value}" for variable, value in variables.items()]
        self.call("config", *settings, container)
        self.call("commit", "--quiet", "--rm", container, name)

    def build(self, project: Project, stage: str, name: str, **values: str) -> str:
        """Build a stage of the project's Dockerfile from the ground up; returns the image's id."""
        bases = {"UV": "localhost/uv", "DEBIAN": "localhost/debian"}
        values |= bases | {"DEBIAN_WITH_GIT": "localhost/debian"}
        options = ["--no-cache", "--timestamp=0", "--format=oci", f"--target={stage}"]
        options += [f"--build-arg={argument}={value}" for argument, value in values.items()]
        return self.call("build", *options, "--tag", name, ".", cwd=project.root).splitlines()[-1]

    def read_config(self, name: str) -> dict[str, Any]:
        return json.loads(self.call("inspect", "--type=image", name))["OCIv1"]["config"]

    def start(
        self, name: str, user: str, *command: str, project: Path | str = "", memory: tuple[str, ...]
    ) -> subprocess.Popen[str]:
        """Run a command in a container of an image."""
        root = self.call("mount", self.call("from", f"localhost/{name}"))
        inside = [*memory, "--", *self.read_config(name)["Env"], *command]
        shell = ["unshare", "--mount", "sh", "-c", IN_A_CONTAINER, "sh"]
        return subprocess.Popen(
            [*shell, root, user, str(project), *inside],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture(scope="module")
def images() -> Iterator[Images]:
    """The base images, made of Debian's packages and of the uv that is installed here."""
    needed = ("buildah", "debootstrap", "unshare")
    if not all(map(shutil.which, needed)) or os.geteuid():
        pytest.skip(f"needs root, {', '.join(needed)}")
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="images-") as name:
        folder = Path(name)
        images = Images(folder)
        # What uv has fetched before is at hand in the build, where it cannot fetch anything.
        cache = subprocess.run(["uv", "cache", "dir"], stdout=subprocess.PIPE, text=True)
        mounted = folder / "buildah-cache/home/owner/.cache"
        mounted.mkdir(parents=True)
        (mounted / "uv").symlink_to(cache.stdout.strip())
        system = folder / "debian.tar"
        packages = "--include=ca-certificates,git,python3,python3-venv"
        command = ["debootstrap", "--variant=minbase", packages, "bookworm"]
        subprocess.run([*command, str(folder / "debian")], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["tar", "-C", str(folder / "debian"), "-cf", str(system), "."], check=True)
        images.make_base("localhost/debian", system, "/", UV_OFFLINE="1")
        images.make_base("localhost/uv", Path(str(shutil.which("uv"))).resolve(), "/uv")
        yield images
        images.call("rm", "--all")


@pytest.fixture(scope="module")
def packed(light: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    """A project with the wheel of its model, and the id of its run."""
    project = light.clone(tmp_path_factory.mktemp("packed") / "my-project")
    project.run("uv", "sync", "--extra", "serve", "--extra", "postgresql")
    if 'python: "3.11"' not in (project / "environment.yaml").read_text(encoding="utf-8"):
        pytest.skip("the base has Python 3.11, as Debian 12 does")
    shutil.copytree(light / "models", project / "models", dirs_exist_ok=True)
    project.run("uv", "run", "my-project", "package")
    return project, hashlib.sha256((project / "reports/record.json").read_bytes()).hexdigest()


@pytest.mark.matrix
def test_the_image_of_a_server_is_the_same_twice_and_answers(
    images: Images, packed: tuple[Project, str]
) -> None:
    project, run = packed
    with pytest.raises(subprocess.CalledProcessError):
        images.build(project, "serve", "other", RUN_ID="0" * 64)
    first = images.build(project, "serve", "serve", COMMIT="abc", RUN_ID=run)
    assert images.build(project, "serve", "again", COMMIT="abc", RUN_ID=run) == first
    config = images.read_config("serve")
    assert config["Labels"]["org.opencontainers.image.revision"] == "abc"
    assert config["Labels"]["lockstep.run"] == run
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = ["--host", "127.0.0.1", "--port", str(port)]
    command = [*config["Entrypoint"], *place, *config["Cmd"]]
    memory = ("/tmp", "/project/.serve")
    server = images.start("serve", config["User"], *command, memory=memory)
    try:
        assert any(f"http://127.0.0.1:{port}" in line for line in server.stdout)
        with urlopen(f"http://127.0.0.1:{port}/health/ready") as reply:
            assert reply.status == 200
        rows = (project / "data/raw/iris.csv").read_bytes()
        headers = {"Content-Type": "text/csv"}
        with urlopen(Request(f"http://127.0.0.1:{port}/predict", rows, headers)) as reply:
            predictions = json.load(reply)["predictions"]
    finally:
        server.terminate()
        server.communicate()
    printed = project.run("uv", "run", "my-project", "predict", "data/raw/iris.csv")
    expected = [line["prediction"] for line in csv.DictReader(io.StringIO(printed))]
    assert [answer["prediction"] for answer in predictions] == expected


@pytest.mark.matrix
def test_the_pipeline_gives_the_same_bytes_in_a_container(
    images: Images, packed: tuple[Project, str], tmp_path: Path
) -> None:
    project, _ = packed
    images.build(project, "repro", "repro")
    clone = project.clone(tmp_path / "my-project")
    shutil.rmtree(clone / ".venv")
    user = 4321  # nobody whom the image knows
    for path in [clone.root, *clone.root.rglob("*")]:
        os.chown(path, user, user, follow_symlinks=False)
    command = images.read_config("repro")["Cmd"]
    started = images.start(
        *("repro", f"{user}:{user}", *command, "--force"),
        project=clone.root,
        memory=("/tmp", "/var/tmp"),
    )
    printed, _ = started.communicate()
    assert started.returncode == 0, printed
    for stage in STAGES:
        assert f"Running stage '{stage}'" in printed
    changed = clone.run("git", "-c", "safe.directory=*", "status", "--porcelain")
    assert changed == ""
