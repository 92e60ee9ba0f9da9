"""What the doctor says of the stores that data come from and go to."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path
from threading import Thread
from unittest.mock import MagicMock

import pymysql
import pytest
from lockstep.adopting import stores
from lockstep.adopting.stores import Answer, ask_store
from lockstep.commands import doctor
from lockstep.core.errors import UserError
from lockstep.core.files import read_yaml, write_json
from lockstep.core.project import Project
from test_addresses import Server, server
from test_doctor import init_dvc, run
from test_mysql import address as mysql_address
from test_mysql import port
from test_mysql import server as mysql_server
from test_request_store import Cluster, cluster

__all__ = ["cluster", "mysql_address", "mysql_server", "port", "server"]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, and little patience with who says nothing."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(stores, "SECONDS", 1)
    monkeypatch.setenv("NETRC", os.devnull)


@pytest.fixture
def silent() -> Iterator[str]:
    """Host and port of what takes connections and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_a_web_server_is_told_with_its_name_and_its_time(server: str, tmp_path: Path) -> None:
    answer = ask_store(f"http://{server}/a.csv", {}, tmp_path)
    assert answer.is_open
    assert answer.text.startswith("BaseHTTP/")
    assert answer.text.endswith(" ms")
    forbidden = ask_store(f"http://{server}/forbidden.csv", {}, tmp_path)
    assert forbidden == Answer(False, "answers with 403 Forbidden")


@pytest.mark.parametrize("scheme", ["http", "ssh", "postgresql", "mysql+pymysql"])
def test_who_does_not_answer_is_soon_given_up(silent: str, tmp_path: Path, scheme: str) -> None:
    answer = ask_store(f"{scheme}://{silent}/a", {}, tmp_path)
    assert not answer.is_open
    assert "\n" not in answer.text
    assert "time" in answer.text


@pytest.mark.parametrize("scheme", ["http", "ssh", "postgresql", "mysql+pymysql"])
def test_where_nobody_is_this_is_told(tmp_path: Path, scheme: str) -> None:
    answer = ask_store(f"{scheme}://127.0.0.1:1/a", {}, tmp_path)
    assert not answer.is_open
    assert "refused" in answer.text.lower()


def test_a_server_of_ssh_is_told_by_its_own_words(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        Thread(target=lambda: listener.accept()[0].send(b"SSH-2.0-Made_up_1\r\n")).start()
        port = str(listener.getsockname()[1])
        answer = ask_store("ssh://127.0.0.1/a", {"port": port}, tmp_path)
    assert answer.text.startswith("SSH-2.0-Made_up_1, ")


def test_a_database_is_told_with_its_version_and_who_asks(
    cluster: Cluster, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = cluster.make_database("asked").replace("lockstep@", "")
    contract = read_yaml(project.contract_file, "") | {"source": f"table fruit of {address}"}
    write_json(contract, project.contract_file)
    monkeypatch.setenv("PGUSER", "lockstep")
    finding = doctor.check_source(Project.find())
    assert finding.state == "ok"
    assert finding.message.startswith(f"{address}: PostgreSQL 1")
    assert ", as lockstep, " in finding.message
    monkeypatch.setenv("PGUSER", "nobody")
    finding = doctor.check_source(Project.find())
    assert finding.state == "note"
    assert 'role "nobody" does not exist; PGUSER, PGPASSWORD and ~/.pgpass' in finding.message


@pytest.mark.parametrize(
    ("version", "told"),
    [("8.4.3-0ubuntu1", "MySQL 8.4.3"), ("11.8.3-MariaDB-0+deb13u1", "MariaDB 11.8.3")],
)
def test_a_mariadb_is_not_told_to_be_a_mysql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, told: str
) -> None:
    connection = MagicMock()
    connection.exec_driver_sql().one.return_value = ("me@localhost", version)
    monkeypatch.setattr(stores, "connect", lambda *_: nullcontext(connection))
    answer = ask_store("mysql://127.0.0.1/shop", {}, tmp_path)
    assert answer.text.startswith(f"{told}, as me@localhost, ")


@pytest.mark.matrix
def test_a_mariadb_is_told_with_its_version_and_lets_in_whom_my_cnf_names(
    mysql_address: str,
    mysql_server: pymysql.cursors.Cursor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mysql_server.execute("flush privileges")  # from here on it asks who one is
    mysql_server.execute("create user me@localhost identified by 'hunter2Zq'")
    mysql_server.execute("grant select on shop.* to me@localhost")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    (home / ".my.cnf").write_text("[client]\nuser = me\npassword = hunter2Zq\n")
    answer = ask_store(mysql_address, {}, tmp_path)
    assert answer.is_open
    assert re.fullmatch(r"MariaDB \d+\.\d+\.\d+, as me@localhost, \d+ ms", answer.text)
    (home / ".my.cnf").write_text("[client]\nuser = me\npassword = wrong\n")
    answer = ask_store(mysql_address, {}, tmp_path)
    assert not answer.is_open
    assert "Access denied for user 'me'@'localhost'" in answer.text
    assert answer.text.endswith("; ~/.my.cnf says who asks")


def test_what_is_wrong_with_my_cnf_is_told_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".my.cnf").write_text("password = hunter2Zq\n")
    answer = ask_store("mysql://127.0.0.1:1/shop", {}, tmp_path)
    assert not answer.is_open
    assert answer.text.startswith("~/.my.cnf: not readable as MySQL's options")
    assert "hunter2Zq" not in answer.text


def test_a_web_server_is_asked_as_whom_netrc_names(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(
        Server, "log_request", lambda self, *_: seen.append(self.headers["Authorization"])
    )
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter2Zq\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert ask_store(f"http://{server}/a.csv", {}, tmp_path).is_open
    assert seen == ["Basic bWU6aHVudGVyMlpx"]


def test_an_object_that_may_be_read_is_there_even_where_its_bucket_may_not_be_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = MagicMock()
    client.head_object.return_value = {"ResponseMetadata": {"HTTPHeaders": {"server": "Shed"}}}
    client.list_objects_v2.side_effect = UserError("credentials are here and refused")
    monkeypatch.setattr(stores, "make_client", lambda *_: client)
    answer = ask_store("s3://bucket/fruit.csv", {}, tmp_path)
    assert answer.is_open
    assert answer.text.startswith("Shed, with the credentials here, ")
    remote = {"url": "s3://bucket/cache"}  # whose objects are still to come
    assert ask_store(remote["url"], remote, tmp_path) == Answer(
        False, "credentials are here and refused"
    )


def test_data_of_no_address_have_none_to_ask(project: Project) -> None:
    assert doctor.check_source(project) == doctor.ok("the data came from no address that is kept")


def test_the_address_that_dvc_keeps_is_asked(project: Project, server: str) -> None:
    content = f"deps:\n- path: http://{server}/fruit.csv\nouts:\n- path: fruit.csv\n"
    (project.raw / "fruit.csv.dvc").write_text(content, encoding="utf-8")
    assert doctor.check_source(project).message.startswith(f"http://{server}/fruit.csv: BaseHTTP/")


def test_a_secret_in_what_git_keeps_is_wrong_and_not_repeated(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    init_dvc(project)
    dvc = (sys.executable, "-m", "dvc", "remote")
    run(project, *dvc, "add", "-d", "store", "s3://bucket/path")
    monkeypatch.setattr(doctor, "ask_store", lambda *_: Answer(True, "there"))
    run(project, *dvc, "modify", "--local", "store", "secret_access_key", "hunter2Zq")
    assert doctor.check_remote(project) == doctor.ok("store: there")
    run(project, *dvc, "modify", "store", "secret_access_key", "hunter2Zq")
    finding = doctor.check_remote(project)
    assert finding.state == "wrong"
    assert finding.message.startswith("secret_access_key in .dvc/config, which git keeps: ")
    assert "hunter2Zq" not in finding.message


@pytest.mark.parametrize(
    ("address", "state"),
    [("ssh://me@host/path", "ok"), ("https://me:hunter2Zq@host/path", "wrong")],
)
def test_a_name_in_the_address_of_a_remote_is_no_secret_and_a_password_is(
    project: Project, monkeypatch: pytest.MonkeyPatch, address: str, state: str
) -> None:
    init_dvc(project)
    run(project, sys.executable, "-m", "dvc", "remote", "add", "store", address)
    run(project, sys.executable, "-m", "dvc", "remote", "default", "store")
    monkeypatch.setattr(doctor, "ask_store", lambda *_: Answer(True, "there"))
    finding = doctor.check_remote(project)
    assert finding.state == state
    assert "hunter2Zq" not in finding.message


def test_a_password_in_an_address_is_neither_sent_nor_told(server: str, tmp_path: Path) -> None:
    answer = ask_store(f"http://me:hunter2Zq@{server}/a.csv", {}, tmp_path)
    assert answer.is_open
    assert "hunter2Zq" not in answer.text


def test_a_file_that_data_came_from_is_no_store(project: Project) -> None:
    (project.raw / "fruit.csv.dvc").write_text(
        "deps:\n- path: ../../elsewhere/fruit.csv\nouts: []\n"
    )
    assert doctor.check_source(project) == doctor.ok("the data came from no address that is kept")
