"""How often a set of test rows has decided which model is taken.

Each decision tells a little about these rows, and who tries on goes where they are lucky. A gate
that answers yes or no, and yes only to what is better by more than chance, lets little out (the
ladder of Blum and Hardt, 2015; Dwork et al., 2015), but each try may still be let through by luck.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from ..core.paths import Paths
from .versions import Registry

REFUSALS = Path(".dvc", "tmp", "registry", "refusals.jsonl")
"""Those of this clone; what was promoted stands in the tags."""
MANY = 10
"""So often, one of as many models that are no better is let through in more than a fifth of all
projects, by intervals of 95%: 1 - 0.975**10 = 22%."""


class Decision(NamedTuple):
    """Which of two runs is better on some test rows; asking twice is asking once."""

    test: str
    """The digest of which rows they are: those that both runs have, where they are compared on
    these. So the count does not start anew where new data bring rows that only one has."""
    run: str
    present: str | None
    """None where it was held against the baseline."""


def count_decisions(paths: Paths, registry: Registry, decision: Decision) -> int:
    """How many decisions there were on the same test rows, but for this one."""
    refusals = paths.root / REFUSALS
    lines = refusals.read_text(encoding="utf-8").splitlines() if refusals.exists() else []
    bodies = [tag.body.get("decision") for tag in registry.tags.events]
    for line in lines:
        with suppress(ValueError):  # a line that was cut off
            bodies.append(json.loads(line))
    pairs = [
        (str(body.get("run")), body.get("present"))
        for body in bodies
        if _is_decision(body) and body.get("test") == decision.test
    ]
    return len({*pairs} - {(decision.run, decision.present)})


def _is_decision(body: Any) -> TypeGuard[dict[str, str | None]]:
    """Whether it may be one; tags can be written by anybody."""
    return isinstance(body, dict) and all(
        value is None or isinstance(value, str) for value in body.values()
    )


def keep_refusal(paths: Paths, decision: Decision) -> None:
    """Add a decision to those of this clone that nothing came of."""
    path = paths.root / REFUSALS
    path.parent.mkdir(parents=True, exist_ok=True)
    content = path.read_bytes() if path.exists() else b""
    start = "\n" if content and not content.endswith(b"\n") else ""  # the last line was cut off
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(f"{start}{json.dumps(decision._asdict(), sort_keys=True)}\n")


def describe_decisions(count: int, confidence: float) -> str:
    """How often the test rows have decided before, and what to do once that is often.

    Args:
        count: How often.
        confidence: Of the intervals that decide. A model that is as good as the present one is let
            through as often as an interval lies above the true gain.
    """
    if count == 0:
        return "these test rows decide for the first time"
    times = "once" if count == 1 else f"{count} times"
    text = f"these test rows have decided {times} before"
    if count < MANY:
        return text
    luck = 1 - (1 - (1 - confidence) / 2) ** count
    return (
        f"{text}: of so many models that are no better, luck lets one through in {luck:.0%} of all "
        "projects, and the figures flatter it; take rows that have decided nothing: new data, or "
        "another `split.seed` in params.yaml"
    )
