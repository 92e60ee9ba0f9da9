"""The engine of the server: which version answers, and that one does whatever happens."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from conftest import LIBRARY
from lockstep.core.errors import UserError
from lockstep.serving import engine as engine_module
from lockstep.serving.engine import Engine, Version
from lockstep.serving.errors import Broken, Busy, Late, UnknownModel, Unusable
from lockstep.serving.messages import Question, Reply
from lockstep.serving.process import WorkerProcess
from lockstep.standalone.frames import pack
from stand_ins import CONTRACT, Versions, ask, make_wheel, serve


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return str(make_wheel(tmp_path / "dist", "1.0.0"))


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Versions:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engine_module, "SECONDS_BETWEEN_LOOKS", 0.05)
    versions = Versions(tmp_path / "project")
    versions.register("1.0.0")
    versions.register("1.1.0")
    return versions


async def read_version(engine: Engine, **choice: object) -> str:
    return (await engine.predict(ask(), request="r", **choice)).version


def list_workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if is_worker(child)]


def is_worker(process: psutil.Process) -> bool:
    try:
        return any("worker" in argument for argument in process.cmdline())
    except psutil.Error:  # it has just ended
        return False


async def wait_until(is_so: object) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.02)


def test_a_wheel_answers_without_a_repository(wheel: str) -> None:
    reply = serve(lambda engine: engine.predict(ask(7, who="Ada"), request="r"), wheel)
    assert (reply.model, reply.version) == ("fruit", "1.0.0")
    assert reply.answers == [{"prediction": "1.0.0 7"}]
    assert reply.rows == [{"x": 7, "who": "Ada"}]
    assert not list_workers()


def test_what_is_served_is_told(wheel: str) -> None:
    async def work(engine: Engine) -> object:
        return engine.list_versions()

    (version,) = serve(work, wheel)
    assert (version.model, version.state, version.is_default) == ("fruit", "ready", True)
    assert version.card == "# fruit 1.0.0"
    assert version.metrics == {"accuracy": 0.9}
    assert version.classes == ["no", "yes"]
    assert version.features == ["x"]
    assert version.memory is None or version.memory > 2**20


def test_nothing_is_kept_of_private_columns(wheel: str) -> None:
    reply: Reply = serve(lambda engine: engine.predict(ask(), request="r"), wheel)
    assert reply.hidden == {"name"}
    errors = [{"column": "name", "value": "Ada", "reason": "r"}]
    refused = reply._replace(answers=[{"errors": errors}])
    assert refused.list_kept() == [
        ({"x": 1}, {"errors": [{"column": "name", "value": None, "reason": "r"}]})
    ]
    answered = reply._replace(answers=[{"prediction": "no", "name": "Ada"}], rows=None)
    assert answered.list_kept() == [(None, {"prediction": "no"})]


def test_what_the_contract_calls_private_now_is_kept_of_no_version(versions: Versions) -> None:
    columns = CONTRACT["columns"]
    columns = columns | {"who": {**columns["who"], "private": True}}
    contract = {**CONTRACT, "source": "none", "licence": "none", "columns": columns}
    versions.paths.contract_file.parent.mkdir()
    versions.paths.contract_file.write_text(json.dumps(contract))
    reply = serve(
        lambda engine: engine.predict(ask(who="Ada"), request="r"), "v1.0.0", paths=versions.paths
    )
    assert reply.hidden == {"who", "name"}
    assert reply.list_kept() == [({"x": 1}, {"prediction": "1.0.0 1"})]


def test_what_the_version_that_answers_hides_is_kept_of_no_shadow(versions: Versions) -> None:
    columns = {
        name: {**CONTRACT["columns"][name], "private": False} for name in CONTRACT["columns"]
    }
    described = {"kind": "classification", "contract": {**CONTRACT, "columns": columns}}
    versions.register("2.0.0", **{"champion/model.json": json.dumps(described)})
    replies: list[Reply | None] = []

    async def work(engine: Engine) -> None:
        await engine.predict(ask(name="Ada"), request="r")
        await wait_until(lambda: replies)

    serve(
        work,
        "v1.0.0",
        paths=versions.paths,
        shadows=["v2.0.0"],
        note_shadow=lambda *note: replies.append(note[2]),
    )
    (reply,) = replies
    assert reply
    assert reply.list_kept() == [({"x": 1}, {"prediction": "2.0.0 1"})]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("whom", "whom: no such column; did you mean who? allowed: who, x, y"),
        ("name", "name: private, so it is never kept; take it out"),
    ],
)
def test_a_column_that_cannot_be_kept_is_told_at_the_start(
    wheel: str, name: str, complaint: str
) -> None:
    with pytest.raises(UserError) as error:
        serve(read_version, wheel, keep={"columns": ["x", name]})
    assert str(error.value) == f"params.yaml: serve.keep.columns: {complaint}"
    assert not list_workers()


def test_only_the_columns_that_the_settings_name_are_kept(wheel: str) -> None:
    reply = serve(lambda engine: engine.predict(ask(), request="r"), wheel, keep={"columns": ["x"]})
    assert reply.hidden == {"who", "name", "y"}
    reply = serve(lambda engine: engine.predict(ask(), request="r"), wheel, keep={"rows": False})
    assert reply.hidden == {"who", "x", "name", "y"}


def test_questions_go_to_the_version_or_the_stage_that_they_name(versions: Versions) -> None:
    versions.assign("staging", "1.0.0")
    versions.assign("production", "1.1.0")

    async def work(engine: Engine) -> None:
        assert await read_version(engine) == "1.1.0"
        assert await read_version(engine, version="1.0.0") == "1.0.0"
        assert await read_version(engine, version="v1.1.0") == "1.1.0"
        assert await read_version(engine, stage="staging") == "1.0.0"
        assert await read_version(engine, model="fruit") == "1.1.0"
        with pytest.raises(UnknownModel, match=r"stage 'test': not served here; there are fruit 1"):
            await read_version(engine, stage="test")
        with pytest.raises(UnknownModel, match=r"version '1\.0\.0', stage 'production'"):
            await read_version(engine, version="1.0.0", stage="production")
        stages = {version.version: version.stages for version in engine.list_versions()}
        assert stages == {"1.1.0": ("production",), "1.0.0": ("staging",)}

    serve(work, paths=versions.paths)


def test_models_of_two_projects_are_told_apart(wheel: str, tmp_path: Path) -> None:
    other = make_wheel(tmp_path / "dist", "1.0.0", "trees")

    async def work(engine: Engine) -> None:
        first = await engine.predict(ask(), request="r")
        second = await engine.predict(ask(), request="r", model="trees")
        assert (first.model, second.model) == ("fruit", "trees")

    serve(work, wheel, str(other))


def test_two_models_of_one_name_are_not_served(wheel: str, tmp_path: Path) -> None:
    other = make_wheel(tmp_path / "other", "1.0.0", extra="another")
    with pytest.raises(UserError, match=r"fruit 1\.0\.0: two models are called so"):
        serve(read_version, wheel, str(other))


def test_one_key_is_always_answered_by_the_same_version(versions: Versions) -> None:
    versions.assign("production", "1.0.0")

    async def work(engine: Engine) -> None:
        by_key = {key: await read_version(engine, key=key) for key in map(str, range(200))}
        counts = Counter(by_key.values())
        assert 30 <= counts["1.1.0"] <= 70  # a quarter of them, give or take three deviations
        assert [await read_version(engine, key=key) for key in by_key] == [*by_key.values()]
        # The identifier of the first row is the key where no other is given, or else the request.
        for key, version in [*by_key.items()][:20]:
            reply = await engine.predict(ask(who=key), request="r")
            assert reply.version == version
            assert (await engine.predict(ask(), request=key)).version == version
        assert await read_version(engine, stage="production", key="1") == "1.0.0"

    serve(work, paths=versions.paths, canary={"1.1.0": 0.25})


def test_a_shadow_answers_too_and_nobody_waits_for_it(versions: Versions) -> None:
    versions.assign("production", "1.0.0")
    seen: list[tuple[str, str | None]] = []

    def note(request: str, question: Question, reply: Reply | None) -> None:
        assert question.rows
        seen.append((request, reply.answers[0]["prediction"] if reply else None))

    async def work(engine: Engine) -> None:
        assert (await engine.predict(ask(3), request="a")).version == "1.0.0"
        with pytest.raises(Broken):
            await engine.predict(ask(do="crash"), request="b")
        await wait_until(lambda: len(seen) == 2)
        with pytest.raises(UnknownModel):
            await read_version(engine, version="1.1.0")

    serve(work, paths=versions.paths, shadows=["v1.1.0"], note_shadow=note)
    assert seen == [("a", "1.1.0 3"), ("b", None)]


def test_shadows_that_are_too_slow_are_left_out_and_counted(versions: Versions) -> None:
    versions.register("2.0.0", pause="60")
    versions.assign("production", "1.0.0")

    async def work(engine: Engine) -> None:
        for _ in range(9):
            await engine.predict(ask(), request="r")
        (shadow,) = [version for version in engine.list_versions() if version.is_shadow]
        assert [version.is_live for version in engine.list_versions()] == [True, False]
        assert shadow.dropped >= 9 - 4 - 1  # four wait, and one or more are being answered

    serve(work, paths=versions.paths, shadows=["2.0.0"], waiting=4, seconds=1)


def test_what_waits_for_a_shadow_is_bounded_by_its_bytes(versions: Versions) -> None:
    versions.register("2.0.0", pause="60")
    versions.assign("production", "1.0.0")

    async def work(engine: Engine) -> None:
        for _ in range(9):
            await engine.predict(replace(ask(), size=600_000), request="r")
        (shadow,) = [version for version in engine.list_versions() if version.is_shadow]
        assert shadow.dropped >= 9 - 1 - 1  # one waits, and one is being answered

    serve(work, paths=versions.paths, shadows=["2.0.0"], max_megabytes=1, seconds=2)


def test_promotion_and_rollback_lose_no_request(
    versions: Versions, capsys: pytest.CaptureFixture[str]
) -> None:
    versions.assign("production", "1.0.0")
    moves = ["1.1.0", "1.0.0", "1.1.0"]

    async def work(engine: Engine) -> list[str]:
        answered: list[str] = []
        is_over = False

        async def ask_on(client: int) -> None:
            count = 0
            while not is_over:
                count += 1
                reply = await engine.predict(ask(f"{client}-{count}"), request="r")
                assert reply.answers == [{"prediction": f"{reply.version} {client}-{count}"}]
                answered.append(reply.version)

        clients = [asyncio.create_task(ask_on(client)) for client in range(8)]
        for version in moves:
            await asyncio.to_thread(versions.assign, "production", version)
            await wait_until(lambda version=version: answered[-50:] == [version] * 50)
            (present,) = engine.list_versions()
            assert (present.version, present.stages) == (version, ("production",))
            await wait_until(lambda: len(list_workers()) == 1)
        is_over = True
        await asyncio.gather(*clients)
        return answered

    answered = serve(work, paths=versions.paths)
    changes = [
        version
        for version, before in zip(answered[1:], answered, strict=False)
        if version != before
    ]
    assert set(changes) == {"1.0.0", "1.1.0"}
    assert capsys.readouterr().err.count("answers for production now") == len(moves)


def test_what_is_withdrawn_while_it_starts_never_answers(
    versions: Versions, capsys: pytest.CaptureFixture[str]
) -> None:
    versions.register("2.0.0", wait="")
    versions.assign("production", "1.0.0")

    async def work(engine: Engine) -> None:
        versions.assign("production", "2.0.0")
        await wait_until(lambda: len(list_workers()) == 2)
        versions.withdraw("production")
        (held,) = versions.paths.root.glob(".serve/cache/models/*/*_model/wait")
        held.unlink()
        while len(list_workers()) == 2:
            assert await read_version(engine) == "1.0.0"
            await asyncio.sleep(0.01)
        assert await read_version(engine, stage="production") == "1.0.0"

    serve(work, paths=versions.paths)
    assert "answers for production now" not in capsys.readouterr().err


def test_the_last_version_of_all_stages_goes_on_when_it_is_taken_out(
    versions: Versions, capfd: pytest.CaptureFixture[str]
) -> None:
    versions.assign("production", "1.0.0")

    async def work(engine: Engine) -> None:
        versions.withdraw("production")
        await wait_until(lambda: told.append(capfd.readouterr().err) or "serve: all" in told[-1])
        assert await read_version(engine) == "1.0.0"
        versions.assign("beta", "1.1.0")
        await wait_until(lambda: engine.list_versions()[0].version == "1.1.0")

    told: list[str] = []
    serve(work, paths=versions.paths)
    assert told[-1] == "serve: all stays as it is: nothing stands in any stage\n"


def test_the_latest_version_is_served_by_that_name(versions: Versions) -> None:
    async def work(engine: Engine) -> None:
        assert await read_version(engine) == "1.1.0"
        versions.register("1.2.0")
        await wait_until(lambda: engine.list_versions()[0].version == "1.2.0")

    serve(work, "latest", paths=versions.paths)


def test_a_version_that_cannot_answer_does_not_take_the_place_of_one_that_does(
    versions: Versions, capfd: pytest.CaptureFixture[str]
) -> None:
    versions.register("2.0.0", fault="it was made on another planet")
    versions.assign("production", "1.0.0")

    async def work(engine: Engine) -> None:
        versions.assign("production", "2.0.0")
        await wait_until(
            lambda: "serve: all stays" in (told.append(capfd.readouterr().err) or "".join(told))
        )
        assert await read_version(engine) == "1.0.0"
        versions.assign("production", "1.1.0")
        await wait_until(lambda: engine.list_versions()[0].version == "1.1.0")

    told: list[str] = []
    serve(work, paths=versions.paths)
    assert "all stays as it is: fruit 2.0.0: it was made on another planet" in "".join(told)


def test_what_cannot_answer_keeps_the_server_from_starting(versions: Versions) -> None:
    versions.register("2.0.0", fault="it was made on another planet")
    with pytest.raises(UserError, match=r"fruit 2\.0\.0: it was made on another planet"):
        serve(read_version, "v1.0.0", "v2.0.0", paths=versions.paths)
    assert not list_workers()


def test_killed_workers_lose_no_request(wheel: str) -> None:
    async def work(engine: Engine) -> None:
        answered = 0
        is_over = False

        async def ask_on(client: int) -> None:
            nonlocal answered
            while not is_over:
                reply = await engine.predict(ask(client), request="r")
                assert reply.answers == [{"prediction": f"1.0.0 {client}"}]
                answered += 1

        clients = [asyncio.create_task(ask_on(client)) for client in range(8)]
        for deaths in range(1, 6):
            await asyncio.sleep(0.05)
            before = answered
            os.kill(list_workers()[0].pid, signal.SIGKILL)
            await wait_until(lambda before=before: answered > before + 20)
            # Before it is seen to be dead, it would be found, and killed, again.
            await wait_until(lambda deaths=deaths: engine.list_versions()[0].deaths == deaths)
        is_over = True
        await asyncio.gather(*clients)

    serve(work, wheel, workers=2)


def test_a_worker_that_is_killed_while_it_starts_is_started_again(wheel: str) -> None:
    async def work(engine: Engine) -> None:
        held = engine.list_versions()[0]
        wait = next(Path(".serve/cache/models").glob("*/*_model")) / "wait"
        wait.touch()
        for _ in range(3):
            (worker,) = list_workers()
            worker.kill()
            await wait_until(lambda former=worker: list_workers() not in ([], [former]))
            assert engine.list_versions()[0].state == "starting"
        asked = asyncio.create_task(engine.predict(ask(), request="r"))
        wait.unlink()
        assert (await asked).version == held.version

    serve(work, wheel)


def test_a_server_ends_at_once_while_a_worker_starts(wheel: str) -> None:
    async def work(engine: Engine) -> None:
        (next(Path(".serve/cache/models").glob("*/*_model")) / "wait").touch()
        (worker,) = list_workers()
        worker.kill()
        await wait_until(lambda: list_workers() not in ([], [worker]))
        async with asyncio.timeout(10):
            await engine.stop()
        assert not list_workers()

    serve(work, wheel, seconds=60)


def test_a_worker_that_is_killed_while_it_waits_is_replaced(wheel: str) -> None:
    async def work(engine: Engine) -> None:
        (former,) = list_workers()
        former.kill()
        await wait_until(lambda: engine.list_versions()[0].deaths)
        await wait_until(lambda: engine.list_versions()[0].state == "ready")
        assert await read_version(engine) == "1.0.0"

    serve(work, wheel)


def test_who_is_cancelled_while_a_worker_ends_leaves_it_to_others_to_end(tmp_path: Path) -> None:
    code = f"import sys; sys.stdout.buffer.write({pack({'features': []})!r}); sys.stdout.flush(); "
    command = [sys.executable, "-c", code + "sys.stdin.read()"]

    async def work() -> None:
        worker = await WorkerProcess.start(command, tmp_path, is_polite=False)
        ending = asyncio.create_task(worker.kill())
        await asyncio.sleep(0)
        ending.cancel()
        await asyncio.wait((ending,))
        assert ending.cancelled()
        await worker.kill()
        assert await worker.end

    asyncio.run(work())


def test_a_question_that_kills_its_worker_takes_no_other_with_it(wheel: str) -> None:
    async def work(engine: Engine) -> None:
        first = engine.predict(ask(do=0.3), request="r")  # meanwhile the others wait together
        questions = [ask("a"), ask(do="die"), ask("b")]
        others = [engine.predict(question, request="r") for question in questions]
        _, a, died, b = await asyncio.gather(first, *others, return_exceptions=True)
        assert (a.answers, b.answers) == ([{"prediction": "1.0.0 a"}], [{"prediction": "1.0.0 b"}])
        assert isinstance(died, Broken)
        assert died.detail == "fruit 1.0.0: its process has died of the request"
        assert engine.list_versions()[0].deaths == 2

    serve(work, wheel)


def test_a_worker_that_hangs_is_given_up(wheel: str) -> None:
    async def work(engine: Engine) -> None:
        with pytest.raises(Late, match=r"no answer in 0\.5 s"):
            await engine.predict(ask(do=60), request="r")
        assert await read_version(engine) == "1.0.0"

    serve(work, wheel, seconds=0.5)


def test_more_requests_than_may_wait_are_told_to_come_back(wheel: str) -> None:
    async def work(engine: Engine) -> None:
        first = [asyncio.create_task(engine.predict(ask(do=0.2), request="r")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Busy) as caught:
            await engine.predict(ask(), request="r")
        assert caught.value.retry_after == 1
        await asyncio.gather(*first)
        assert await read_version(engine) == "1.0.0"

    serve(work, wheel, waiting=2)


def test_a_body_without_rows_is_told_so(wheel: str) -> None:
    with pytest.raises(Unusable, match="the request: no table"):
        serve(lambda engine: engine.predict(ask(do="refuse"), request="r"), wheel)


def test_requests_under_way_are_answered_before_the_server_ends(wheel: str) -> None:
    async def work(engine: Engine) -> None:
        asked = [asyncio.create_task(engine.predict(ask(n, do=0.1), request="r")) for n in range(4)]
        await asyncio.sleep(0.05)
        ending = asyncio.create_task(engine.stop())
        replies = await asyncio.gather(*asked)
        assert [reply.answers[0]["prediction"] for reply in replies] == [
            f"1.0.0 {n}" for n in range(4)
        ]
        with pytest.raises(Busy, match="the server is ending"):
            await read_version(engine)
        await ending
        assert not list_workers()

    serve(work, wheel)


SERVER = """
import asyncio, sys
from pathlib import Path
from lockstep.core.params import ServeParams
from lockstep.core.paths import Paths
from lockstep.serving.engine import Engine, Version

async def serve():
    engine = Engine(Paths(Path.cwd()), sys.argv[1:], ServeParams(), print)
    await engine.start()
    print("up", flush=True)
    await asyncio.sleep(60)

asyncio.run(serve())
"""


def test_workers_end_with_a_server_that_is_killed(wheel: str) -> None:
    command = [sys.executable, "-c", SERVER, wheel]
    environment = os.environ | {"PYTHONPATH": str(LIBRARY.parent)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as server:
        assert server.stdout.readline() == b"up\n"
        (worker,) = psutil.Process(server.pid).children()
        server.kill()
    psutil.wait_procs([worker], timeout=20)
    assert not worker.is_running()


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "fruit 1.0.0"),
        ({"stages": ("production",), "is_default": True}, "fruit 1.0.0: production, answers by"),
        ({"share": 0.05}, "fruit 1.0.0: answers 5% of those"),
        ({"is_shadow": True}, "fruit 1.0.0: answers for nobody to see"),
    ],
)
def test_a_version_is_told_by_what_it_does(
    wheel: str, facts: dict[str, object], words: str
) -> None:
    async def work(engine: Engine) -> Version:
        return engine.list_versions()[0]

    plain = replace(serve(work, wheel), is_default=False)
    assert replace(plain, **facts).describe().startswith(words)


def test_one_model_by_two_names_is_served_once(versions: Versions) -> None:
    (wheel,) = (versions.paths.root / ".serve/cache/wheels").glob("v1.0.0-*/*.whl")

    async def work(engine: Engine) -> None:
        assert len(engine.list_versions()) == len(list_workers()) == 1

    serve(work, "v1.0.0", str(wheel), paths=versions.paths)
