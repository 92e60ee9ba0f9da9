"""Clients that are slow, rude or broken: what the server does with them, by bare sockets."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import httpx
import pytest
from lockstep.core.params import ServeParams
from lockstep.serving import connection, limits
from lockstep.serving.messages import Reply
from made_up_engine import ROW, MadeUpEngine, MadeUpStore, serve_made_up

SECONDS = 0.5
"""For heads, bodies, and what takes an answer: short, since the tests wait for all of them."""
MEGABYTE = 10**6
ENGINE = MadeUpEngine()
BODY = json.dumps(ROW).encode()
HEAD = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
REQUEST = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    settings = ServeParams(seconds=SECONDS, max_megabytes=1, max_rows=20_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "HEAD_SECONDS", SECONDS)
        patch.setattr(connection, "STALL_SECONDS", SECONDS)
        patch.setattr(limits, "LINGERING_SECONDS", SECONDS)
        with serve_made_up(settings, ENGINE, MadeUpStore()) as (_, port):
            yield port


@pytest.fixture(autouse=True)
def still_answers(port: int) -> Iterator[None]:
    """After each of them, the server answers others."""
    yield
    answer = httpx.post(f"http://127.0.0.1:{port}/predict", json=ROW)
    assert answer.status_code == 200
    lines = httpx.get(f"http://127.0.0.1:{port}/metrics").text.splitlines()
    assert not [line for line in lines if 'status="500"' in line]


@contextmanager
def connect(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        yield client


def read_all(client: socket.socket) -> bytes:
    """What comes until the server closes the connection."""
    return b"".join(iter(lambda: client.recv(65536), b""))


def test_a_connection_that_says_nothing_is_closed(port: int) -> None:
    with connect(port) as client:
        assert read_all(client) == b""


@pytest.mark.parametrize("start", [b"P", HEAD])
def test_a_head_that_does_not_come_is_given_up(port: int, start: bytes) -> None:
    with connect(port) as client:
        client.sendall(start)
        assert read_all(client).startswith(b"HTTP/1.1 408 ")


def test_a_head_that_comes_after_an_answer_is_given_up_too(port: int) -> None:
    with connect(port) as client:
        client.sendall(REQUEST)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        client.sendall(HEAD)
        assert read_all(client).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("framing", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
def test_a_body_that_trickles_is_given_up(port: int, framing: bytes) -> None:
    with connect(port) as client:
        client.sendall(HEAD + framing + b"\r\n\r\n")
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            client.sendall(b"1\r\n{\r\n" if b"chunked" in framing else b" ")
            time.sleep(SECONDS / 5)
        answer = read_all(client)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in answer.lower()
        assert b"the request did not come within 0.5 seconds" in answer


def test_slow_clients_do_not_keep_others_waiting(port: int) -> None:
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
    try:
        for client in clients:
            client.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        answer = httpx.post(f"http://127.0.0.1:{port}/predict", json=ROW)
        assert answer.status_code == 200
    finally:
        for client in clients:
            client.close()


@pytest.mark.parametrize("expectation", [b"", b"Expect: 100-continue\r\n"])
def test_a_length_that_is_too_large_is_refused_before_the_body_comes(
    port: int, expectation: bytes
) -> None:
    with connect(port) as client:
        client.sendall(HEAD + expectation + b"Content-Length: 1000001\r\n\r\n")
        answer = read_all(client)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert answer.endswith(b'{"error":"a request of at most 1 MB was expected"}')


def test_a_body_without_a_length_is_refused_while_it_comes(port: int) -> None:
    with connect(port) as client:
        client.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n%b\r\n" % (2**16, b" " * 2**16)
        for _ in range(MEGABYTE // 2**16 + 1):
            client.sendall(chunk)
        assert client.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_sends_all_of_a_body_that_is_too_large_reads_why(port: int) -> None:
    client = HTTPConnection("127.0.0.1", port, timeout=20)
    client.request("POST", "/predict", b" " * 20 * MEGABYTE, {"Content-Type": "application/json"})
    answer = client.getresponse()
    assert answer.status == 413
    assert json.load(answer) == {"error": "a request of at most 1 MB was expected"}


@pytest.mark.parametrize("path", ["/health/live", "/", "/models"])
def test_the_head_of_an_answer_comes_without_its_body(port: int, path: str) -> None:
    with connect(port) as client:
        client.sendall(b"HEAD %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode())
        client.shutdown(socket.SHUT_WR)
        head, _, body = read_all(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"content-length: " in head.lower()
    assert body == b""


def test_a_body_as_large_as_may_be_is_read(port: int) -> None:
    content = BODY + b" " * (MEGABYTE - len(BODY))
    headers = {"Content-Type": "application/json"}
    answer = httpx.post(f"http://127.0.0.1:{port}/predict", content=content, headers=headers)
    assert answer.status_code == 200


def test_bodies_that_are_too_large_together_are_told_to_come_back(port: int) -> None:
    clients = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(18)]
    try:
        for client in clients:
            client.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % MEGABYTE)
            client.sendall(b" " * (MEGABYTE - 1))
        answers = [client.recv(1000) for client in clients]
    finally:
        for client in clients:
            client.close()
    statuses = [int(answer.split()[1]) for answer in answers]
    assert {*statuses} == {408, 503}
    assert all(b"retry-after: 1" in answer.lower() for answer in answers if b" 503 " in answer)


@pytest.mark.parametrize(
    "start",
    [
        HEAD + b"X-Long: ",
        b"GET /",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Long: ",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=",
    ],
    ids=["header", "path", "trailer", "chunk"],
)
def test_what_has_no_end_and_is_no_body_is_refused(port: int, start: bytes) -> None:
    with connect(port) as client:
        client.sendall(start + b"x" * (connection.LONGEST_HEAD + 100))
        assert client.recv(1000).startswith(b"HTTP/1.1 431 ")


def test_a_body_in_the_smallest_of_chunks_is_read(port: int) -> None:
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY + b" " * 100_000)
    with connect(port) as client:
        client.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_what_has_no_end_ends_with_the_answer_before_it(port: int) -> None:
    ENGINE.delay = 0.2
    with connect(port) as client:
        client.sendall(REQUEST + HEAD + b"X-Long: ")
        time.sleep(SECONDS / 5)
        client.sendall(b"x" * (connection.LONGEST_HEAD + 100))
        answer = read_all(client)
    ENGINE.delay = 0.0
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HELLO\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"X: \x00\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(port: int, rubbish: bytes) -> None:
    with connect(port) as client:
        client.sendall(rubbish)
        assert client.recv(1000).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("path", [b"/%ff", b"/..%2f..%2fetc/passwd", b"//", b"/models/%00", b"*"])
def test_strange_paths_lead_nowhere(port: int, path: bytes) -> None:
    with connect(port) as client:
        client.sendall(b"GET %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path)
        assert int(read_all(client).split()[1]) in (400, 404)


def test_a_client_that_has_closed_its_side_gets_its_answer(port: int) -> None:
    ENGINE.delay = 0.2
    with connect(port) as client:
        client.sendall(REQUEST)
        client.shutdown(socket.SHUT_WR)
        answer = read_all(client)
    ENGINE.delay = 0.0
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in answer.lower()


def test_a_client_that_has_closed_its_side_within_a_request_gets_none(port: int) -> None:
    with connect(port) as client:
        client.sendall(REQUEST[:-1])
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""


def test_a_client_that_is_gone_is_forgotten(port: int) -> None:
    for part in (REQUEST[:-1], REQUEST):
        with connect(port) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.sendall(part)


def test_a_client_that_wants_to_speak_otherwise_is_answered_in_http(port: int) -> None:
    for name in (b"websocket", b"h2c"):
        with connect(port) as client:
            head = b"Host: localhost\r\nConnection: Upgrade\r\nUpgrade: %b\r\n\r\n" % name
            client.sendall(b"GET /health/live HTTP/1.1\r\n" + head)
            assert client.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_requests_of_one_connection_are_answered_in_their_order(port: int) -> None:
    with connect(port) as client:
        ids = [b"X-Request-Id: %d\r\n" % number for number in range(3)]
        client.sendall(b"".join(REQUEST.replace(b"Host", each + b"Host") for each in ids))
        client.shutdown(socket.SHUT_WR)
        answer = read_all(client)
    assert [answer.count(b'{"request":"%d"' % number) for number in range(3)] == [1, 1, 1]
    assert answer.index(b'"request":"0"') < answer.index(b'"request":"2"')


def test_an_answer_that_nobody_takes_is_given_up(port: int) -> None:
    text = "x" * 16 * MEGABYTE  # more than the buffers on the way hold
    ENGINE.reply = Reply("fruit", "1.1.0", "ab", [{"prediction": text}], None, 0.01)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.settimeout(20)
        client.connect(("127.0.0.1", port))
        client.sendall(REQUEST)
        time.sleep(3 * SECONDS)
        ENGINE.reply = None
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert len(answer) < len(text)
