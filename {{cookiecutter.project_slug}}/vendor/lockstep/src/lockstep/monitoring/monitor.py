"""The command `monitor`."""

from __future__ import annotations

from collections.abc import Sequence


def monitor(files: Sequence[str], since: str | None, by: str | None, address: str | None) -> int:
    """Say whether all is fine (0), something is not (1), or nobody can say (2)."""
    raise NotImplementedError
