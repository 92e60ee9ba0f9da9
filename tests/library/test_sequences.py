"""Sequences are examples: gathered from their points, learnt from, and predicted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS, drawing, make_params, make_project, run_stages
from lockstep.adopting.spaces import SPACES
from lockstep.adopting.suggestion import suggest
from lockstep.adopting.understanding import Understanding, frame_sample, understand
from lockstep.adopting.wishes import Wishes
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.examples import frame_contract
from lockstep.core.kinds import Kind
from lockstep.core.params import MonitorParams
from lockstep.core.project import Project
from lockstep.core.sequences import list_summaries
from lockstep.data.conformity import conform
from lockstep.data.examples import make_examples
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.convolutions import KERNELS, RandomConvolutions
from lockstep.modeling.features import make_features
from lockstep.modeling.model import Model
from lockstep.modeling.problem import Problem, make_problem
from lockstep.modeling.profile import read_profile
from lockstep.modeling.signals import SignalScaler, summarise_signals
from lockstep.monitoring.batches import Subject
from lockstep.monitoring.drift import find_drift
from lockstep.monitoring.file_source import read_files
from lockstep.monitoring.references import Reference, References
from lockstep.monitoring.request_source import make_batches
from lockstep.monitoring.windows import Windows
from lockstep.packaging.golden import make_golden
from lockstep.searching.space import choose_spaces
from lockstep.standalone.answers import Answerer, Query
from lockstep.standalone.predict import predict_file
from made_up_sequences import CONTRACT, make_swings, write_swings
from owner import features  # noqa: F401 - the recipe names the steps in it
from owner.models.sequences import summarise

POINTS = Contract.model_validate(CONTRACT)
EXAMPLES = frame_contract(POINTS)


def type_rows(rows: pd.DataFrame) -> pd.DataFrame:
    return conform(POINTS.columns, rows, POINTS.layout, POINTS.missing)[0]


def gather(rows: pd.DataFrame, contract: Contract = POINTS) -> pd.DataFrame:
    examples = make_examples([type_rows(rows)], contract, make_params())
    return pd.concat(examples, ignore_index=True)


def read(cell: bytes) -> np.ndarray:
    return np.frombuffer(cell).reshape(24, 2)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of swings that has run."""
    project = make_project(tmp_path_factory.mktemp("swings"))
    write_swings(project)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        with drawing():
            run_stages()
    return project


def test_an_example_holds_what_was_measured_and_what_all_points_share() -> None:
    rows = make_swings(6)
    table = gather(rows.sample(frac=1, random_state=0))
    assert [*table] == [*EXAMPLES.columns]
    table = table.set_index("swing").sort_index()
    assert list(table["weight"]) == [1, 2, 3, 4, 5, 1]
    for name, points in rows.groupby("swing"):
        signal = read(table.loc[name, "signal"])
        gaps = 24 - len(points)
        assert np.isnan(signal[:gaps]).all()
        assert (signal[gaps:] == points[["angle", "speed"]].to_numpy()).all()
        assert table.loc[name, "second"] == points["second"].max()


def test_the_latest_points_of_a_longer_sequence_are_kept() -> None:
    rows = make_swings(3, points=30)
    table = gather(rows).set_index("swing")
    latest = rows[rows["swing"] == "swing 000"][["angle", "speed"]].to_numpy()[-24:]
    assert (read(table.loc["swing 000", "signal"]) == latest).all()
    examples = make_examples([type_rows(rows)], POINTS, make_params())
    assert len(pd.concat(examples)) == 3
    assert "3 of them longer than 24, whose latest points are kept" in examples.summary(87, 2, 1)


def test_examples_are_the_same_in_whatever_batches_the_rows_come() -> None:
    rows = type_rows(make_swings(8))
    batches = [rows.iloc[start : start + 7] for start in range(0, len(rows), 7)]
    whole, parts = (
        pd.concat(make_examples(each, POINTS, make_params()), ignore_index=True)
        for each in ([rows], batches)
    )
    pd.testing.assert_frame_equal(whole, parts)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"second": 0.25}, r"second is '0.25 twice', expected a time of its own for each point"),
        ({"drive": "often"}, "drive is 'often and once', expected one value for all points"),
        ({"weight": 9.0}, "weight is '9.0 and 1.0', expected one value for all points"),
        ({"second": 0.25}, "sequence: 'swing 000': second is"),
        ({"swing": None}, "sequence: 1 of 24 rows lack 'swing'"),
        ({"second": None}, "time: 1 of 24 rows lack 'second'"),
    ],
)
def test_points_that_make_no_sequence_are_told(changes: dict[str, object], fault: str) -> None:
    rows = make_swings(1)
    rows.loc[0, [*changes]] = [*changes.values()]
    with pytest.raises(UserError, match=fault):
        gather(rows)


def test_sequences_of_single_points_are_told() -> None:
    with pytest.raises(UserError, match="each of 3 sequences has a single point"):
        gather(make_swings(3).groupby("swing", as_index=False).first())


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"length": None}, "sequences need `length` as well"),
        ({"time": None}, "sequences need `time` as well"),
        ({"sequence": None}, "length: it is of sequences"),
        ({"sequence": "drive"}, "'drive' has another role already"),
        ({"horizon": 2, "every": "1", "season": 1, "window": 3}, "it goes without `horizon`"),
    ],
)
def test_a_contract_says_all_that_sequences_need(changes: dict[str, object], fault: str) -> None:
    content = {key: value for key, value in (CONTRACT | changes).items() if value is not None}
    with pytest.raises(ValueError, match=fault):
        Contract.model_validate(content)


def test_a_contract_without_a_number_of_each_point_is_no_sequence() -> None:
    columns = {
        name: column | ({"constant": True} if column["type"] == "numeric" else {})
        for name, column in CONTRACT["columns"].items()
    }
    with pytest.raises(ValueError, match="no column holds a number of each point"):
        Contract.model_validate(CONTRACT | {"columns": columns})


def test_networks_get_standardised_points_and_others_get_summaries() -> None:
    table = gather(make_swings(9))
    points, summaries = (
        make_features(name, make_params(), EXAMPLES).fit_transform(table)
        for name in ("rnn", "linear")
    )
    assert points.shape == (9, 24 * 2 + 1)
    assert summaries.shape == (9, 6 * 2 + 1)
    assert np.isfinite(points).all() and np.isfinite(summaries).all()
    channels = points[:, :48].reshape(9, 24, 2)
    is_known = np.stack([~np.isnan(read(cell)) for cell in table["signal"]])
    assert channels[is_known].reshape(-1, 2).mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    assert channels[is_known].reshape(-1, 2).std(axis=0) == pytest.approx([1, 1])
    assert (channels[~is_known] == 0).all()


def test_a_gap_becomes_the_number_before_it() -> None:
    signal = np.array([[np.nan], [1.0], [np.nan], [3.0]])
    table = pd.DataFrame({"signal": [signal.tobytes()]})
    scaled = SignalScaler((4, 1)).fit_transform(table)
    assert scaled.tolist() == [[0, -1, -1, 1]]


def test_summaries_are_those_of_what_is_known() -> None:
    X = np.array([[[np.nan, 5.0], [1.0, 5.0], [2.0, 5.0], [6.0, 5.0]]])
    slope = np.polyfit([0, 1, 2], [1, 2, 6], 1)[0]
    expected = [3, 5, np.std([1, 2, 6]), 0, 1, 5, 6, 5, slope, 0, 2.5, 0]
    assert summarise(X)[0] == pytest.approx(expected)
    assert np.isnan(summarise(np.full((1, 3, 1), np.nan))).all()


@pytest.mark.parametrize("rows", [1, 2, 300])
def test_a_summary_is_the_same_bits_whatever_stands_beside_it(rows: int) -> None:
    X = np.random.default_rng(0).normal(size=(300, 24, 3))
    assert summarise(X[:rows])[0].tobytes() == summarise(X)[0].tobytes()


def test_convolutions_give_the_share_of_points_at_which_a_kernel_answers_strongly() -> None:
    X = np.random.default_rng(0).normal(size=(5, 24 * 2 + 1)).astype("float32")
    convolutions = RandomConvolutions((24, 2), features=3 * 84).fit(X)
    shares = convolutions.transform(X)
    assert (shares[:, -1] == X[:, -1]).all()
    assert list(convolutions.dilations_) == [1, 1, 2]
    for place, kernel in [(0, 0), (1, 40), (2, 83)]:
        dilation = convolutions.dilations_[place]
        weights = np.full(9, -1)
        weights[KERNELS[kernel]] = 2
        taps = np.zeros(8 * dilation + 1)
        taps[::dilation] = weights
        channels = X[:, :-1].reshape(5, 24, 2)[:, :, convolutions.channels_[place]].sum(axis=2)
        bias = convolutions.biases_[place, kernel]
        answers = np.stack([np.correlate(one, taps, "same") for one in channels])
        expected = (answers > bias + 1e-5).mean(axis=1)
        most = (answers > bias - 1e-5).mean(axis=1)
        share = shares[:, place * 84 + kernel]
        assert (share > expected - 1e-6).all() and (share < most + 1e-6).all()


def test_convolutions_of_a_row_are_the_same_bits_whatever_stands_beside_it() -> None:
    X = np.random.default_rng(0).normal(size=(900, 40))
    convolutions = RandomConvolutions((40, 1), features=168).fit(X)
    whole = convolutions.transform(X)
    assert (convolutions.transform(X[[899]]) == whole[[899]]).all()
    assert (RandomConvolutions((40, 1), features=168).fit(X).transform(X) == whole).all()


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_rocket_tells_apart_what_summaries_cannot(kind: Kind) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(0, 0.1, size=(60, 30))
    y = np.arange(60) % 2
    for row, place in enumerate(rng.integers(3, 20, 60)):
        X[row, place : place + 4] += [1, 1, -1, -1] if y[row] else [1, -1, 1, -1]
    problem = Problem(kind, seed=0, signal=(30, 1))
    estimator = make_candidate("rocket", {"features": 840}, problem)
    estimator.fit(X[:40], y[:40])
    assert ((estimator.predict(X[40:]) > 0.5) == y[40:]).all()


def test_a_model_predicts_each_sequence_from_its_points(learnt: Project) -> None:
    metrics = json.loads(learnt.metrics.read_text())
    assert metrics["accuracy"] > 0.8
    model, rows = Model.load(learnt.champion), make_swings(5)
    answers = model.predict(rows.drop(columns=["drive", "pendulum"]))
    assert list(answers["swing"]) == sorted({*rows["swing"]})
    assert list(answers["prediction"]) == ["once", "often", "once", "often", "once"]
    alone = model.predict(rows[rows["swing"] == "swing 003"].sample(frac=1, random_state=1))
    numbers = [name for name in answers if name.startswith("probability")]
    assert (alone[numbers].to_numpy() == answers.loc[[3], numbers].to_numpy()).all()


def test_the_report_tells_which_channel_counts_and_what_sequences_look_like(
    learnt: Project,
) -> None:
    importance = pd.read_csv(learnt.plots / "importance.csv")
    assert {*importance["feature"]} <= {"angle", "speed", "weight"}
    assert importance["feature"].iloc[0] in ("angle", "speed")
    assert importance["loss"].iloc[0] > 0.1
    assert (learnt.figures / "signals.png").is_file()
    assert 'alt="signals: The mean of each point' in learnt.report.read_text()


def test_a_sequence_with_a_point_that_breaks_the_contract_is_not_predicted(
    learnt: Project,
) -> None:
    rows = make_swings(3).astype({"speed": "object"})
    rows.loc[30, "speed"] = "fast"
    rows.loc[rows["swing"] == "swing 002", "weight"] = None
    rows = pd.concat([rows, rows.iloc[[0]]])
    answers = Model.load(learnt.champion).predict(rows)
    assert answers["prediction"].isna().all()
    assert list(answers["reason"]) == [
        "second is '0.0 twice', expected a time of its own for each point",
        "speed is 'fast', expected a number",
        "weight is missing, expected a number, at 22 points",
    ]


def test_predict_writes_a_row_for_each_sequence_of_a_file(learnt: Project, tmp_path: Path) -> None:
    file, output = tmp_path / "swings.csv", tmp_path / "answers.csv"
    make_swings(7).drop(columns="drive").to_csv(file, index=False)
    predict_file(Model.load(learnt.champion), file, output, resize=False)
    assert len(pd.read_csv(output)) == 7


def test_a_server_answers_for_each_sequence_that_it_is_asked_about(learnt: Project) -> None:
    rows = json.loads(make_swings(2).drop(columns="drive").to_json(orient="records"))
    answerer = Answerer(Model.load(learnt.champion), resize=False)
    (reply,) = answerer.answer([Query("rows", rows, b"")], None, 100)
    assert [one["prediction"] for one in reply["answers"]] == ["once", "often"]


def test_a_packed_model_is_tried_on_made_up_sequences(learnt: Project) -> None:
    golden = make_golden(Model.load(learnt.champion), seed=1)
    assert len(golden.answers) == 2
    assert all(answer["reason"] is None for answer in golden.answers)


def use(file: Path, **words: object) -> Understanding:
    wishes = {"target": "drive", "sequence": "swing", "time": "second"} | words
    return understand([file], file.name, "here", Wishes(**wishes))


@pytest.fixture
def swings(tmp_path: Path) -> Callable[..., Path]:
    """Writes swings as a file."""

    def write(rows: pd.DataFrame) -> Path:
        rows.to_csv(tmp_path / "swings.csv", index=False)
        return tmp_path / "swings.csv"

    return write


def test_use_makes_out_what_each_point_has_and_what_they_share(
    swings: Callable[..., Path],
) -> None:
    rows = make_swings(40).assign(note=lambda table: np.where(table["speed"] > 0, "up", "down"))
    told = use(swings(rows), group="pendulum")
    contract = told.contract
    assert (contract.sequence, contract.time, contract.length) == ("swing", "second", 24)
    assert contract.channels == ["angle", "speed"]
    assert contract.columns["weight"].constant
    assert "40 sequences of 22 to 24 points" in told.notes
    assert told.doubts["note"] == ["changes within a sequence and is no number: not used"]
    assert "note" in contract.drop
    table, examples = frame_sample(told.table, contract)
    settings = suggest(examples, table)
    assert settings["split.by"] == "group"
    candidates = settings["train.candidates"].keys()
    assert {"baseline", "boosting", "rocket", "conv1d", "rnn"} <= candidates


def test_use_doubts_few_sequences_and_copies_of_them(swings: Callable[..., Path]) -> None:
    rows = make_swings(40)
    copy = rows[rows["swing"] == rows["swing"].iloc[0]].assign(swing="copy")
    doubts = str(use(swings(pd.concat([rows, copy])), group="pendulum").doubts[None])
    assert "41 sequences are few" in doubts
    assert "sequences equal to another: 1; equal sequences stay on one side" in doubts
    assert " rows " not in doubts


def test_use_looks_at_the_usual_length_where_one_sequence_is_far_longer(
    swings: Callable[..., Path],
) -> None:
    rows = pd.concat([make_swings(30), make_swings(31, points=200).tail(200)])
    told = use(swings(rows))
    assert told.contract.length == 24
    assert "1 of 31 sequences have more, up to 200" in str(told.doubts[None])


@pytest.mark.parametrize(
    ("change", "words", "fault"),
    [
        ({"drive": ["once", "often"] * 30}, {}, "'drive' changes within 3 of 3 sequences"),
        ({"second": 1.0}, {}, "'second' is the same in all rows"),
        (
            {"second": [0.0, 1.0] * 30},
            {},
            "54 rows have the 'second' of another of the same sequence",
        ),
        ({"swing": np.arange(60)}, {}, "each row has a 'swing' of its own"),
        ({"angle": 1.0, "speed": 2.0}, {}, "no column holds numbers that change within"),
        ({}, {"time": None}, "name the column of times, or of numbers in their order, by --time"),
        ({}, {"horizon": 3}, "what tells series apart is --series"),
        ({}, {"time": "swing"}, "'swing' is named by --time as well"),
    ],
)
def test_use_tells_what_makes_no_sequences(
    swings: Callable[..., Path], change: dict[str, Any], words: dict[str, Any], fault: str
) -> None:
    rows = make_swings(3, points=21).iloc[:60].assign(**change)
    with pytest.raises(UserError, match=fault):
        use(swings(rows), **words)


def test_a_search_may_try_options_of_the_candidates_that_use_suggests(
    swings: Callable[..., Path],
) -> None:
    told = use(swings(make_swings(40)))
    table, examples = frame_sample(told.table, told.contract)
    settings = suggest(examples, table)
    space = {name: SPACES[name] for name in ("rocket", "conv1d", "rnn")}
    train = PARAMS["train"] | {"candidates": settings["train.candidates"]}
    params = make_params(train=train, search={"space": space})
    spaces = choose_spaces(params, make_problem(params, examples), ())
    assert {*spaces} == {*space}


def test_a_file_of_sequences_can_be_watched(learnt: Project, tmp_path: Path) -> None:
    file, model = tmp_path / "swings.csv", Model.load(learnt.champion)
    make_swings(6).to_csv(file, index=False)
    (batch,) = read_files(
        [file], Subject("swings", "1", "run", "answer"), model, None, resize=False
    )
    assert list(batch.predictions["prediction"]) == list(batch.outcomes)
    assert not batch.is_refused.any()


def watch(learnt: Project, folder: Path, **changes: float) -> dict[str, str]:
    """The worst that is found of each column in two windows of swings, some channels moved."""
    model, profile = Model.load(learnt.champion), read_profile(learnt.champion, "the champion")
    rows = make_swings(200)
    rows["pendulum"] = "pendulum " + (rows["swing"].str[-3:].astype("int64") // 5).astype("str")
    for name, offset in changes.items():
        rows[name] += offset
    rows.to_csv(folder / "swings.csv", index=False)
    windows = Windows(profile, "rows")
    subject = Subject("swings", "1", "run", "answer")
    for batch in read_files([folder / "swings.csv"], subject, model, None, resize=False):
        windows.add(batch)
    states: dict[str, str] = {}
    for finding in find_drift(profile, [*windows], MonitorParams()):
        if finding.what == "distribution" and finding.state != "fine":
            states[finding.column] = finding.state
    return states


def test_a_sensor_that_has_an_offset_raises_an_alarm_that_names_its_channel(
    learnt: Project, tmp_path: Path
) -> None:
    states = watch(learnt, tmp_path, angle=2.0)
    assert states["mean of angle"] == "alarm"
    assert not [name for name in states if "speed" in name or "gaps" in name]


def test_sequences_like_those_of_training_raise_no_alarm(learnt: Project, tmp_path: Path) -> None:
    assert watch(learnt, tmp_path) == {}


def test_the_numbers_that_stand_for_a_signal_are_of_its_known_points() -> None:
    table = gather(make_swings(3).assign(angle=lambda rows: rows["angle"].mask(rows.index == 2)))
    table = table.sort_values("swing")
    numbers = summarise_signals(table, EXAMPLES).set_axis(table["swing"])
    rows = make_swings(3)
    first = rows[rows["swing"] == "swing 000"].drop(index=2)
    known = numbers.loc["swing 000", ["mean of angle", "spread of angle"]]
    assert known.tolist() == pytest.approx([first["angle"].mean(), first["angle"].std(ddof=0)])
    assert numbers["gaps of angle"].tolist() == pytest.approx([1 / 24, 1 / 24, 2 / 24])
    assert numbers["gaps of speed"].tolist() == pytest.approx([0, 1 / 24, 2 / 24])
    alone = summarise_signals(table.iloc[[1]], EXAMPLES)
    assert alone.to_numpy().tobytes() == numbers.iloc[[1]].to_numpy().tobytes()


def test_a_request_is_watched_by_the_channels_that_may_be_kept(learnt: Project) -> None:
    model = Model.load(learnt.champion)
    rows = json.loads(make_swings(2).drop(columns="drive").to_json(orient="records"))
    rows[-1]["speed"] = "fast"
    columns = ["weight", "angle"]
    (reply,) = Answerer(model, resize=False).answer([Query("rows", rows, b"")], columns, 100)
    kept, nothing = reply["rows"]
    assert {*kept} == {"weight", *list_summaries("angle")}
    assert nothing == {}
    subject = Subject("swings", "1", "run", "answer")
    lines = [
        subject._asdict()
        | {"request": "one", "row": place, "time": None, "status": 200, "seconds": 0.1}
        | {"content": json.dumps(content), "answer": json.dumps(answer), "outcome": None}
        | {"outcome_time": None}
        for place, (content, answer) in enumerate(zip(reply["rows"], reply["answers"], strict=True))
    ]
    (batch,) = make_batches(lines, Known(model, columns))
    assert {*batch.X} == {*kept}
    assert batch.X["mean of angle"][0] == kept["mean of angle"]
    assert list(batch.is_kept) == [True, False]


class Known(References):
    """Knows one version, of which some columns are kept."""

    def __init__(self, model: Model, kept: list[str]) -> None:
        self._references, self._kept = {"run": Reference(model.contract, None)}, kept

    def list_kept(self, _: Contract) -> list[str]:
        return self._kept
