"""The report: all that is told of what is watched, as `monitoring.json` has it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ..core.errors import UserError
from ..core.params import MonitorParams
from ..core.paths import Paths
from ..modeling.profile import PREDICTION, Profile
from ..modeling.tallies import Tally
from ..records.repository import Repository
from ..registry.versions import read_registry
from .drift import Finding
from .judgement import Judgement, Slot, judge
from .quality import Gauge
from .shadows import describe_shadows
from .watch import Watch
from .windows import NEVER
from .wording import format_share

FORM = 1
MOST_LINES = 20
Content = dict[str, Any]
WORDS = {
    "future": "from the future, by the clock of the server that kept it",
    "old": "older than the windows that are shown",
    "timeless": "without a time",
}
"""What is said of rows that were left out."""


def make_report(
    watch: Watch,
    settings: MonitorParams,
    *,
    source: str,
    since: str | None,
    stages: Mapping[str, Sequence[str]],
    gauge: Gauge,
) -> Content:
    """All that is told.

    Args:
        watch: The windows.
        settings: The section `monitor` of params.yaml.
        source: Whether it is `requests` or `files`.
        since: When the rows begin, if that was asked for.
        stages: Of each version, such as 1.2.0, those that it stands in.
        gauge: What measures how good versions are.
    """
    judgements = judge(watch, settings, stages, gauge)
    answers = [one for one in judgements if one.is_current and one.subject.role == "answer"]
    states = {one.state for one in answers}
    state = next((state for state in ("alarm", "fine") if state in states), "unsure")
    ends = [window.end for one in judgements for window in one.windows]
    return {
        "form": FORM,
        "model": judgements[0].subject.model if judgements else gauge.project.title,
        "source": source,
        "by": watch.by,
        "since": since,
        "until": _tell_time(max(ends, default=NEVER)),
        "state": state,
        "alarm_since": _find_alarm_start(answers),
        "has_doubt": any(one.quality.doubt for one in answers if one.quality),
        "has_news": any(news for one in answers for news in _tell_news(one)),
        "lines": [*_list_lines(answers, settings.least_rows)][:MOST_LINES],
        "notes": [*_list_omissions(watch), *_list_notes(judgements, watch.references.problems)],
        "versions": [_describe(one, settings.ignore) for one in judgements],
        "shadows": describe_shadows(judgements, gauge),
    }


def list_stages(paths: Paths) -> dict[str, list[str]]:
    """Of each version, such as 1.2.0, the stages that it stands in; none without a repository."""
    stages: dict[str, list[str]] = {}
    with suppress(UserError):
        registry = read_registry(Repository(paths))
        for stage in sorted(registry.stages):
            if present := registry.find_present(stage):
                name = registry.name_commit(present.commit).removeprefix("v")
                stages.setdefault(name, []).append(stage)
    return stages


def _list_lines(judgements: Sequence[Judgement], least_rows: int) -> Iterator[str]:
    """What is most worth to be told."""
    for one in judgements:
        for line in _tell_alarms(one):
            yield f"{one.subject.version}: {line}"
    for one in judgements:
        news = [*_tell_news(one)]
        for line in news:
            yield f"{one.subject.version}: {line}; in one window so far, so it is no alarm yet"
        doubt = one.quality.doubt if one.quality else ""
        if doubt:
            yield f"{one.subject.version}: {doubt}"
        if one.state == "fine" and not news and not doubt:
            yield f"{one.subject.version}: nothing has moved that matters, in {_count_rows(one)}"
        if one.state == "unsure":
            yield f"{one.subject.version}: {_tell_lack(one, least_rows)}"
        if anomalies := _tell_anomalies(one):
            yield f"{one.subject.version}: {anomalies}"
    if not judgements:
        yield "no rows came"


def _tell_lack(judgement: Judgement, least_rows: int) -> str:
    """Why nobody can say."""
    rows = _count_rows(judgement)
    if judgement.reference is None or judgement.reference.profile is None:
        return f"nobody can say, since there is nothing to hold its {rows} against"
    if max(window.rows for window in judgement.windows) < least_rows:
        return (
            f"nobody can say yet, of {rows}: no window has the {least_rows:,} that "
            "monitor.least_rows asks for"
        )
    findings = [one for slot in judgement.slots for own in slot.findings.values() for one in own]
    reason = next((one.text for one in findings if one.state == "too few"), "")
    return f"nobody can say yet, of {rows}{reason and f': {reason}'}"


def _tell_anomalies(judgement: Judgement) -> str:
    """How many rows are called anomalies, and how many were expected; nothing of other kinds."""
    reference = judgement.reference
    if not (reference and reference.contract.anomalies and reference.profile):
        return ""
    windows = [window for window in judgement.windows if PREDICTION in window.tallies]
    counts = np.array([window.tallies[PREDICTION].counts for window in windows])
    if not counts.any():
        return ""
    expected = reference.profile.tallies[PREDICTION].counts
    called, rows, share = counts[:, 1].sum(), counts.sum(), expected[1] / expected.sum()
    return (
        f"{called:,} of {rows:,} rows are called anomalies, {format_share(called / rows)}; "
        f"{format_share(share)} were expected"
    )


def _count_rows(judgement: Judgement) -> str:
    rows = sum(window.rows for window in judgement.windows)
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def _tell_alarms(judgement: Judgement) -> list[str]:
    drift = [f"{one.text}, since {_find_since(judgement, one)}" for one in judgement.alarms]
    quality = judgement.quality
    return [quality.text, *drift] if quality and quality.state == "alarm" else drift


def _tell_news(judgement: Judgement) -> Iterator[str]:
    """What has moved for the first time."""
    quality = judgement.quality
    if quality and quality.state == "moved":
        yield quality.text
    for finding in judgement.moved:
        yield finding.text


def _find_alarm_start(judgements: Sequence[Judgement]) -> str | None:
    """The first of the windows since which alarms of any of these versions stand."""
    slots = []
    for one in judgements:
        starts = {_find_since(one, alarm) for alarm in one.alarms}
        if one.quality and one.quality.state == "alarm":
            starts.add(str(one.quality.since))
        slots += [slot for slot in one.slots if slot.name in starts][:1]
    first = min(slots, key=lambda slot: _tell_time(slot.start) or "", default=None)
    return first and first.name


def _find_column_start(judgement: Judgement, last: Slot, name: str) -> str | None:
    """The first of the windows since which a column is away from training, if it is still."""
    own = [one for one in last.findings.get(name, ()) if one.state in ("moved", "alarm")]
    starts = {_find_since(judgement, one) for one in own}
    return next((slot.name for slot in judgement.slots if slot.name in starts), None)


def _find_since(judgement: Judgement, finding: Finding) -> str:
    """The first of the windows on end that have moved like this, which alone is no alarm."""
    first = finding.what, "moved"
    return next(
        slot.name
        for slot in reversed(judgement.slots)
        if any((one.what, one.state) == first for one in slot.findings.get(finding.column, ()))
    )


def _list_omissions(watch: Watch) -> Iterator[str]:
    """Rows that were left out."""
    for subject, windows in watch.windows.items():
        for reason, count in sorted(windows.omitted.items()):
            if count:
                rows = "1 row was" if count == 1 else f"{count:,} rows were"
                yield f"{subject.version}: {rows} left out: {WORDS[reason]}"


def _list_notes(judgements: Sequence[Judgement], problems: Mapping[str, str]) -> Iterator[str]:
    """What nothing is known of, and why.

    `problems` says what is wrong with the models of some runs.
    """
    for one in judgements:
        name = one.subject.version
        if one.reference is None:
            problem = problems.get(one.subject.run, "its model is not to be had here")
            yield f"{name}: {problem}; only volume and time are shown"
        elif one.reference.profile is None:
            yield (
                f"{name}: it was trained before profiles were written, so only volume and time "
                "are shown; `dvc repro` and `register` make a version that has one"
            )
        elif lacking := _list_unknown(one, one.reference.profile):
            yield f"{name}: the server does not keep {', '.join(lacking)}, so they are not watched"


def _list_unknown(judgement: Judgement, profile: Profile) -> list[str]:
    known = {name for window in judgement.windows for name in window.tallies}
    return [name for name in profile.scales if name not in known]


def _describe(judgement: Judgement, ignored: Collection[str]) -> Content:
    subject, reference = judgement.subject, judgement.reference
    columns, alarms = [], _tell_alarms(judgement)
    if reference and reference.profile:
        columns = [
            _describe_column(name, judgement, reference.profile, ignored)
            for name in reference.profile.scales
            if any(name in window.tallies for window in judgement.windows)
        ]
    return {
        "model": subject.model,
        "version": subject.version,
        "run": subject.run,
        "role": subject.role,
        "stages": [*judgement.stages],
        "is_current": judgement.is_current,
        "state": judgement.state,
        "alarms": len(alarms),
        "lines": alarms,
        "windows": [_describe_slot(slot) for slot in judgement.slots],
        "columns": sorted(columns, key=lambda column: -column["movement"]),
        "quality": judgement.quality and judgement.quality.describe(),
    }


def _describe_slot(slot: Slot) -> Content:
    window = slot.window
    return {
        "name": slot.name,
        "start": _tell_time(slot.start),
        "end": _tell_time(slot.end),
        "rows": window.rows if window else 0,
        "requests": window.requests if window else 0,
        "refused": window.refused if window else 0,
        "median_seconds": window.find_latency(0.5) if window else None,
        "p99_seconds": window.find_latency(0.99) if window else None,
        "state": slot.find_state(),
    }


def _describe_column(
    name: str, judgement: Judgement, profile: Profile, ignored: Collection[str]
) -> Content:
    assert judgement.reference is not None
    contract, scale = judgement.reference.contract, profile.scales[name]
    column = contract.columns.get(contract.target if name == PREDICTION else name)
    coarse, last = profile.coarse(name), judgement.find_last(name)
    unjudged = "ignored" if name in ignored else "too few"
    bars = {"edges": coarse.edges} if scale.is_number else {"categories": coarse.categories}
    return {
        "name": name,
        "part": "score" if name in profile.scores else _find_part(name, profile),
        "type": "number" if scale.is_number else "level",
        "unit": (column and column.unit) or "",
        "meaning": (column and column.meaning) or "",
        "state": last.find_state(name) if last else unjudged,
        "since": _find_column_start(judgement, last, name) if last else None,
        "movement": last.find_movement(name) if last else 0.0,
        "reference": {**bars, **_tell_shares(profile.tallies[name], profile.bars[name])},
        "windows": [_describe_part(name, slot, profile) for slot in judgement.slots],
    }


def _find_part(name: str, profile: Profile) -> str:
    return "embedding" if name in profile.embeddings else "feature"


def _describe_part(name: str, slot: Slot, profile: Profile) -> Content:
    """A column in a window."""
    findings = slot.findings.get(name, ())
    main = next((one for one in findings if one.what == "distribution"), None)
    tally = slot.window.tallies.get(name) if slot.window else None
    reference = profile.tallies[name]
    return {
        **_tell_shares(tally or Tally.empty(profile.scales[name]), profile.bars[name]),
        "others": dict(tally.others.most_common()) if tally else {},
        "breaches": slot.window.breaches[name] if slot.window else 0,
        "movement": slot.find_movement(name),
        "effect": main.effect if main else None,
        "psi": _measure_psi(reference, tally, profile.bars[name]) if tally else None,
        "p_value": main.p_value if main else None,
        "q_value": main.q_value if main else None,
        "state": slot.find_state(name),
        "lines": [one.text for one in findings if one.state != "fine"],
    }


def _tell_shares(tally: Tally, bars: np.ndarray) -> Content:
    """The share of the rows that each bar has, and those without a value; none of no rows."""
    if not tally.rows:
        return {"shares": [], "missing": None}
    return {
        "shares": (_count_bars(tally, bars) / tally.rows).tolist(),
        "missing": tally.missing / tally.rows,
    }


def _count_bars(tally: Tally, bars: np.ndarray) -> np.ndarray:
    return np.bincount(bars[:-1], tally.counts, bars[-1])


def _measure_psi(reference: Tally, tally: Tally, bars: np.ndarray) -> float:
    """The population stability index over the bars, with half a row more in each."""
    one, other = (_count_bars(part, bars) + 0.5 for part in (reference, tally))
    one, other = one / one.sum(), other / other.sum()
    return float(((other - one) * np.log(other / one)).sum())


def _tell_time(time: np.datetime64) -> str | None:
    """ISO 8601, in UTC."""
    return None if np.isnat(time) else f"{np.datetime_as_string(time, unit='s')}+00:00"
