"""Addresses with secrets in them: nothing of these is stored, and nothing printed."""

import subprocess
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from lockstep.adopting import downloads
from lockstep.adopting.addresses import hide_secrets, parse_address
from lockstep.commands import cli
from lockstep.core.errors import UserError
from lockstep.core.files import read_yaml
from lockstep.core.project import Project
from lockstep.reading import waiting
from test_use import GOOD, git, project, snapshot

__all__ = ["project"]
SECRET = "hunter2Zq"
CODED = "%68%75nter2Zq"  # the same with percent signs


class Server(BaseHTTPRequestHandler):
    """Gives a table, or the status or the redirection that the path names."""

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        status = 403 if "forbidden" in self.path else 302 if "moved" in self.path else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"/forbidden.csv?X-Amz-Signature={SECRET}")
        size = len(GOOD) + 100 * ("short" in self.path)
        self.send_header("Content-Length", str(size if status == 200 else 0))
        self.end_headers()
        if self.command == "GET" and status == 200:
            self.wfile.write(GOOD)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Host and port of a server on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{http.server_address[1]}"
        http.shutdown()


@pytest.fixture
def kept(project: Project) -> Project:
    """The project in git, which leaves to DVC what DVC keeps for itself."""
    git("init")
    (project.root / ".dvc" / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")
    return project


WITH_SECRETS = {
    "user": "http://{secret}@{server}/a.csv",
    "user, coded": "http://{coded}@{server}/a.csv",
    "password": "http://me:{secret}@{server}/a.csv",
    "signed": "http://{server}/a.csv?X-Amz-Credential=a%2Fb&X-Amz-Signature={secret}&sig={secret}",
    "signed, coded": "http://{server}/a.csv?sig={coded}",
    "fragment": "http://{server}/a.csv#{secret}",
    "query in percent signs": "http://{server}/a.csv%3Fsig={secret}",
    "query in percent signs of their own": "http://{server}/a.csv%253Fsig={secret}",
    "parameter": "http://{server}/a.csv;token={secret}",
    "in the path": "http://{server}/token={secret}/a.csv",
    "in the path, long": "http://{server}/s/Zk3x{secret}7Qm9Xw2b/a.csv",
    "in the path, below a word": "http://{server}/api_key/{secret}/a.csv",
    "in the path, of a bearer": "http://{server}/bearer:{secret}/a.csv",
    "in the path, shared": "http://{server}/sas={secret}/a.csv",
    "user in the path": "http://{server}/me:{secret}@b/a.csv",
    "at sign in the password": "http://me:x@{secret}@{server}/a.csv",
}
UNUSABLE = {
    "forbidden": "http://{secret}@{server}/forbidden.csv?sig={secret}",
    "moved": "http://{server}/moved.csv",
    "broken off": "http://{server}/short.csv?sig={secret}",
    "hidden": "http://{secret}@{server}/.journal.json?sig={secret}",
    "no host": "http:///{secret}@{server}/a.csv",
    "no number": "http://me:x@{server}:{secret}/a.csv",
    "coded at sign": "http://me%3A{secret}%40{server}/a.csv",
    "brackets": "http://[{secret}]/a.csv",
    "broken brackets": "http://[{secret}/a.csv",
    "look-alikes": "http://{secret}\u2100.com/a.csv",
    "one slash": "http:/{secret}@{server}/a.csv",
    "no slash": "https:me:{secret}@{server}/a.csv",
    "no colon": "https//me:{secret}@{server}/a.csv?sig={secret}",
    "no scheme": "me:{secret}@{server}/a.csv",
    "no scheme, long": "me@{server}/a.csv?sig={secret}" + "x" * 300,
    "blank": " http://me:{secret}@{server}/a.csv",
    "before the scheme": "{secret}@http://{server}/a.csv",
    "database": "postgresql://me:{secret}@127.0.0.1:1/shop",
    "database, no number": "postgresql://me:{secret}@{server}:port/shop",
    "database, no host": "postgresql://me:{secret}",
    "database, slash": "postgresql://me:x/{secret}@host/shop",
    "database, at sign": "postgresql://me:x@{secret}@host/shop",
    "database, coded": "postgresql://me:{coded}@host:port/shop",
    "database, query": "sqlite:///a.db?mode=ro&password={secret}",
    "database, kind": "nosuch://me:{secret}@host/shop",
    "database, driver": "mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BPWD%3D{secret}",
    "database, zero": "sqlite:///%00?key={secret}",
    "store": "s3://key:{secret}@bucket/.a.csv",
    "shell": "ssh://me:{secret}@/a.csv",
}


def fill(address: str, server: str) -> str:
    return address.format(secret=SECRET, coded=CODED, server=server)


def require_no_secret(root: Path, printed: str) -> None:
    for text in (SECRET, CODED):
        assert text.lower() not in printed.lower()
        git("add", "--all")
        grep = ["git", "grep", "--cached", "--ignore-case", "--text", "--name-only", text]
        assert subprocess.run(grep, cwd=root, capture_output=True, text=True).stdout == ""
        assert not [path for path in root.rglob("*") if text.lower() in path.name.lower()]


@pytest.mark.parametrize("case", ["user", "password", "signed", "in the path"])
def test_a_secret_in_an_address_is_neither_kept_nor_printed(
    kept: Project, server: str, capfd: pytest.CaptureFixture[str], case: str
) -> None:
    assert cli.main(["use", fill(WITH_SECRETS[case], server), "--target", "t"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert "use: the address is not kept, as a user, password or query in it may be secret" in out
    require_no_secret(kept.root, out)
    assert (kept.raw / "a.csv").read_bytes() == GOOD
    assert "deps" not in read_yaml(kept.raw / "a.csv.dvc", "")
    assert kept.contract.source.startswith(f"http://{server}/")


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("case", UNUSABLE)
def test_no_message_repeats_a_secret(
    kept: Project,
    server: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    case: str,
    debug: bool,
) -> None:
    monkeypatch.setattr(downloads, "WAITS", ())
    before = snapshot(kept.root)
    options = ["--target", "t", "--table", "t", "--dry-run"]
    address = fill(UNUSABLE[case], server)
    if debug:
        with pytest.raises(UserError) as caught:
            cli.main(["--debug", "use", address, *options])
        printed = "".join(traceback.format_exception(caught.value))
    else:
        assert cli.main(["use", address, *options]) == 1
        out, printed = capfd.readouterr()
        assert out == ""
        assert len(printed.splitlines()) == 1
    assert snapshot(kept.root) == before
    require_no_secret(kept.root, printed)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("scheme", "reason"), [("postgresql", "timeout expired"), ("mysql", "timed out")]
)
def test_a_database_that_never_answers_is_given_up(
    server: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    scheme: str,
    reason: str,
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 2)
    # The server waits for the end of a line that no client of a database sends.
    address = fill(f"{scheme}://me:{{secret}}@{{server}}/shop", server)
    assert cli.main(["use", address, "--target", "t", "--table", "t"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line


@pytest.mark.parametrize("case", WITH_SECRETS)
def test_what_may_be_secret_is_no_part_of_an_addresses_place(case: str) -> None:
    place, name, is_public = parse_address(fill(WITH_SECRETS[case], "host:80"))
    assert not is_public
    assert name == "a.csv"
    assert SECRET.lower() not in place.lower()
    assert place.startswith("http://host:80/")


@pytest.mark.parametrize(
    ("address", "place", "name"),
    [
        ("https://host/a%20b/c%C3%A9.csv", "https://host/a%20b/c%C3%A9.csv", "c\u00e9.csv"),
        (
            "https://host:8443/year=2026/a@1.csv",
            "https://host:8443/year%3D2026/a%401.csv",
            "a@1.csv",
        ),
        ("http://[::1]:80/a.csv", "http://[::1]:80/a.csv", "a.csv"),
        ("s3://bucket/folder/", "s3://bucket/folder/", "folder"),
        ("s3://bucket/keys/2026/key/a.csv", "s3://bucket/keys/2026/key/a.csv", "a.csv"),
        ("HTTP://Host/..%2F..%2Fa.csv", "http://host/../../a.csv", "a.csv"),
    ],
)
def test_an_address_without_secrets_is_kept(address: str, place: str, name: str) -> None:
    assert parse_address(address) == (place, name, True)


@pytest.mark.parametrize(
    ("text", "address", "expected"),
    [
        ('no role "me" at host', "postgresql://me:pw@host/shop", 'no role "***" at host'),
        ("no database shop", "postgresql://host/shop", "no database shop"),
        ("port: 'pa55'", "postgresql://me:pa55", "port: '***'"),
        ("url='http://h/a?sig=%2Fab%2B'", "http://h/a?sig=%2Fab%2B", "url='http://h/a?***'"),
        ("at https://me:pw@h/a?x=1 and", "", "at https://***@h/a?*** and"),
    ],
)
def test_messages_lose_what_may_be_secret_and_nothing_else(
    text: str, address: str, expected: str
) -> None:
    assert hide_secrets(text, address) == expected


NAMES = [
    ".journal.json",
    "journal.dvc",
    "README.md",
    "a%5Cb.csv",
    "a%0Ab.csv",
    "con.csv",
    "a.tmp",
    "..",
]


@pytest.mark.parametrize("name", [*NAMES, "a.", "Lpt1", ""])
def test_a_name_that_data_cannot_have_is_told_before_a_download_begins(
    kept: Project, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    before = snapshot(kept.root)
    status = cli.main(["use", f"http://127.0.0.1:1/{name}", "--target", "t"])
    _, errors = capfd.readouterr()
    assert status == 1
    expected = "files of such names are not taken for data; rename it" if name else "names no file"
    assert expected in errors
    assert snapshot(kept.root) == before
