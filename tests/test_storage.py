"""Data and results kept elsewhere than in git: in a folder, in S3 and behind web addresses."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sysconfig
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import ENVIRONMENT, OFFLINE, Project, bake
from test_pipeline import STAGES, edit, stages_run

# What listens on this machine is reached; anything else meets a closed port.
LOCAL = OFFLINE | {"NO_PROXY": "127.0.0.1"}
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "somebody-of-the-team",
    "AWS_SECRET_ACCESS_KEY": "hunter2Zq-hunter2Zq",
}
NO_FILE = str(Path(__file__).with_name("no such file"))
"""Not the null device, which DVC takes for a file of settings and botocore for none."""
NO_CREDENTIALS = {
    "AWS_SHARED_CREDENTIALS_FILE": NO_FILE,
    "AWS_CONFIG_FILE": NO_FILE,
    "AWS_EC2_METADATA_DISABLED": "true",
}
RAW = "data/raw/wines.csv"
OUTPUTS = ["data/interim", "data/processed", "models/champion", "models/baseline"]
UP_TO_DATE = "Data and pipelines are up to date."


def wines(rows: int) -> list[str]:
    """The first lines of one made-up table, its header not among them."""
    draw = random.Random(0)
    lines = []
    for _ in range(rows):
        acid, sugar = round(draw.uniform(2, 9), 2), round(draw.uniform(0, 30), 1)
        grade = "good" if acid + sugar / 10 + draw.gauss(0, 0.5) > 6 else "plain"
        lines.append(f"{acid},{sugar},{draw.choice(['north', 'south', 'west'])},{grade}\n")
    return lines


def table(lines: list[str]) -> bytes:
    return "".join(["acid,sugar,origin,grade\n", *lines]).encode()


FIRST = table(wines(120))
LATER = table(wines(200)[::-1])


class States(NamedTuple):
    """A project, and what two of its states can be had again from."""

    project: Project
    generated: str
    """The commit with the sample data."""
    adopted: str
    """The commit with the wines and what the pipeline makes of them."""
    cache: Path
    """A copy of DVC's cache as it was then."""

    def restore(self, commit: str) -> Project:
        """The project as it was at a commit; its environment is left alone."""
        kept = ["--exclude=.venv", "--exclude=.dvc"]
        self.project.run("git", "reset", "--quiet", "--hard", commit)
        self.project.run("git", "clean", "-d", "-x", "--force", "--quiet", *kept)
        shutil.rmtree(self.project / ".dvc/cache", ignore_errors=True)
        shutil.copytree(self.cache, self.project / ".dvc/cache")
        return self.project


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory, ready: Project) -> States:
    """One project for all tests here, since its environment takes longest."""
    folder = tmp_path_factory.mktemp("storage")
    project = ready.equip(bake(folder))
    project.run("uv", "sync")
    project.commit()
    generated = head(project)
    (folder / "wines.csv").write_bytes(FIRST)
    project.run("uv", "run", "my-project", "use", "../wines.csv", "--target", "grade")
    make_quick(project)
    project.run("uv", "run", "dvc", "repro", **OFFLINE)
    project.commit()
    shutil.copytree(project / ".dvc/cache", folder / "cache")
    return States(project, generated, head(project), folder / "cache")


@pytest.fixture
def generated(states: States) -> Project:
    """The project with the sample that it came with."""
    return states.restore(states.generated)


@pytest.fixture
def adopted(states: States) -> Project:
    """The project with the wines, its pipeline run and all committed."""
    project = states.restore(states.adopted)
    project.run("uv", "run", "dvc", "checkout", "--force", "--quiet")
    return project


@pytest.fixture
def speaks_s3(states: States) -> None:
    """The environment has the extra `s3`."""
    states.project.run("uv", "sync", "--extra", "s3")


@pytest.fixture
def speaks_no_s3(states: States) -> None:
    """The environment has no extra."""
    states.project.run("uv", "sync")


def head(project: Project) -> str:
    return project.run("git", "rev-parse", "HEAD").strip()


def make_quick(project: Project) -> None:
    """Two candidates, one training size and few resamples."""
    path = project / "params.yaml"
    others = re.compile(r"^    (?!baseline|linear)\w+: \{.*\}\n", flags=re.MULTILINE)
    path.write_text(others.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")
    edit(path, "training_sizes: [0.25, 0.5, 0.75, 1.0]", "training_sizes: [1.0]")
    edit(path, "resamples: 500", "resamples: 20")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Bucket(NamedTuple):
    """A bucket of an S3 server on this machine."""

    program: str
    """Rclone, which is the server and puts objects there."""
    folder: Path
    """What is to be put lies here."""
    port: int
    name: str = "bucket"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a person sets to have `s3://` mean this server."""
        return LOCAL | CREDENTIALS | {"AWS_ENDPOINT_URL": self.endpoint}

    def put(self, key: str, content: bytes) -> None:
        """Make an object, or its next version."""
        path = self.folder / "object"
        path.write_bytes(content)
        place = f":s3,provider=Rclone,env_auth=true,endpoint='{self.endpoint}':{self.name}/{key}"
        command = [self.program, "--config", os.devnull, "copyto", str(path), place]
        subprocess.run(command, env=ENVIRONMENT | self.environment, check=True)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    """An empty bucket of rclone's server, which runs as long as the tests here."""
    folder = tmp_path_factory.mktemp("rclone")
    program = shutil.which("rclone", path=sysconfig.get_path("scripts"))
    assert program is not None
    bucket = Bucket(program, folder, free_port())
    (folder / "store" / bucket.name).mkdir(parents=True)
    address = ["--addr", f"127.0.0.1:{bucket.port}"]
    keys = ["--auth-key", ",".join(CREDENTIALS.values())]
    log = folder / "log"
    with log.open("w") as printed:
        server = subprocess.Popen(
            [
                program,
                "serve",
                "s3",
                *address,
                *keys,
                "--config",
                os.devnull,
                str(folder / "store"),
            ],
            env=ENVIRONMENT,
            stdout=printed,
            stderr=printed,
        )
    try:
        while not answers(bucket.port):
            assert server.poll() is None, log.read_text()
            time.sleep(0.05)
        yield bucket
    finally:
        server.terminate()
        server.wait()


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def serving(contents: dict[str, bytes], *, etag: bool) -> Iterator[str]:
    """Serve contents by their paths, as they are when they are asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = contents.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            if etag and content is not None:
                self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content or b"")

        do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def lose_all_but_git(project: Project) -> None:
    """Delete what DVC keeps: its cache, the raw data and what the stages have made of them."""
    for folder in (".dvc/cache", "models/champion", "models/baseline"):
        shutil.rmtree(project / folder)
    parquet = [path for folder in OUTPUTS[:2] for path in (project / folder).glob("*.parquet")]
    assert len(parquet) == 4
    for path in [project / RAW, *parquet]:
        path.unlink()


def outputs(project: Project) -> dict[str, bytes]:
    """Each file that is not in git but in DVC, the raw data among them."""
    paths = [path for folder in OUTPUTS for path in (project / folder).rglob("*")]
    return {
        path.relative_to(project.root).as_posix(): path.read_bytes()
        for path in [*(project / "data/raw").glob("*.csv"), *paths]
        if path.is_file() and path.name not in ("README.md", ".gitignore")
    }


def assert_a_push_can_be_pulled(project: Project, **environment: str) -> None:
    """Push, lose everything but git's own, pull, and find all as it was."""
    before = outputs(project)
    project.commit()
    project.run("uv", "run", "dvc", "push", **environment)
    lose_all_but_git(project)
    project.run("uv", "run", "dvc", "pull", **environment)
    assert (project / RAW).read_bytes() == FIRST
    assert outputs(project) == before
    assert UP_TO_DATE in project.run("uv", "run", "dvc", "status", "dvc.yaml", **OFFLINE)
    assert project.run("git", "status", "--porcelain") == ""
    assert "verify: all 17 outputs of" in project.run("uv", "run", "my-project", "verify")


@pytest.mark.matrix
def test_what_is_pushed_to_a_folder_can_be_lost_and_pulled(
    tmp_path: Path, adopted: Project
) -> None:
    adopted.run("uv", "run", "dvc", "remote", "add", "-d", "store", str(tmp_path / "store"))
    assert_a_push_can_be_pulled(adopted, **OFFLINE)


def test_a_fresh_clone_pulls_from_a_folder_and_has_nothing_left_to_run(
    tmp_path: Path, demo: Project
) -> None:
    demo.run("uv", "run", "dvc", "remote", "add", "-d", "store", str(tmp_path / "store"))
    demo.commit()
    demo.run("uv", "run", "dvc", "push", **OFFLINE)
    clone = demo.clone(tmp_path / "clone")
    clone.run("uv", "sync", "--frozen")
    clone.run("uv", "run", "dvc", "pull", **OFFLINE)
    assert outputs(clone) == outputs(demo)
    assert stages_run(clone.run("uv", "run", "dvc", "repro", **OFFLINE)) == []
    assert UP_TO_DATE in clone.run("uv", "run", "dvc", "status", "dvc.yaml", **OFFLINE)
    assert clone.run("git", "status", "--porcelain") == "", "dvc.lock or a report has changed"


def history(project: Project) -> str:
    """All that git keeps of a project, in any of its commits or not yet in one."""
    project.run("git", "add", "--all", "--intent-to-add")
    return project.run("git", "log", "--all", "-p") + project.run("git", "diff", "HEAD")


@pytest.mark.usefixtures("speaks_s3")
@pytest.mark.matrix
def test_a_clone_elsewhere_pulls_from_s3_what_came_from_there_and_computes_the_same(
    tmp_path: Path, generated: Project, bucket: Bucket
) -> None:
    bucket.put("raw/file.csv", FIRST)
    assert_used(generated, f"s3://{bucket.name}/raw/file.csv", **bucket.environment)
    generated.run("uv", "run", "dvc", "repro", **OFFLINE)
    dvc = ["uv", "run", "--extra", "s3", "dvc"]
    generated.run(*dvc, "remote", "add", "-d", "store", f"s3://{bucket.name}/path")
    generated.run(*dvc, "remote", "modify", "store", "endpointurl", bucket.endpoint)
    generated.commit()
    generated.run(*dvc, "push", **LOCAL, **CREDENTIALS)
    clone = generated.clone(tmp_path / "clone")
    clone.run("uv", "sync", "--frozen", "--extra", "s3")
    ask = ["uv", "run", "--extra", "s3", "my-project", "doctor"]
    doctor = clone.try_run(*ask, **LOCAL, **NO_CREDENTIALS)
    assert re.search(r"note +remote +store: no credentials here; AWS_ACCESS_KEY_ID", doctor.stdout)
    # There the keys are DVC's, here they were in the environment.
    for name, key in CREDENTIALS.items():
        option = name.lower().removeprefix("aws_")
        clone.run(*dvc, "remote", "modify", "--local", "store", option, key)
    clone.run(*dvc, "pull", **LOCAL, **NO_CREDENTIALS)
    assert outputs(clone) == outputs(generated)
    assert stages_run(clone.run("uv", "run", "dvc", "repro", **OFFLINE)) == []
    # With what they depend on, DVC would ask S3 anew for the raw file.
    again = ["uv", "run", "dvc", "repro", "--force", "--single-item", *STAGES]
    assert stages_run(clone.run(*again, **OFFLINE)) == STAGES
    assert outputs(clone) == outputs(generated)
    assert clone.run("git", "status", "--porcelain") == "", "dvc.lock or a report has changed"
    doctor = clone.try_run(*ask, **LOCAL, **NO_CREDENTIALS)
    assert re.search(r"ok +remote +store: .*, with the credentials here, \d+ ms", doctor.stdout)
    for project in (generated, clone):
        for secret in CREDENTIALS.values():
            assert secret not in history(project)


def rows(project: Project, path: str) -> Counter[str]:
    """How often each row of a parquet file stands there."""
    program = f"import pandas; print(pandas.read_parquet({path!r}).to_csv(index=False), end='')"
    return Counter(project.run("uv", "run", "python", "-c", program).splitlines()[1:])


def ingested(project: Project) -> tuple[int, int]:
    """How many rows `ingest` has read, and how many of them it set aside."""
    report = json.loads((project / "reports/ingest.json").read_text(encoding="utf-8"))
    return report["rows"], report["rejected"]


def use(project: Project, address: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["uv", "run", "my-project", "use", address, "--target", "grade"]
    return project.try_run(*command, **environment)


def assert_used(project: Project, address: str, **environment: str) -> None:
    """Take the file at an address into the project, which then knows where it is from."""
    result = use(project, address, **environment)
    assert result.returncode == 0, result.stderr
    assert "use: data/raw/file.csv (kept by DVC)" in result.stdout
    assert (project / "data/raw/file.csv").read_bytes() == FIRST
    pointer = (project / "data/raw/file.csv.dvc").read_text(encoding="utf-8")
    assert f"path: {address}\n" in pointer
    contract = (project / "references/schema.yaml").read_text(encoding="utf-8")
    assert f'source: "{address}"\n' in contract
    assert not (project / "data/raw/iris.csv").exists()
    make_quick(project)


def assert_update_adds_rows(project: Project, until: str, **environment: str) -> None:
    """Fetch what is new at the address: its rows come in and no test row goes."""
    before = rows(project, "data/processed/test.parquet")
    assert ingested(project) == (120, 0)
    assert_update_fetches(project, LATER, **environment)
    ran = stages_run(project.run("uv", "run", "dvc", "repro", until, **OFFLINE))
    assert ran == STAGES[: STAGES.index(until) + 1]
    assert ingested(project) == (200, 0)
    after = rows(project, "data/processed/test.parquet")
    assert before <= after
    assert after.total() > before.total()


def assert_update_fetches(project: Project, content: bytes, **environment: str) -> None:
    project.run("uv", "run", "dvc", "update", "data/raw/file.csv.dvc", **environment)
    assert (project / "data/raw/file.csv").read_bytes() == content


@pytest.mark.usefixtures("speaks_s3")
@pytest.mark.matrix
def test_an_object_of_s3_is_used_and_its_next_version_adds_rows(
    generated: Project, bucket: Bucket
) -> None:
    bucket.put("raw/file.csv", FIRST)
    assert_used(generated, f"s3://{bucket.name}/raw/file.csv", **bucket.environment)
    generated.run("uv", "run", "dvc", "repro", "preprocess", **OFFLINE)
    generated.commit()
    bucket.put("raw/file.csv", LATER)
    assert_update_adds_rows(generated, "evaluate", **bucket.environment)
    generated.commit()
    # Neither looks at the address again.
    assert UP_TO_DATE in generated.run("uv", "run", "dvc", "status", "dvc.yaml", **OFFLINE)
    assert "verify: all 17 outputs of" in generated.run("uv", "run", "my-project", "verify")


@pytest.mark.matrix
@pytest.mark.parametrize("etag", [True, False], ids=["with an etag", "without an etag"])
def test_a_web_address_is_used_and_what_is_new_there_adds_rows(
    generated: Project, etag: bool
) -> None:
    contents = {"/file.csv": FIRST}
    with serving(contents, etag=etag) as server:
        assert_used(generated, f"{server}/file.csv", **LOCAL)
        generated.run("uv", "run", "dvc", "repro", "preprocess", **OFFLINE)
        contents["/file.csv"] = LATER
        assert_update_adds_rows(generated, "preprocess", **LOCAL)


def files(project: Project) -> dict[str, bytes]:
    """Every file outside git's, DVC's and the environment's own folders."""
    folders = {".git", ".venv", ".dvc"}
    return {
        path: (project / path).read_bytes()
        for path in project.files()
        if path.partition("/")[0] not in folders and "__pycache__" not in path
    }


def assert_refused(project: Project, address: str, **environment: str) -> str:
    """Try to use what cannot be had; returns the line that says why. Nothing has changed then."""
    before = files(project)
    result = use(project, address, **environment)
    assert result.returncode == 1, result.stdout
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {address}: ")
    assert files(project) == before
    assert not list(project.root.glob("*.tmp"))
    return line


@pytest.mark.matrix
def test_an_address_with_nothing_there_is_told_in_one_line(adopted: Project) -> None:
    with serving({}, etag=True) as server:
        line = assert_refused(adopted, f"{server}/file.csv", **LOCAL)
    assert ": answers with 404" in line


class Growing(dict[str, bytes]):
    """Contents that have grown each time that they are asked for."""

    def get(self, path: str, default: bytes | None = None) -> bytes | None:
        if path in self:
            self[path] += FIRST.splitlines(keepends=True)[-1]
        return super().get(path, default)


@pytest.mark.matrix
def test_a_file_that_changes_while_it_comes_is_told_in_one_line(adopted: Project) -> None:
    with serving(Growing({"/file.csv": FIRST}), etag=True) as server:
        line = assert_refused(adopted, f"{server}/file.csv", **LOCAL)
    assert line.endswith(": it changed there while it came, so nothing was taken; `use` it again")


@pytest.mark.matrix
def test_an_address_where_nobody_listens_is_told_in_one_line(adopted: Project) -> None:
    address = f"http://127.0.0.1:{free_port()}/file.csv"
    assert ": not reachable: " in assert_refused(adopted, address, **LOCAL)


@pytest.mark.usefixtures("speaks_s3")
@pytest.mark.matrix
@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("bucket/raw/none.csv", "nothing there"),
        ("no-bucket/raw/file.csv", "no bucket no-bucket there; make it first"),
    ],
)
def test_an_object_that_is_not_there_is_told_in_one_line(
    adopted: Project, bucket: Bucket, place: str, told: str
) -> None:
    line = assert_refused(adopted, f"s3://{place}", **bucket.environment)
    assert line.endswith(f": {told}")


@pytest.mark.usefixtures("speaks_no_s3")
@pytest.mark.matrix
def test_without_the_extra_an_s3_address_says_how_to_get_it(adopted: Project) -> None:
    line = assert_refused(adopted, "s3://bucket/raw/file.csv", **LOCAL, **CREDENTIALS)
    assert "`uv sync --extra s3`" in line
