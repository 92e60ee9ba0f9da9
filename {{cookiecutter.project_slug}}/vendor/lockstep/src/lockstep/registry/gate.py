"""What stands before a promotion: whether a version is fit to take the place of the present one.

How often it errs is simulated in `benchmarks/gate.py` of the template.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..core.errors import UserError, shorten
from ..core.params import Params
from ..modeling.metrics import OF_RATES
from ..modeling.outcome import EXPOSURE
from ..records.agreement import find_disagreements
from ..records.pairs import Pair, pair_runs, read_predictions
from ..records.repository import Repository
from ..records.run import Run
from ..records.verification import require_verified
from .compatibility import find_breaks, read_contract
from .findings import Finding, Note
from .later_rows import pair_with_later_rows
from .measures import (
    APART,
    check_coverage,
    check_structure,
    compare_apart,
    compare_rows,
    compare_with_baseline,
    find_chosen_metric,
    is_telling,
)

LONGEST_TEXT = 300
OTHER_EXPOSURE = (
    "one of the models is measured per unit of an exposure and the other is not, which takes test "
    "rows in common"
)


class Present(NamedTuple):
    """What stands in the stage."""

    name: str
    commit: str
    run: Run | None
    """None where its record cannot be read."""
    problem: str = ""
    """Why it cannot."""


def check_record(repository: Repository, run: Run) -> Finding:
    """Whether a run is that of the commit that holds it."""
    disagreements = find_disagreements(repository, run)
    return Finding("record", f"of commit {run.name}", "; ".join(disagreements))


def rebuild(repository: Repository, run: Run) -> Finding:
    """Whether all outputs of a run follow from its commit; it takes as long as the run did."""
    assert run.commit is not None
    try:
        require_verified(repository.paths, run.commit.sha)
    except UserError as error:
        return Finding("rebuild", "from the raw data", shorten(str(error), LONGEST_TEXT))
    return Finding("rebuild", "from the raw data gives the same bytes")


def check_present(
    repository: Repository, run: Run, present: Present, is_allowed: bool
) -> Iterator[Finding | Note]:
    """What can be asked of both models before any row decides."""
    yield _compare_contracts(repository, run, present, is_allowed)
    if present.run is not None:
        return
    if is_allowed:
        text = f"is not compared with, as promote.new_contract allows: {present.problem}"
        yield Note("present model", text)
        return
    reason = (
        f"{present.problem}. So nobody can say which of both is better: `rollback` gives the stage "
        "to another version, promote to another stage, or set promote.new_contract to true in "
        "params.yaml to be measured against the baseline"
    )
    yield Finding(run.metric, f"of {present.name} is not known", reason)


def _compare_contracts(
    repository: Repository, run: Run, present: Present, is_allowed: bool
) -> Finding:
    assert run.commit is not None
    name = present.name
    try:
        breaks = find_breaks(
            *(read_contract(repository, commit) for commit in (present.commit, run.commit.sha))
        )
    except UserError as error:
        breaks = [shorten(str(error), LONGEST_TEXT)]
    if not breaks:
        return Finding("contract", f"callers of {name} need change nothing")
    text, changes = f"callers of {name} must change", "; ".join(breaks)
    if is_allowed:
        return Finding("contract", f"{text}, as promote.new_contract allows: {changes}")
    return Finding("contract", text, changes)


def pair_with_present(repository: Repository, run: Run, present: Run | None) -> Pair | None:
    """The rows that decide where both models have predicted them; None where others do."""
    if present is None or _has_other_target(run, present):
        return None
    pair = pair_runs(repository, present, run)
    return pair if pair and is_telling(pair, run) else None


def add_later_rows(
    repository: Repository, run: Run, present: Run | None, pair: Pair | None
) -> tuple[Pair | None, list[Note]]:
    """The rows that decide, with test rows that came after the present model where it can say what
    it makes of them; and a note where it cannot.
    """
    if present is None or _has_other_target(run, present):
        return pair, []
    if run.record["test"] == present.record["test"]:
        return pair, []
    try:
        return pair_with_later_rows(repository, present, run), []
    except UserError as error:
        reason = shorten(str(error), LONGEST_TEXT)
        return pair, [Note("present model", f"was not asked about other test rows: {reason}")]


def _has_other_target(run: Run, present: Run) -> bool:
    return any(present.record[key] != run.record[key] for key in ("kind", "target", "classes"))


def _has_other_exposure(repository: Repository, run: Run, present: Run) -> bool:
    tables = [read_predictions(repository, one) for one in (run, present)]
    return len({EXPOSURE in table for table in tables if table is not None}) > 1


def measure(
    repository: Repository, params: Params, run: Run, present: Run | None, pair: Pair | None
) -> Iterator[Finding | Note]:
    """Whether a run's model is better than the present one, or than the baseline without one."""
    if present is None or _has_other_target(run, present):
        yield compare_with_baseline(run, params)
    else:
        metric = find_chosen_metric(repository.paths, run)
        if pair:
            unseen = f", {pair.unseen} of which the present model never saw"
            rows = f"test rows{unseen if pair.unseen else ' in common'}"
            yield from compare_rows(metric, pair, params, rows)
        elif metric.name in OF_RATES and _has_other_exposure(repository, run, present):
            yield Finding(metric.name, APART, OTHER_EXPOSURE)
        else:
            yield from compare_apart(metric, present, run, params)
    yield from check_coverage(run)
    yield from check_structure(run)
