"""What is thought of each version that is watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np

from ..core.params import MonitorParams
from .batches import Subject
from .checks import ALL
from .drift import Finding, find_drift
from .quality import Gauge, Quality
from .references import Reference
from .watch import Watch
from .windows import DAY, Window, Windows

SEVERITY = ("gap", "too few", "fine", "moved", "alarm")
"""States of a window, from that which says least to the worst."""
State = Literal["fine", "alarm", "unsure"]
"""Of a version, and of all: whether anything is to be done, or nobody can say."""


class Slot(NamedTuple):
    """A window or, without one, a time in which no rows came."""

    name: str
    start: np.datetime64
    end: np.datetime64
    window: Window | None
    findings: Mapping[str, Sequence[Finding]] = MappingProxyType({})
    """Of the window, by their columns."""

    def find_state(self, column: str | None = None) -> str:
        """The worst of what was found in the window, or in a column of it."""
        if self.window is None:
            return "gap"
        if column is not None:
            own = [*self.findings.get(column, ())]
        else:  # that no row was refused does not tell that all is well
            findings = chain.from_iterable(self.findings.values())
            own = [one for one in findings if (one.column, one.state) != (ALL, "fine")]
        states = [one.state for one in own]
        return max(states, key=SEVERITY.index, default="too few")

    def is_judged(self, column: str | None = None) -> bool:
        """Whether there were enough rows to judge it, or a column of it."""
        return self.find_state(column) not in ("gap", "too few")

    def find_movement(self, column: str) -> float:
        """How far a column has moved in the window, in what would just matter."""
        return max(map(measure_movement, self.findings.get(column, ())), default=0.0)


class Judgement(NamedTuple):
    """A version, its windows, and what was found in them."""

    subject: Subject
    reference: Reference | None
    windows: Windows
    slots: Sequence[Slot]
    stages: Sequence[str]
    is_current: bool
    """Whether it answers still, as what was retired does not: see `_is_retired`."""
    quality: Quality | None
    """How good it is; None where nobody can say."""

    def find_last(self, column: str) -> Slot | None:
        """The latest window that there were enough rows to judge a column by."""
        judged = (slot for slot in reversed(self.slots) if slot.is_judged(column))
        return next(judged, None)

    @property
    def alarms(self) -> list[Finding]:
        """Those of the latest window of each column, the greatest movement first."""
        return self._list_findings("alarm")

    @property
    def moved(self) -> list[Finding]:
        """What has moved in those windows for the first time."""
        return self._list_findings("moved")

    def _list_findings(self, state: str) -> list[Finding]:
        columns = {column: None for slot in self.slots for column in slot.findings}
        lasts = {column: self.find_last(column) for column in columns}
        own = [
            one
            for column, last in lasts.items()
            for one in (last.findings.get(column, ()) if last else ())
            if one.state == state
        ]
        return sorted(own, key=measure_movement, reverse=True)

    @property
    def state(self) -> State:
        """Whether anything is to be done."""
        states = {self.quality.state} if self.quality else set()
        if self.alarms or "alarm" in states:
            return "alarm"
        has_judged = any(slot.is_judged() for slot in self.slots)
        return "fine" if has_judged or states & {"fine", "moved"} else "unsure"


def judge(
    watch: Watch, settings: MonitorParams, stages: Mapping[str, Sequence[str]], gauge: Gauge
) -> list[Judgement]:
    """Judge each version, those that answer now first.

    Args:
        watch: Their windows.
        settings: The section `monitor` of params.yaml.
        stages: Of each version, such as 1.2.0, those that it stands in.
        gauge: What measures how good they are.
    """
    lists = {subject: _list_slots(subject, watch, settings) for subject in watch.windows}
    lists = {subject: slots for subject, slots in lists.items() if slots}
    judgements = []
    for subject, slots in lists.items():
        reference = watch.references.find(subject)
        has_stage = subject.role == "answer" and subject.version in stages
        is_current = has_stage or not _is_retired(subject, lists, settings.least_rows)
        quality = None
        if reference:
            named = [(slot.name, slot.window) for slot in slots]
            quality = gauge.measure(subject, reference, named)
        judgements.append(
            Judgement(
                *(subject, reference, watch.windows[subject], slots),
                *(stages.get(subject.version, ()), is_current, quality),
            )
        )
    return sorted(judgements, key=_find_rank)


def _is_retired(subject: Subject, lists: Mapping[Subject, Sequence[Slot]], least_rows: int) -> bool:
    """Whether others have answered enough rows in windows later than its last one."""
    end = lists[subject][-1].end
    rows = [
        slot.window.rows
        for other, slots in lists.items()
        for slot in slots
        if other.role == "answer" and slot.window and slot.start >= end
    ]
    return sum(rows) >= least_rows


def _list_slots(subject: Subject, watch: Watch, settings: MonitorParams) -> list[Slot]:
    windows, reference = watch.windows[subject], watch.references.find(subject)
    counted, profile = [*windows], reference.profile if reference else None
    findings: list[dict[str, list[Finding]]] = [{} for _ in counted]
    for finding in find_drift(profile, counted, settings) if profile else []:
        findings[finding.window].setdefault(finding.column, []).append(finding)
    slots = []
    for place, window in enumerate(counted):
        former = counted[place - 1].number if place else window.number
        if windows.by != "rows" and window.number - former > 1:
            slots.append(_name_gap(windows, former + 1, window.number))
        name, ends = windows.name(window.number), windows.find_ends(window)
        slots.append(Slot(name, *ends, window, findings[place]))
    return slots


def _name_gap(windows: Windows, first: int, end: int) -> Slot:
    """The time from the window `first` to before the window `end`, in which no rows came."""
    start, stop = windows.find_start(first), windows.find_start(end)
    name = str(start) if stop - start == DAY else f"{start} to {stop - DAY}"
    return Slot(name, start, stop, None)


def _find_rank(judgement: Judgement) -> tuple[bool, bool, int]:
    """Those that answer now first, answers before shadows, and the latest first."""
    end = judgement.slots[-1].end
    age = 0 if np.isnat(end) else -int(end.astype("datetime64[us]").astype("int64"))
    return not judgement.is_current, judgement.subject.role == "shadow", age


def measure_movement(finding: Finding) -> float:
    """How far something has moved, in what would just matter."""
    return (finding.effect or 0.0) / finding.floor
