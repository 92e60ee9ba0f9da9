"""What stands before a promotion: whether a version is fit to take the place of the present one.

How often it errs is simulated in `benchmarks/gate.py` of the template.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core.errors import UserError, shorten
from ..core.params import Params
from ..records.agreement import find_disagreements
from ..records.pairs import pair_runs
from ..records.repository import Repository
from ..records.run import Run
from ..records.verification import require_verified
from .compatibility import find_breaks, read_contract
from .findings import Finding
from .measures import (
    check_coverage,
    compare_apart,
    compare_rows,
    compare_with_baseline,
    find_chosen_metric,
    is_telling,
)

LONGEST_TEXT = 300


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


def measure(
    repository: Repository, params: Params, run: Run, present: Run | None, name: str
) -> Iterator[Finding]:
    """Whether a run's model may take the place of the present one, of that name; None if first."""
    if present is None:
        yield compare_with_baseline(run)
    else:
        yield _compare_contracts(repository, run, present, name, params.promote.new_contract)
        metric = find_chosen_metric(repository.paths, run)
        if any(present.record[key] != run.record[key] for key in ("kind", "target", "classes")):
            yield compare_with_baseline(run)
        elif (pair := pair_runs(repository, present, run)) and is_telling(pair, run):
            yield from compare_rows(metric, pair, params)
        else:
            yield from compare_apart(metric, present, run, params)
    yield from check_coverage(run)


def _compare_contracts(
    repository: Repository, run: Run, present: Run, name: str, is_allowed: bool
) -> Finding:
    assert run.commit is not None and present.commit is not None
    try:
        breaks = find_breaks(
            *(read_contract(repository, commit.sha) for commit in (present.commit, run.commit))
        )
    except UserError as error:
        breaks = [shorten(str(error), LONGEST_TEXT)]
    if not breaks:
        return Finding("contract", f"callers of {name} need change nothing")
    text, changes = f"callers of {name} must change", "; ".join(breaks)
    if is_allowed:
        return Finding("contract", f"{text}, as promote.new_contract allows: {changes}")
    return Finding("contract", text, changes)
