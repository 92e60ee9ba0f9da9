"""What is to be said of classes in an order."""

from __future__ import annotations

from ..modeling.outcome import EVEN
from ..modeling.postprocessing import Postprocessing


def describe_rank_errors(errors: dict[str, int]) -> str:
    """How many rows are predicted right, off by one class, by two, and by more, if any are.

    Args:
        errors: Rows by the number of classes that they are off by, as metrics.json has them.
    """
    rows = sum(errors.values())
    right, one, two = (errors.get(str(off), 0) for off in range(3))
    more = rows - right - one - two
    others = [f"{two / rows:.1%} by two"] * bool(two) + [f"{more / rows:.1%} by more"] * bool(more)
    return (
        f"{right / rows:.1%} of the test rows are predicted right, {one / rows:.1%} are off by one "
        f"class, {' and '.join(others) or 'none by more'}."
    )


def describe_threshold(learnt: Postprocessing) -> list[str]:
    """Which class is predicted, and why; nothing where it is the most probable one."""
    match learnt.decision:
        case None:
            return []
        case str() as metric:
            why = f"because {metric} is best so on the validation rows"
        case dict() as costs:
            why = (
                "because wrong decisions cost least so on the validation rows, where each class "
                f"too low costs {costs['missed']:g} and each too high {costs['false_alarm']:g}"
            )
        case _:
            why = "as params.yaml says"
    median = " (the median)" if learnt.threshold == EVEN else ""
    return [
        f"The highest class is predicted that is reached with a probability of "
        f"{learnt.threshold:.3g} or more{median}, {why}."
    ]
