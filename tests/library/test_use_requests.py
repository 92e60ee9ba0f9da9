"""Requests whose outcome is known as the next delivery of raw data."""

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import CONTRACT, make_fruit, make_project, run_stage, write_params
from lockstep.adopting import swap
from lockstep.adopting.inventory import pointer
from lockstep.commands import cli
from lockstep.core.environment import record_environment
from lockstep.core.files import read_yaml
from lockstep.core.project import Project
from lockstep.core.table import Table
from lockstep.serving.entries import Entry
from lockstep.serving.request_database import FILE, RequestDatabase, as_json

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
APPLE = {"weight": 150.5, "seeds": 3, "colour": "red"}
TRACK = swap.track
MELON = {"weight": 410, "seeds": None, "colour": "green"}


def track(_: Project, staging: Path, command: str, separator: str, name: str) -> None:
    assert (command, separator) == ("add", "--")
    pointer(staging / name).write_text("outs: []\n")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with raw data and a stand-in for DVC, which takes a second each time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(swap, "track", track)
    made = make_project(tmp_path)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    record_environment(made)  # as each start of DVC does
    return made


class Server:
    """What a server keeps, without one."""

    def __init__(self, project: Project) -> None:
        self.database = RequestDatabase(project.root / FILE)

    def keep(self, request: str, *contents: dict[str, Any] | None, **other: Any) -> None:
        for row, content in enumerate(contents):
            usual = Entry(
                request, NOON, "owner", "1.0.0", "0" * 64, "answer", 200, row, content, {}, 0.1
            )
            line = usual._replace(**other)._asdict()
            content = line["content"]
            line["content"] = None if content is None else as_json(content)
            self.database.write([line | {"answer": as_json(line["answer"])}])

    def tell(self, request: str, *outcomes: Any, at: datetime = NOON + HOUR) -> None:
        known = [(request, row, one) for row, one in enumerate(outcomes) if one is not None]
        self.database.add_outcomes(known, at)


@pytest.fixture
def server(project: Project) -> Iterator[Server]:
    server = Server(project)
    yield server
    server.database.close()


def use(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str], str]:
    status = cli.main(["use", "--from-requests", *arguments])
    printed = capsys.readouterr()
    return status, printed.out.splitlines(), printed.err


def take(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """What the command tells of what is left out, and of gaps."""
    status, lines, errors = use(capsys, *arguments)
    assert (status, errors) == (0, "")
    return [line for line in lines if "left out" in line or "is missing" in line]


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file of a project but for DVC's own and the requests."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not {".dvc", ".serve"} & {*path.relative_to(root).parts}
    }


def read_delivered(project: Project) -> pd.DataFrame:
    """The rows of all deliveries, in their order."""
    files = sorted(project.raw.glob("requests-*/rows.parquet"))
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def describe(project: Project, **changes: Any) -> None:
    """Change the contract: keys of it, or of its columns by their names."""
    contract = json.loads(project.contract_file.read_text(encoding="utf-8"))
    for name, change in changes.items():
        if isinstance(change, dict) and name != "layout":
            contract["columns"][name] = contract["columns"].get(name, {"meaning": name}) | change
        else:
            contract[name] = change
    project.contract_file.write_text(json.dumps(contract), encoding="utf-8")
    vars(project).pop("contract", None)


def test_requests_and_their_outcomes_are_the_next_delivery(
    project: Project,
    server: Server,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(swap, "track", TRACK)
    server.keep("r-1", APPLE, MELON)
    server.tell("r-1", "apple", "melon")
    assert use(capsys) == (
        0,
        [
            "use: 2 rows, with outcomes that came at 2026-11-20 13:00 UTC",
            "use: data/raw/requests-2026-11-20 (kept by DVC), params.yaml",
            "next: uv run dvc repro",
        ],
        "",
    )
    folder = project.raw / "requests-2026-11-20"
    assert read_yaml(pointer(folder), "")["outs"][0]["path"] == folder.name
    assert (project.raw / ".gitignore").read_text() == "/requests-2026-11-20\n"
    assert "- 2 rows, with outcomes that came at" in (folder / "README.md").read_text()
    run_stage("ingest")
    table = Table(project.dataset, "dataset").read()
    assert len(table) == len(make_fruit()) + 2
    assert table.tail(2).to_dict("list") == {
        "weight": [150.5, 410.0],
        "seeds": [3, None],
        "colour": ["red", "green"],
        "fruit": ["apple", "melon"],
    }
    assert json.loads(project.ingest_report.read_text())["ignored_columns"] == []


@pytest.mark.parametrize("form", ["typed", "text"])
def test_requests_are_read_as_the_same_rows_of_a_raw_file_are(
    project: Project, server: Server, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    describe(
        project,
        target="müll",
        missing=["-"],
        layout={
            **{"delimiter": ";", "decimal": ",", "thousands": ".", "quote": "'"},
            **{"encoding": "cp1252", "skip": 2},
        },
        day={"type": "datetime", "format": "%d.%m.%Y"},
        zip={"type": "categorical", "categories": ["01067", "8001"], "nullable": True},
        note={"type": "text", "nullable": True},
        müll={"type": "binary", "categories": ["false", "true"]},
    )
    lines = [
        *("exported", "made by hand", "weight;seeds;colour;fruit;day;zip;note;müll"),
        "150,5;3;red;apple;01.02.2026;01067;'a; ''b''';false",
        "410;-;green;melon;28.11.2025;8001;-;true",
        "1e-05;0;green;melon;31.12.2025;-; ä ;true",
    ]
    (project.raw / "fruit.csv").write_text("\n".join(lines) + "\n", encoding="cp1252")
    contents: list[dict[str, Any]] = [
        {"weight": 150.5, "seeds": 3.0, "day": "01.02.2026", "zip": "01067", "note": "a; 'b'"},
        {"weight": 410, "seeds": None, "day": "2025-11-28 00:00:00", "zip": 8001},
        {"weight": 1e-05, "seeds": "0", "day": "2025-12-31T00:00:00", "note": " ä "},
    ]
    if form == "text":
        contents[0] |= {"weight": "150,5", "seeds": "3"}
        contents[1] |= {"weight": "410", "seeds": "-", "zip": "8001", "note": "-"}
        contents[2] |= {"weight": "1e-05", "zip": "-"}
    for content, line in zip(contents, lines[3:], strict=True):
        content["colour"], content["fruit"] = line.split(";")[2:4]
    server.keep("r-1", *contents)
    server.tell("r-1", *([False, True, True] if form == "typed" else ["false", "true", "true"]))
    assert not [line for line in take(capsys) if "left out" in line]
    run_stage("ingest")
    table = Table(project.dataset, "dataset").read()
    pd.testing.assert_frame_equal(table[:3], table[3:].reset_index(drop=True))


def test_a_table_without_names_takes_requests_by_theirs(
    project: Project, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    names, columns = ("column_1", "column_3"), [*CONTRACT["columns"].values()][2:]
    contract = CONTRACT | {"columns": dict(zip(names, columns, strict=True))}
    contract |= {"target": "column_3", "drop": ["column_2"], "layout": {"header": False}}
    project.contract_file.write_text(json.dumps(contract))
    (project.raw / "fruit.csv").write_text("red,x,apple\ngreen,y,melon\n")
    server.keep("r-1", {"column_1": "red"})
    server.tell("r-1", "apple")
    take(capsys)
    run_stage("ingest")
    assert Table(project.dataset, "").read()["column_1"].tolist() == ["red", "green", "red"]


def test_what_is_left_out_is_told_with_the_reason(
    project: Project, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.keep("r-1", *[APPLE] * 4)
    server.tell("r-1", "apple")
    server.keep("r-2", APPLE, APPLE | {"weight": 9000}, {"colour": "red"})
    server.tell("r-2", "pear", "apple", "apple")
    server.keep("r-5", APPLE)
    server.tell("r-5", "NA")
    server.keep("r-3", None)
    server.tell("r-3", "apple")
    server.keep("r-4", APPLE, model="another")
    server.tell("r-4", "apple")
    lines = [
        "3 rows left out: no outcome was told yet",
        "1 row left out: another model was asked",
        "1 row left out: nothing was kept but the answer; the first is row 0 of request r-3",
        "1 row left out: fruit breaks the contract; the first is row 0 of request r-2: fruit is "
        "'pear', expected one of apple, melon",
        "1 row left out: fruit is missing; the first is row 0 of request r-5",
        "1 row left out: weight breaks the contract; the first is row 1 of request r-2: weight is "
        "'9000', expected a number from 0 to 500 g",
        "1 row left out: weight is missing; the first is row 2 of request r-2: the request lacks "
        "it; what clients send of it is kept, though no model asks for it",
    ]
    assert sorted(take(capsys)) == sorted(f"use: {line}" for line in lines)
    assert len(read_delivered(project)) == 1
    readme = (project.raw / "requests-2026-11-20" / "README.md").read_text()
    assert all(f"- {line}\n" in readme for line in lines)


def test_an_outcome_that_comes_late_is_in_a_later_delivery_and_no_row_is_in_two(
    project: Project, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.keep("r-1", APPLE, MELON, MELON)
    server.tell("r-1", None, "melon")
    take(capsys)
    server.tell("r-1", "apple", at=NOON + 50 * HOUR)
    assert take(capsys) == [
        "use: 1 row left out: no outcome was told yet",
        "use: 1 row left out: delivered before; the first is row 1 of request r-1",
    ]
    assert {path.name for path in project.raw.glob("requests-*") if path.is_dir()} == {
        *("requests-2026-11-20", "requests-2026-11-22")
    }
    assert read_delivered(project)["fruit"].tolist() == ["melon", "apple"]
    before = snapshot(project.root)
    _, lines, _ = use(capsys)
    assert lines[-1] == "use: no outcome is new: nothing was changed"
    assert snapshot(project.root) == before


def test_what_no_delivery_could_use_is_no_news_the_next_night(
    project: Project, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.keep("r-1", None, APPLE)
    server.tell("r-1", "apple", "pear")
    assert use(capsys)[0] == 1  # nothing was ever usable
    server.keep("r-2", APPLE)
    server.tell("r-2", "apple")
    assert len(take(capsys)) == 2
    before = snapshot(project.root)
    status, lines, _ = use(capsys)
    assert (status, lines[-1]) == (0, "use: no outcome is new: nothing was changed")
    assert any("fruit breaks the contract" in line for line in lines)
    assert snapshot(project.root) == before
    server.keep("r-3", APPLE)
    server.tell("r-3", "plum")
    assert use(capsys)[0] == 1  # all that is new is unusable
    server.tell("r-3", "apple")
    fruit = {"type": "categorical", "categories": ["apple", "melon", "pear"]}
    describe(project, fruit=fruit)  # what was left out can be used by now
    take(capsys)
    assert read_delivered(project)["fruit"].tolist() == ["apple", "pear", "apple"]
    assert take(capsys)[0].startswith("use: 3 rows left out: delivered before")


def test_an_outcome_that_was_corrected_after_its_delivery_is_told(
    project: Project, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.keep("r-1", APPLE, MELON)
    server.tell("r-1", "apple")
    take(capsys)
    server.tell("r-1", "melon", "melon", at=NOON + 2 * HOUR)
    (line,) = take(capsys)
    assert line.startswith("use: 1 row left out: delivered before with another outcome; take that")
    assert read_delivered(project)["fruit"].tolist() == ["apple", "melon"]
    assert (project.raw / "requests-2026-11-20-2").is_dir()  # the second of a day


def test_since_is_about_when_outcomes_came(
    project: Project, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.keep("r-1", APPLE, MELON)
    server.tell("r-1", "apple")
    server.tell("r-1", None, "melon", at=NOON + 24 * HOUR)
    _status, lines, _ = use(capsys, "--since", "2026-11-20T15:00+02:00", "--dry-run")
    assert (
        lines[0]
        == "use: 2 rows, with outcomes that came from 2026-11-20 13:00 to 2026-11-21 12:00 UTC"
    )
    assert take(capsys, "--since", "2026-11-21") == [
        "use: 1 row left out: their outcome came before --since"
    ]
    assert read_delivered(project)["fruit"].tolist() == ["melon"]


def test_whose_an_outcome_is_must_be_certain(
    project: Project, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in (APPLE, MELON):  # two clients that count from 1
        server.keep("1", content)
    for _ in range(2):  # asked again, as after a broken connection
        server.keep("2", APPLE)
    server.keep("2", MELON, role="shadow", version="1.1.0")
    server.tell("1", "apple")
    server.tell("2", "apple")
    assert take(capsys) == [
        "use: 2 rows left out: another row has their request's id and place, so whose the outcome "
        "is nobody can tell; the first is row 0 of request 1"
    ]
    assert read_delivered(project)["weight"].tolist() == ["150.5"]


def test_columns_that_are_not_kept_are_told(
    project: Project, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    describe(project, seeds={"private": True}, note={"type": "text", "nullable": True})
    write_params(project, serve={"keep": {"columns": ["weight", "colour"]}})
    server.keep("r-1", {"weight": 150, "colour": "red"})
    server.tell("r-1", "apple")
    assert take(capsys) == [
        "use: seeds is missing in 1 of 1 rows: it is private, so the server keeps nothing of it",
        "use: note is missing in 1 of 1 rows: it is not among serve.keep.columns in params.yaml, "
        "so nothing of it is kept",
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"weight": {"private": True}}, "weight is missing; .* it is private"),
        ({"group": "tree", "tree": {"type": "identifier", "nullable": True}}, "tree is missing; "),
        (
            {"time": "picked", "picked": {"type": "datetime", "nullable": True}},
            "picked is missing; .* the request lacks it; what clients send of it is kept",
        ),
    ],
)
def test_a_delivery_that_lacks_what_is_needed_is_none(
    project: Project,
    server: Server,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    reason: str,
) -> None:
    describe(project, **changes)
    write_params(
        project, split={"by": "time" if "time" in changes else "row", "test_fraction": 0.25}
    )
    server.keep("r-1", {"seeds": 3, "colour": "red"} if "weight" in changes else APPLE)
    server.tell("r-1", "apple")
    before = snapshot(project.root)
    status, lines, errors = use(capsys)
    assert re.search(f"1 row left out: {reason}", lines[0])
    assert (status, errors) == (
        1,
        "error: no request can be used, for the reasons above: nothing was changed\n",
    )
    assert snapshot(project.root) == before


def test_clients_may_send_the_group(
    project: Project, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    describe(project, group="tree", tree={"type": "identifier"})
    server.keep("r-1", APPLE | {"tree": "t-7"})
    server.tell("r-1", "apple")
    assert take(capsys) == []
    assert read_delivered(project)["tree"].tolist() == ["t-7"]


def test_what_must_be_unique_is_so_beside_the_raw_data(
    project: Project, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    describe(project, basket={"type": "identifier", "unique": True})
    baskets = make_fruit().assign(basket=[f"b-{number}" for number in range(60)])
    baskets.to_csv(project.raw / "fruit.csv", index=False)
    server.keep("r-1", *(APPLE | {"basket": name} for name in ("b-7", "b-99", "b-99")))
    server.tell("r-1", "apple", "apple", "apple")
    assert take(capsys) == [
        "use: 2 rows left out: basket breaks the contract; the first is row 0 of request r-1: "
        "basket is 'b-7', expected a value that no row above has"
    ]
    assert read_delivered(project)["basket"].tolist() == ["b-99"]
    run_stage("ingest")
    assert json.loads(project.ingest_report.read_text())["rejected"] == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--since", "lately"], "--since: found 'lately'; a date such as 2026-11-03 was expected"),
        (["--requests", "mysql://h/d"], "--requests: sqlite:///FILE or postgresql://"),
        (["--requests", "sqlite:///no.sqlite"], "sqlite:///no.sqlite: no such file; it is made"),
        (["fruit.csv"], "use: --from-requests adds rows by the contract that there is, so name no"),
        (["--target", "x"], "use: --from-requests adds rows by the contract that there is"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(
    project: Project, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    before = snapshot(project.root)
    status, lines, errors = use(capsys, *arguments)
    assert (status, lines) == (1, [])
    assert errors.startswith(f"error: {complaint}")
    assert errors.count("\n") == 1
    assert snapshot(project.root) == before


def test_options_of_requests_are_none_of_a_file(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["use", str(project.raw / "fruit.csv"), "--since", "7d"]) == 1
    assert "--requests and --since go with --from-requests" in capsys.readouterr().err


def test_raw_data_that_take_no_second_file_are_told(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.raw / "other.csv").write_text("x\n1\n")
    _, _, errors = use(capsys)
    assert errors == (
        "error: params.yaml: data.raw: only data/raw/fruit.csv is read, and no delivery beside "
        "it; let it say data/raw, where all files are read\n"
    )
    contract = {**CONTRACT, "images": {"width": 2, "height": 2}}
    contract["columns"] = {"fruit": CONTRACT["columns"]["fruit"]}
    project.contract_file.write_text(json.dumps(contract))
    _, _, errors = use(capsys)
    assert errors.startswith("error: use: images are learnt from, of which the server keeps no")


def test_a_delivery_that_is_not_here_could_be_made_twice_so_it_is_asked_for(
    project: Project, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.keep("r-1", APPLE)
    server.tell("r-1", "apple")
    take(capsys)
    shutil.rmtree(project.raw / "requests-2026-11-20")
    status, _, errors = use(capsys)
    assert (status, errors) == (
        1,
        "error: data/raw/requests-2026-11-20: not here yet; `uv run dvc pull` brings it\n",
    )


def test_a_dry_run_tells_the_same_and_changes_nothing(
    project: Project, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.keep("r-1", APPLE, APPLE)
    server.tell("r-1", "apple", "pear")
    before = snapshot(project.root)
    _, lines, _ = use(capsys, "--dry-run")
    assert snapshot(project.root) == before
    assert lines.pop() == "use: nothing was changed (--dry-run)"
    assert use(capsys)[1][:-2] == lines


def test_what_was_interrupted_is_finished_before_the_next(
    project: Project,
    server: Server,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.keep("r-1", APPLE)
    server.tell("r-1", "apple")
    before = snapshot(project.root)

    def stop(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(swap, "write_json", stop)  # before it is decided
        with pytest.raises(SystemExit):
            use(capsys)
    assert snapshot(project.root) == before
    with monkeypatch.context() as patch:
        patch.setattr(swap, "resume", lambda _: False)  # once it is decided, and nothing is moved
        use(capsys)
    status, lines, _ = use(capsys)
    assert (status, lines[0]) == (0, "use: finished what an interrupted run had begun")
    assert lines[-1] == "use: no outcome is new: nothing was changed"
    assert read_delivered(project)["fruit"].tolist() == ["apple"]
    assert not project.staging.exists()
