"""What must be so of rows among which clusters are looked for."""

from __future__ import annotations

from collections.abc import Collection

from ..core.contract import CLUSTER
from ..core.errors import UserError
from .wishes import Wishes


def require_no_target(wishes: Wishes, names: Collection[str], file: str) -> None:
    """Check that nothing is named which clusters have no need of, and none is called like them.

    Raises:
        UserError: Something else is wished for as well, or a column has the name of clusters.
    """
    if wishes.target is not None:
        raise UserError(
            f"{file}: --kind clustering and --target: clusters are found without a target; leave "
            f"it out, and say `--drop {wishes.target}` if they are not to be found by it either"
        )
    others = {"--sequence": wishes.sequence, "--horizon": wishes.horizon}
    option = next((option for option, word in others.items() if word is not None), None)
    if option is not None:
        raise UserError(
            f"{file}: --kind clustering and {option}: clusters are looked for among the rows of a "
            "table, each by itself; leave out one of them"
        )
    if CLUSTER in names:
        raise UserError(
            f"{file}: there is a column {CLUSTER!r}, which is what is to be found: say "
            f"`--drop {CLUSTER}`, or rename it"
        )
