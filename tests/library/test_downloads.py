"""Downloads from servers that break off, fall silent, and change what they have meanwhile."""

from __future__ import annotations

import gzip
import hashlib
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from unittest.mock import MagicMock

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from lockstep.adopting import downloads, objects, web
from lockstep.adopting.downloads import Opener, Rest, download, require_answer
from lockstep.adopting.objects import is_object, make_client, open_object
from lockstep.adopting.web import open_web
from lockstep.commands import cli
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from test_use import GOOD, git, project, snapshot

__all__ = ["project"]
FIRST = bytes(range(256)) * 40
LATER = FIRST[::-1] + b"more"
ADDRESS = "s3://bucket/file.csv"
LISTING = "<ListBucketResult><Contents><Key>{}</Key></Contents></ListBucketResult>"


class Store(ThreadingHTTPServer):
    """A server of one file whose next connections break off after so many bytes each."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behave()

    def behave(self) -> None:
        """Do all that a good server does."""
        self.content, self.next_content = FIRST, FIRST
        self.cuts: list[int] = []
        self.asked: list[str | None] = []
        """Which bytes each request asked for."""
        self.tells_version = self.takes_ranges = self.takes_conditions = True
        self.changed: str | None = None
        """When the file changed last, instead of an ETag."""
        self.packs = self.resets = self.stalls = False

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.content, usedforsecurity=False).hexdigest()}"'


class Handler(BaseHTTPRequestHandler):
    server: Store
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        store, headers = self.server, self.headers
        if "list-type" in self.path:
            self.reply(200, LISTING.format("file.csv").encode())
            return
        # The first is asked only whether there is something.
        cut = store.cuts.pop(0) if store.cuts and store.asked else None
        wanted = headers["Range"]
        store.asked.append(wanted)
        version = store.changed or store.etag
        if store.takes_conditions and headers["If-Match"] not in (None, version):
            self.reply(412, b"")
            return
        is_same = headers["If-Range"] in (None, version) or not store.takes_conditions
        start = int(wanted[6:-1]) if wanted and store.takes_ranges and is_same else 0
        if start > len(store.content):
            self.reply(416, b"")
            return
        self.reply(206 if start else 200, store.content, start, version, cut)

    def reply(
        self,
        status: int,
        content: bytes,
        start: int = 0,
        version: str = "",
        cut: int | None = None,
    ) -> None:
        store = self.server
        body = gzip.compress(content) if store.packs else content[start:]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if store.packs:
            self.send_header("Content-Encoding", "gzip")
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if version and store.tells_version:
            self.send_header("Last-Modified" if store.changed else "ETag", version)
        self.end_headers()
        self.wfile.write(body[:cut])
        while cut is not None and store.stalls:
            time.sleep(0.01)
        if cut is not None:
            store.content = store.next_content
            self.close_connection = True
            if store.resets:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def finish(self) -> None:
        with suppress(OSError):  # nobody waited for the rest
            super().finish()


@pytest.fixture(scope="module")
def server() -> Iterator[Store]:
    with Store() as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def client(server: Store) -> Any:
    """What asks the server as a store of S3."""
    options = {
        "endpointurl": f"http://127.0.0.1:{server.server_port}",
        "access_key_id": "somebody",
        "secret_access_key": "something",
    }
    return make_client(options, 1)


@pytest.fixture
def store(server: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(downloads, "WAITS", (0, 0))
    server.behave()
    return server


@pytest.fixture
def ask_web(store: Store) -> Opener:
    return partial(open_web, f"http://127.0.0.1:{store.server_port}/file.csv")


@pytest.fixture(params=["web", "s3"])
def ask(request: pytest.FixtureRequest, ask_web: Opener, client: Any) -> Opener:
    """What asks the store in either way."""
    return ask_web if request.param == "web" else partial(open_object, client, ADDRESS)


def fetch(ask: Opener, folder: Path) -> bytes:
    require_answer(ask)
    download(ask, folder / "file.csv")
    return (folder / "file.csv").read_bytes()


@pytest.mark.parametrize("resets", [False, True])
def test_a_dropped_connection_is_taken_up_where_it_ended(
    ask: Opener, store: Store, tmp_path: Path, resets: bool
) -> None:
    store.cuts, store.resets = [4000, 2000], resets
    assert fetch(ask, tmp_path) == FIRST
    if not resets:  # which may take back what was on its way
        assert store.asked == [None, None, "bytes=4000-", "bytes=6000-"]


@pytest.mark.parametrize("next_content", [LATER, FIRST[:100]], ids=["longer", "shorter"])
def test_what_changed_between_two_tries_is_begun_again(
    ask: Opener, store: Store, tmp_path: Path, next_content: bytes
) -> None:
    store.cuts, store.next_content = [4000], next_content
    assert fetch(ask, tmp_path) == next_content


@pytest.mark.parametrize("next_content", [LATER, FIRST[:100]], ids=["longer", "shorter"])
def test_a_server_without_conditions_is_not_believed(
    ask: Opener, store: Store, tmp_path: Path, next_content: bytes
) -> None:
    store.cuts, store.next_content, store.takes_conditions = [4000], next_content, False
    assert fetch(ask, tmp_path) == next_content


@pytest.mark.parametrize("what", ["tells_version", "takes_ranges"])
def test_where_nothing_can_be_taken_up_all_is_begun_again(
    ask_web: Opener, store: Store, tmp_path: Path, what: str
) -> None:
    setattr(store, what, False)
    store.cuts, store.next_content = [4000, 9000], LATER
    assert fetch(ask_web, tmp_path) == LATER


def test_a_time_of_change_tells_versions_apart_like_an_etag(
    ask_web: Opener, store: Store, tmp_path: Path
) -> None:
    store.cuts, store.changed = [4000], "Sun, 01 Nov 2026 10:00:00 GMT"
    assert fetch(ask_web, tmp_path) == FIRST
    assert store.asked[-1] == "bytes=4000-"


def test_what_was_packed_for_the_way_is_unpacked_and_whole(
    ask_web: Opener, store: Store, tmp_path: Path
) -> None:
    store.packs, store.cuts = True, [40]
    assert fetch(ask_web, tmp_path) == FIRST


def test_a_file_that_never_comes_whole_is_given_up(
    ask: Opener, store: Store, tmp_path: Path
) -> None:
    store.cuts = [4000, 10, 10]
    with pytest.raises(
        UserError, match=r"^it did not come whole in several tries, so nothing was taken"
    ):
        fetch(ask, tmp_path)
    assert store.cuts == []


def test_a_connection_that_brought_much_is_no_failure(
    ask: Opener, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MUCH", 1000)
    store.cuts = [1000] * 8
    assert fetch(ask, tmp_path) == FIRST


def test_a_server_that_falls_silent_is_given_up(
    ask: Opener, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "PATIENCE", 0.1)
    monkeypatch.setattr(downloads, "WAITS", ())
    store.cuts, store.stalls = [40], True
    with pytest.raises(UserError, match=r"^it did not come whole in several tries.*: .*time.*out"):
        fetch(ask, tmp_path)


@pytest.mark.parametrize("says", ["nothing", "good-bye"])
def test_a_server_that_says_nothing_of_use_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(web, "PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if says == "good-bye":
            Thread(target=lambda: listener.accept()[0].close(), daemon=True).start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/file.csv"
        with pytest.raises(UserError, match=r"^not reachable: .*(timed out|closed|reset)"):
            require_answer(partial(open_web, address))


def test_a_full_disk_is_no_broken_connection(tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"1"
        raise OSError(28, "No space left on device")

    asked = []

    class Answer(AbstractContextManager[Rest]):
        def __enter__(self) -> Rest:
            asked.append(1)
            return Rest(chunks(), 0)

        def __exit__(self, *_: object) -> None:
            """Nothing."""

    with pytest.raises(OSError, match="No space"):
        download(lambda *_: Answer(), tmp_path / "file.csv")
    assert asked == [1]


def test_a_password_goes_to_the_server_that_it_is_for_and_to_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine host login me password hunter2Zq\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").chmod(0o600)
    for address in ("http://me:hunter2Zq@host/a b.csv#part", "http://host/a%20b.csv"):
        request = web._make_request(address)
        assert request.full_url == "http://host/a%20b.csv"
        assert request.unredirected_hdrs == {"Authorization": "Basic bWU6aHVudGVyMlpx"}
        assert "Authorization" not in request.headers
    assert web._make_request("http://other/a.csv").unredirected_hdrs == {}


@pytest.mark.usefixtures("store")
def test_a_folder_is_no_object(client: Any) -> None:
    assert is_object(client, ADDRESS)
    assert not is_object(client, "s3://bucket/file")


def test_who_may_read_an_object_need_not_list_its_bucket() -> None:
    client = MagicMock()
    client.list_objects_v2.side_effect = UserError("credentials are here and refused")
    assert is_object(client, ADDRESS)
    client.head_object.side_effect = ClientError({}, "HeadObject")
    with pytest.raises(UserError, match="refused"):
        is_object(client, ADDRESS)


def test_a_store_that_says_nothing_is_asked_once() -> None:
    client = MagicMock()
    client.head_object.side_effect = ReadTimeoutError(endpoint_url=None)
    with pytest.raises(UserError, match=r"^cannot be asked: .*timeout"):
        is_object(client, ADDRESS)
    client.list_objects_v2.assert_not_called()


def test_without_credentials_no_store_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "PROFILE"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(UserError, match=r"^no credentials here; AWS_ACCESS_KEY_ID and"):
        objects.make_client({}, 1)


@pytest.mark.matrix
def test_what_a_killed_download_leaves_is_gone_with_the_next(
    project: Project, store: Store
) -> None:
    git("init")
    before = snapshot(project.root)
    store.content = store.next_content = GOOD
    store.cuts, store.stalls = [40], True
    address = f"http://127.0.0.1:{store.server_port}/file.csv?sig=1"
    arguments = ["use", address, "--target", "t"]
    program = "import sys; from lockstep.commands import cli; sys.exit(cli.main(sys.argv[1:]))"
    half = project.staging / "data" / "file.csv"
    with subprocess.Popen([sys.executable, "-c", program, *arguments]) as killed:
        while not half.exists() or len(store.asked) < 2:
            assert killed.poll() is None
            time.sleep(0.01)
        killed.kill()
    assert snapshot(project.root).items() >= before.items()
    store.stalls = False
    assert cli.main(arguments) == 0
    assert (project.raw / "file.csv").read_bytes() == GOOD
    assert not project.staging.exists()
