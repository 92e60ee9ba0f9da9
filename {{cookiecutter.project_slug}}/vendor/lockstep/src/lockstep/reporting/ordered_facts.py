"""What is to be said of classes in an order."""

from __future__ import annotations


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
