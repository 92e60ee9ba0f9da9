"""What is to be said of classes in an order."""

from __future__ import annotations

from ..modeling.outcome import EVEN
from ..modeling.postprocessing import Postprocessing


def describe_rank_errors(errors: dict[str, int]) -> str:
    """How many rows are predicted right, off by one class, by two, and by more.

    Args:
        errors: Rows by the number of classes that they are off by, as metrics.json has them.
    """
    rows = sum(errors.values())
    more = sum(count for off, count in errors.items() if int(off) > 2)
    shares = [errors.get(str(off), 0) / rows for off in range(3)]
    right, one, two = (f"{share:.1%}" for share in shares)
    return (
        f"{right} of the test rows are predicted right, {one} are off by one class, {two} by two "
        f"and {more / rows:.1%} by more."
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
