"""Versions in the shadow beside the one that answers, on rows whose outcomes are known.

Both have answered the same rows, so that the gate of the registry can compare them as it compares
models on test rows. One that passes is proposed; `promote` compares both on the test rows again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..core.errors import UserError
from ..core.project import Project
from ..modeling.metrics import Metric
from ..records.pairs import Pair, measure_gains, share_exposure
from ..records.repository import Repository
from ..registry.findings import Finding
from ..registry.measures import compare_rows
from ..registry.versions import read_registry
from .estimates import make_outcome
from .judgement import Judgement
from .quality import Gauge
from .references import Reference
from .samples import Sample

ROWS = "rows that both answered and whose outcomes are known"
NONE, OTHERS = "missing", "any other"
"""The subgroups of no value, and of values that have no place of their own."""


def describe_shadows(judgements: Sequence[Judgement], gauge: Gauge) -> list[dict[str, Any]]:
    """What outcomes say of each version that is in the shadow now, as monitoring.json has it.

    Args:
        judgements: Those of all versions.
        gauge: What knows the metric that decides.
    """
    current = [one for one in judgements if one.is_current and one.reference]
    answers = [one for one in current if one.subject.role == "answer"]
    # The one in a stage can be replaced there; a canary stands in none yet.
    present = next((one for one in answers if one.stages), answers[0] if answers else None)
    shadows = [one for one in current if one.subject.role == "shadow"]
    metric = gauge.find_metrics([gauge.primary]).get(gauge.primary)
    if present is None or metric is None:
        return []
    return [_describe(one, present, metric, gauge.project) for one in shadows]


def _describe(
    shadow: Judgement, present: Judgement, metric: Metric, project: Project
) -> dict[str, Any]:
    version, params = shadow.subject.version, project.params
    least = params.monitor.least_rows
    pair = _pair(shadow, present)
    rows = len(pair) if pair else 0
    content: dict[str, Any] = {"version": version, "rows": rows, "metric": metric.name}
    if pair is None or rows < least:
        lines = [f"{rows:,} {ROWS}; the gate looks at {least:,} or more"]
        return content | {"gain": None, "lines": lines, "proposal": None}
    gain = measure_gains(pair, [metric], params.evaluate, params.seed).get(metric.name)
    findings = [*compare_rows(metric, pair, params, ROWS)]
    is_better = all(finding.is_good for finding in findings)
    return content | {
        "gain": gain and {"figure": gain.figure, "low": gain.low, "high": gain.high},
        "lines": [*map(_tell, findings)],
        "proposal": _propose(version, present.stages, project) if is_better else None,
    }


def _tell(finding: Finding) -> str:
    return f"{finding.name}: {finding.text}{finding.reason and f': {finding.reason}'}"


def _pair(shadow: Judgement, present: Judgement) -> Pair | None:
    """What both predicted of the same rows; None where they predict other things, or have none."""
    ours, theirs = _gather(shadow), _gather(present)
    reference, other = shadow.reference, present.reference
    if ours is None or theirs is None or reference is None or other is None:
        return None
    if _find_target(reference) != _find_target(other):
        return None
    keys = ours.outcomes.index.intersection(theirs.outcomes.index)
    ours, theirs = ours.take(keys), theirs.take(keys)
    actual = ours.outcomes.tolist()
    outcomes = make_outcome(other, theirs, actual), make_outcome(reference, ours, actual)
    before, after = share_exposure(*outcomes)
    after = replace(after, groups=before.groups)
    return Pair(before, after, _name_subgroups(reference, ours), keys.to_numpy())


def _gather(judgement: Judgement) -> Sample | None:
    """The rows of all windows whose outcomes are known, as far as windows keep them."""
    samples = [slot.window.labelled for slot in judgement.slots if slot.window]
    known = [sample for sample in samples if sample is not None]
    return Sample.concatenate(known) if known else None


def _find_target(reference: Reference) -> tuple[str, list[str], list[str]]:
    contract = reference.contract
    return contract.target, contract.classes, contract.labels


def _name_subgroups(reference: Reference, sample: Sample) -> pd.DataFrame:
    """(n_rows, n_columns) the values of the contract's subgroups, as far as they are kept."""
    names = {}
    for name in reference.contract.subgroups:
        scale = reference.profile and reference.profile.scales.get(name)
        if scale and scale.categories and name in sample.places:
            texts = np.array([*scale.categories, OTHERS, NONE])  # -1 is that of no value
            names[name] = texts[sample.places[name]]
    return pd.DataFrame(names, index=range(sample.rows))


def _propose(version: str, stages: Sequence[str], project: Project) -> str | None:
    """The command that puts it where the present one stands; None of what no version is."""
    with suppress(UserError):
        registered = {one.name for one in read_registry(Repository(project)).versions}
        if stages and f"v{version}" in registered:
            return f"{project.command} promote v{version} --to {stages[0]}"
    return None
