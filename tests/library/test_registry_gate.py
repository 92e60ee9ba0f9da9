"""The gate before a promotion: what it lets pass, what it refuses, and by how much."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT, write_params
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.data.row_names import digest_names
from lockstep.modeling.metrics import METRICS, OWN_METRICS, metric
from lockstep.records import pairs
from lockstep.records.pairs import pair_runs
from lockstep.records.run import WORKSPACE, read_run
from lockstep.registry import decisions, gate, later_rows, measures
from lockstep.registry import register as registration
from lockstep.registry.measures import compare_apart, compare_rows
from lockstep.registry.promote import promote
from lockstep.registry.register import register
from lockstep.registry.versions import read_registry
from made_up_runs import History, make_predictions
from made_up_versions import find_present, list_tags, make_history
from sklearn.metrics import accuracy_score

GOOD, BETTER, WORSE = (
    make_predictions(80, skill, seed) for skill, seed in ((1, 1), (4, 2), (0, 3))
)
PRODUCTION = ("latest", "production")


@pytest.fixture(autouse=True)
def _proofs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The records are made up: no commit holds what they tell, and nothing makes it again."""
    monkeypatch.setattr(registration, "find_disagreements", lambda *_: [])
    monkeypatch.setattr(gate, "find_disagreements", lambda *_: [])
    monkeypatch.setattr(gate, "require_verified", lambda *_: None)
    monkeypatch.setattr(gate, "pair_with_later_rows", lack_model)


def lack_model(*_: object) -> None:
    """The models are made up as well, so that none can be asked; `test_whole_way.py` has some."""
    raise UserError("its model is not kept")


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """One in whose production a good model stands."""
    history = make_history(tmp_path, monkeypatch)
    add_version(history, GOOD)
    promote(*PRODUCTION)
    return history


def add_version(history: History, predictions: pd.DataFrame | None, **changes: Any) -> None:
    """Register a run with these predictions."""
    number = len(read_registry(history.repository).versions) + 1
    changes.setdefault("model", {"files": {"models/champion/model.json": f"{number:064}"}})
    if predictions is not None:
        changes.setdefault("test", {"sha256": digest_names(predictions["row"])})
    history.commit(f"run {number}", predictions=predictions, **changes)
    register(None)


def refuse(*arguments: str) -> str:
    """Why a promotion is refused."""
    with pytest.raises(UserError) as refusal:
        promote(*(arguments or PRODUCTION))
    return str(refusal.value)


def print_promotion(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """What a promotion prints."""
    capsys.readouterr()
    promote(*(arguments or PRODUCTION))
    return capsys.readouterr().out.splitlines()


def test_the_first_model_of_a_stage_must_be_better_than_the_baseline(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = print_promotion(capsys, "v1.0.0", "staging")
    assert lines[0] == "promote: v1.0.0 to staging, the first one"
    assert [line.split()[:2] for line in lines[1:5]] == [
        *(["pass", "record"], ["pass", "log_loss"], ["note", "test"], ["pass", "rebuild"])
    ]
    assert lines[2].endswith(
        "0.6900 -> 0.3500, gain +0.3400 (+0.1000 to +0.5000) over the baseline on 40 test rows"
    )
    assert lines[5:] == ["promote: v1.0.0 stands in staging now", "promote: tag champion#staging#2"]
    add_version(history, GOOD, metrics={"gain": {"log_loss": [-0.05, 0.5]}})
    reason = refuse("latest", "fresh")
    assert "where nothing stands yet: log_loss: the gain may be as little as -0.0500" in reason
    assert "must be above 0: 0.0500 short" in reason
    add_version(history, GOOD, metrics={"log_loss": None})
    assert "not defined there" in refuse("latest", "fresh")


def test_a_better_model_takes_the_place_of_the_present_one(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    add_version(history, BETTER)
    lines = print_promotion(capsys)
    assert lines[0] == "promote: v1.1.0 to production, instead of v1.0.0"
    assert lines[2].split()[:2] == ["pass", "contract"]
    assert lines[3].split()[:2] == ["pass", "log_loss"]
    assert lines[3].endswith("on 80 test rows in common")
    assert find_present(history) == "v1.1.0"
    body = read_registry(history.repository).find_present("production").body
    assert (body["action"], body["version"], body["instead"]) == ("promote", "v1.1.0", "v1.0.0")
    assert body["record"] == read_registry(history.repository).versions[-1].tag.body["record"]
    assert {"record", "rebuild", "contract", "log_loss", "calibration_error"} == {*body["findings"]}


def test_a_worse_model_is_refused_by_how_much_and_nothing_is_made(history: History) -> None:
    add_version(history, WORSE)
    before = list_tags(history)
    reason = refuse()
    assert reason.startswith("v1.1.0 is not promoted to production, where v1.0.0 stays: log_loss: ")
    assert reason.endswith(" short")
    assert list_tags(history) == before
    assert find_present(history) == "v1.0.0"


def test_noise_is_not_enough(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    shaken = GOOD.assign(
        probability_melon=GOOD["probability_melon"] * 0.999 + 0.0005,
        probability_apple=GOOD["probability_apple"] * 0.999 + 0.0005,
    )
    add_version(history, GOOD)
    assert refuse().endswith("log_loss: it must be better, and is the same")
    assert "80 test rows in common, all of which they predict alike" in capsys.readouterr().out
    write_params(Project(history.root), promote={"margin": 0})
    history.commit("a margin")
    promote(*PRODUCTION)
    assert find_present(history) == "v1.1.0"
    write_params(Project(history.root), promote={"margin": 0.01})
    add_version(history, shaken)
    promote(*PRODUCTION)
    assert find_present(history) == "v1.2.0"


def test_a_margin_lets_pass_what_is_hardly_worse_and_no_more(history: History) -> None:
    write_params(Project(history.root), promote={"margin": 0.05})
    add_version(history, WORSE)
    assert "must be at least -0.05, as promote.margin says: 0.5" in refuse()
    write_params(Project(history.root), promote={"margin": 5.0})
    promote(*PRODUCTION)


def test_the_same_version_again_is_told_and_nothing_is_made(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    before = list_tags(history)
    (line,) = print_promotion(capsys)
    assert line.startswith("promote: v1.0.0 stands in production already, since ")
    assert list_tags(history) == before


def test_an_older_version_passes_the_gate_like_any_other(history: History) -> None:
    add_version(history, BETTER)
    promote(*PRODUCTION)
    assert "v1.0.0 is not promoted to production, where v1.1.0 stays" in refuse(
        "v1.0.0", "production"
    )


def test_a_run_that_is_not_of_its_commit_is_not_measured(
    history: History, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add_version(history, BETTER)
    monkeypatch.setattr(gate, "find_disagreements", lambda *_: ["params.yaml has another `seed`"])
    assert refuse().endswith("record: params.yaml has another `seed`")
    assert "log_loss" not in capsys.readouterr().out
    assert not (history.root / decisions.REFUSALS).exists()


@pytest.fixture
def rebuilds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commits that were rebuilt, each to other bytes."""
    commits: list[str] = []

    def fail(_: object, commit: str) -> None:
        commits.append(commit)
        raise UserError("train is the first stage whose output differs")

    monkeypatch.setattr(gate, "require_verified", fail)
    return commits


def test_what_does_not_follow_from_its_commit_is_refused(
    history: History, rebuilds: list[str]
) -> None:
    add_version(history, BETTER)
    before = list_tags(history)
    assert refuse().endswith("rebuild: train is the first stage whose output differs")
    assert list_tags(history) == before
    assert rebuilds == [history.git("rev-parse", "HEAD")]


def test_what_is_refused_anyway_is_not_rebuilt(history: History, rebuilds: list[str]) -> None:
    add_version(history, WORSE)
    assert "log_loss" in refuse()
    assert rebuilds == []


def change_contract(history: History, **changes: Any) -> None:
    columns = {**CONTRACT["columns"]}
    columns["colour"] = columns["colour"] | {"categories": ["green"]}
    history.paths.contract_file.write_text(json.dumps(CONTRACT | {"columns": columns} | changes))


def test_a_contract_that_asks_for_something_else_is_refused_unless_it_is_wanted(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    change_contract(history)
    add_version(history, BETTER)
    assert refuse().endswith("contract: colour must not be 'red'")
    write_params(Project(history.root), promote={"new_contract": True})
    lines = print_promotion(capsys)
    assert "as promote.new_contract allows: colour must not be 'red'" in lines[2]
    assert find_present(history) == "v2.0.0"


def test_another_target_is_measured_against_its_baseline(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    change_contract(history)
    write_params(Project(history.root), promote={"new_contract": True})
    add_version(history, BETTER, target="sort")
    assert "over the baseline" in print_promotion(capsys)[3]


def make_groups(predictions: pd.DataFrame) -> pd.DataFrame:
    return predictions.assign(subgroup_farm=np.repeat(["north", "south", "tiny"], [40, 35, 5]))


def test_a_model_that_fails_a_subgroup_is_refused(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    add_version(history, make_groups(BETTER))
    lines = print_promotion(capsys)
    assert [line.split()[1] for line in lines[4:7]] == [
        *("farm=north", "farm=south", "calibration_error")
    ]
    both = pd.concat([make_predictions(80, 9, 5).iloc[:40], WORSE.iloc[40:]])
    write_params(Project(history.root), promote={"margin": 0.1})
    add_version(history, make_groups(both))
    reason = refuse()
    assert "farm=south: worse by" in reason
    assert "farm=north" not in reason


def test_probabilities_that_claim_too_much_are_refused(history: History) -> None:
    rng = np.random.default_rng(0)
    chance = rng.uniform(0.05, 0.95, 400)
    actual = np.where(rng.random(400) < chance, "melon", "apple")
    true = make_predictions(400).assign(
        actual=actual, probability_melon=chance, probability_apple=1 - chance
    )
    add_version(history, true)
    promote("latest", "calibrated")
    bold = chance**3 / (chance**3 + (1 - chance) ** 3)
    add_version(history, true.assign(probability_melon=bold, probability_apple=1 - bold))
    write_params(Project(history.root), promote={"margin": 5.0})
    reason = refuse("latest", "calibrated").split("stays: ")[1]
    assert reason.startswith("calibration_error: worse by ")
    assert "and 0.01 is allowed" in reason


@pytest.mark.parametrize("rows", [None, 39])
def test_models_with_few_rows_in_common_are_compared_by_what_each_has_measured(
    history: History, capsys: pytest.CaptureFixture[str], rows: int | None
) -> None:
    kept = None if rows is None else BETTER.iloc[:rows]
    add_version(history, kept, test={"rows": 80})
    assert "log_loss: the gain may be as little as -0." in refuse()
    metrics = {"log_loss": 0.05, "intervals": {"log_loss": [0.04, 0.06]}}
    add_version(history, kept, metrics=metrics)
    lines = print_promotion(capsys)
    assert (
        "0.3500 -> 0.0500, gain +0.3000 (+0.1497 to +0.5502) each on its own test rows" in lines[3]
    )


def test_calibration_that_cannot_be_compared_is_told(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    add_version(history, None)
    refuse()
    out = capsys.readouterr().out
    assert "  note  calibration        not compared, since that takes test rows in common\n" in out


def test_rates_of_other_rows_per_unit_of_an_exposure_or_not_are_not_compared(
    history: History,
) -> None:
    table = GOOD[["row"]].assign(prediction=1.0, actual=2.0)
    changes = {"kind": "regression", "classes": [], "metric": {"name": "gini"}}
    history.commit("before", predictions=table.assign(exposure=0.5), **changes)
    history.run(predictions=table)
    present, run = (read_run(history.repository, name) for name in ("HEAD", WORKSPACE))
    params = Project(history.root).params
    finding = next(gate.measure(history.repository, params, run, present, None))
    assert "measured per unit of an exposure and the other is not" in str(finding)


@pytest.mark.parametrize("kept", [False, True])
def test_rates_that_both_are_per_unit_of_an_exposure_or_not_kept_are_compared(
    history: History, kept: bool
) -> None:
    table = GOOD[["row"]].assign(prediction=1.0, actual=2.0, exposure=0.5)
    changes = {"kind": "regression", "classes": [], "metric": {"name": "gini"}}
    history.commit("before", predictions=table if kept else None, **changes)
    history.run(predictions=table)
    present, run = (read_run(history.repository, name) for name in ("HEAD", WORKSPACE))
    assert not gate._has_other_exposure(history.repository, run, present)


@pytest.mark.parametrize(("kind", "notes"), [("anomalies", 0), ("multilabel", 1)])
def test_what_has_no_probabilities_has_no_calibration_to_compare(
    history: History, kind: str, notes: int
) -> None:
    run = read_run(history.repository, "HEAD")
    run.record["kind"] = kind
    found = compare_apart(METRICS[kind][0], run, run, Project(history.root).params)
    assert sum(one.name == "calibration" for one in found) == notes


def test_subgroups_on_other_rows_share_the_chance_of_an_error(history: History) -> None:
    def find_width(*farms: str) -> float:
        groups = [
            {
                **{"column": "farm", "value": farm, "test_rows": 30},
                **{"log_loss": 0.3, "intervals": {"log_loss": [0.2, 0.4]}},
            }
            for farm in farms
        ]
        history.commit("subgroups", metrics={"subgroups": groups})
        run = read_run(history.repository, "HEAD")
        log_loss = METRICS["classification"][3]
        findings = [*compare_apart(log_loss, run, run, Project(history.root).params)]
        assert [finding.name for finding in findings[1:-1]] == [f"farm={farm}" for farm in farms]
        low, high = findings[1].text.split("(")[1].split(")")[0].split(" to ")
        return float(high) - float(low)

    assert METRICS["classification"][3].name == "log_loss"
    alone = find_width("north")
    assert alone == pytest.approx(2 * 0.1 * 2**0.5, abs=2e-4)
    # Of ten, each has 99.5%: 2.807 standard errors instead of 1.960.
    assert find_width(*"abcdefghij") == pytest.approx(alone * 2.807 / 1.960, rel=1e-3)


def test_settings_that_nobody_else_has_are_told_and_kept(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    add_version(history, BETTER)
    lines = print_promotion(capsys)
    assert not any("params.yaml" in line or "interval" in line for line in lines)
    add_version(history, make_predictions(80, 9, 4))
    params = Project(history.root).params.evaluate.model_dump() | {"confidence": 0.5}
    write_params(Project(history.root), evaluate=params, promote={"margin": 0.25})
    lines = print_promotion(capsys)
    assert lines[3].endswith("on 80 test rows in common, 50% interval")
    assert "  note  params.yaml        is not the one that is committed; the gate goes by " in (
        "\n".join(lines)
    )
    body = read_registry(history.repository).find_present("production").body
    assert (body["confidence"], body["margin"], body["new_contract"]) == (0.5, 0.25, False)


def test_the_baseline_and_other_rows_are_held_to_the_same_confidence(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    gain = {"log_loss": [-0.01, 0.69]}
    add_version(history, None, metrics={"gain": gain}, parameters={"evaluate": {"confidence": 0.5}})
    # 0.34 -+ 0.35 at 50% is 0.34 -+ 0.35 * 1.960 / 0.6745 at 95%.
    assert "may be as little as -0.6770 and must be" in refuse("latest", "fresh")
    refuse()
    assert "gain +0.0000 (-0.7418 to +0.5025) each on its own" in capsys.readouterr().out


def test_the_chosen_metric_is_not_held_to_a_guardrail_as_well(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = {"name": "calibration_error", "higher_is_better": False}
    add_version(history, BETTER, metric=chosen)
    assert sum("calibration_error" in line for line in print_promotion(capsys)) == 1


def test_a_metric_of_the_owner_is_found_in_whatever_file_train_imports(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    def import_own(_: object, name: str) -> None:
        if name == "train":
            metric(kind="classification")(accuracy_score)

    monkeypatch.setitem(OWN_METRICS, "classification", {})
    monkeypatch.setattr(pairs, "import_own", import_own)
    history.commit("ripe", metric={"name": "accuracy_score", "higher_is_better": True})
    run = read_run(history.repository, "HEAD")
    assert measures.find_chosen_metric(history.paths, run).name == "accuracy_score"


def test_half_of_the_test_rows_in_common_are_enough_to_compare_row_by_row(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    add_version(history, BETTER.iloc[:40], test={"rows": 80})
    assert "on 40 test rows in common" in print_promotion(capsys)[3]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"seed": 2}, "the rows were split otherwise, so that it may have learnt from them"),
        ({"probability_melon": 0.5}, "it does not predict any more what it did of the rows in"),
    ],
)
def test_the_present_model_is_asked_about_rows_that_came_after_it(
    history: History,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    reason: str,
) -> None:
    test = {"rows": 80, "sha256": digest_names(BETTER["row"])}
    add_version(history, BETTER, test=test)
    promote(*PRODUCTION)
    new, asked = make_predictions(200, 4, 2), make_predictions(200, 0, 3)
    asked.loc[:79] = BETTER
    if "seed" not in change:
        asked.loc[:0, [*change]] = [*change.values()]
    monkeypatch.setattr(gate, "pair_with_later_rows", later_rows.pair_with_later_rows)
    monkeypatch.setattr(later_rows, "_predict", lambda *_: asked)
    test = {"rows": 200, "sha256": digest_names(new["row"])}
    add_version(history, new, test=test, parameters={"seed": change.get("seed", 1)})
    capsys.readouterr()
    with suppress(UserError):
        promote(*PRODUCTION)
    printed = capsys.readouterr().out
    if reason:
        assert "each on its own test rows" in printed
        assert f"note  present model      was not asked about other test rows: {reason}" in printed
    else:
        assert "on 200 test rows, 120 of which the present model never saw\n" in printed
        assert find_present(history) == "v1.2.0"


def test_intervals_of_numbers_must_hold_what_was_promised(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {"coverage": 0.88, "interval": [0.8, 0.93], "mean_width": 1.0}
    add_version(history, BETTER, metrics={"prediction_intervals": found})
    lines = print_promotion(capsys)
    assert lines[5].split()[:2] == ["pass", "coverage"]
    found = found | {"coverage": 0.7, "interval": [0.6, 0.8]}
    best = make_predictions(80, 9, 4)
    add_version(history, best, metrics={"prediction_intervals": found})
    assert refuse().split("stays: ")[1] == "coverage: 10.0% short, which is no chance"


def test_how_often_the_test_rows_have_decided_is_counted(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    def note() -> str:
        return next(
            line for line in capsys.readouterr().out.splitlines() if "these test rows" in line
        )

    add_version(history, WORSE)
    for _ in range(2):  # asking again tells nothing new
        capsys.readouterr()
        refuse()
        assert "have decided once before" in note()
    add_version(history, BETTER)
    assert "have decided 2 times before" in "\n".join(print_promotion(capsys))
    add_version(history, None)  # so that each run's own rows decide
    refuse()
    assert "have decided 3 times before" in note()
    add_version(history, None, test={"sha256": "f" * 64})
    refuse()
    assert "decide for the first time" in note()


def test_new_rows_that_only_one_run_has_do_not_start_the_count_anew(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    for times, rows in (("once", 81), ("2 times", 82)):
        predictions = make_predictions(rows, 0, 3)
        test = {"rows": rows, "sha256": digest_names(predictions["row"])}
        add_version(history, predictions, test=test)
        capsys.readouterr()
        refuse()
        out = capsys.readouterr().out
        assert "on 80 test rows in common" in out
        assert f"these test rows have decided {times} before" in out


def test_rows_that_have_decided_often_flatter() -> None:
    few, many = (
        decisions.describe_decisions(count, 0.95) for count in (decisions.MANY - 1, decisions.MANY)
    )
    assert "flatter" not in few
    assert "22% of all projects" in many
    assert "`split.seed`" in many
    assert "94% of all projects" in decisions.describe_decisions(decisions.MANY, 0.5)


@pytest.mark.parametrize("decision", [["x"], {"test": ["x"]}, {"run": "x", "present": ["y"]}])
def test_decisions_that_others_wrote_otherwise_do_not_count(
    history: History, capsys: pytest.CaptureFixture[str], decision: object
) -> None:
    add_version(history, BETTER)
    if isinstance(decision, dict):
        decision = {"test": digest_names(BETTER["row"]), **decision}
    message = f"by hand\n\n{json.dumps({'decision': decision})}"
    history.git("tag", "-a", "-m", message, "champion#other#9", "HEAD~1")
    assert "have decided once before" in "\n".join(print_promotion(capsys))


def test_a_refusal_counts_after_a_line_that_was_cut_off(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    refusals = history.root / decisions.REFUSALS
    refusals.parent.mkdir(parents=True)
    refusals.write_text('{"present": null, "run": "c')
    add_version(history, WORSE)
    refuse()
    add_version(history, BETTER)
    assert "have decided 2 times before" in "\n".join(print_promotion(capsys))


def test_a_run_that_cannot_be_made_again_has_been_decided_on(
    history: History, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise UserError("train is the first stage whose output differs")

    add_version(history, BETTER)
    with monkeypatch.context() as broken:
        broken.setattr(gate, "require_verified", fail)
        assert "rebuild: train is the first stage whose output differs" in refuse()
    add_version(history, make_predictions(80, 9, 4))
    assert "have decided 2 times before" in "\n".join(print_promotion(capsys))


def put_commit_without_a_run(history: History) -> None:
    """Into production, by hand."""
    history.paths.record.unlink()
    history.git("add", "--all")
    history.git("commit", "--quiet", "--message", "no run")
    later = {"GIT_COMMITTER_DATE": "2090-01-01T12:00:00+00:00"}
    history.git("tag", "-a", "-m", "by hand", "champion#production#9", "HEAD", **later)


def test_a_present_model_that_nobody_can_compare_with_stays(history: History) -> None:
    put_commit_without_a_run(history)
    short = history.git("rev-parse", "HEAD")[:8]
    add_version(history, BETTER)
    reason = refuse().split("stays: ")[1]
    assert reason.startswith(f"log_loss: {short}: no run at this commit")
    assert "`rollback` gives the stage to another version" in reason
    change_contract(history)
    add_version(history, BETTER)
    assert "stays: contract: colour must not be 'red'; log_loss: " in refuse()


def test_a_new_contract_leaves_the_baseline_where_the_present_model_has_no_run(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    put_commit_without_a_run(history)
    write_params(Project(history.root), promote={"new_contract": True})
    add_version(history, BETTER)
    lines = print_promotion(capsys)
    assert lines[3].startswith("  note  present model      is not compared with, as promote.new_")
    assert "over the baseline" in lines[4]
    assert find_present(history) == "v1.1.0"


def test_many_subgroups_share_the_chance_of_an_error(history: History) -> None:
    def find_width(**more: list[str]) -> float:
        repository = history.repository
        before, after = (read_run(repository, name) for name in ("HEAD", "HEAD~1"))
        pair = pair_runs(repository, before, after)
        assert pair is not None
        pair = replace(pair, subgroups=pd.DataFrame({"farm": ["north"] * 80, **more}))
        findings = compare_rows(METRICS["classification"][3], pair, Project(history.root).params)
        text = next(finding.text for finding in findings if finding.name == "farm=north")
        low, high = text.split("(")[1].split(")")[0].split(" to ")
        return float(high) - float(low)

    add_version(history, BETTER)
    assert find_width(barn=["a", "b"] * 40) > 1.1 * find_width()


def test_settings_that_cannot_be_read_are_told_before_anything_is_rebuilt(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_version(history, BETTER)
    monkeypatch.setattr(gate, "require_verified", lambda *_: pytest.fail("rebuilt"))
    write_params(Project(history.root), promote={"margin": -1})
    assert "params.yaml: promote.margin" in refuse()
