"""What is left out of a delivery, and why."""

from __future__ import annotations

from collections import Counter

import pandas as pd


class Omissions:
    """Counts rows by the reason why they are left out, and knows the first of each."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        """Of each reason."""
        self._examples: dict[str, str] = {}

    def count(self, reason: str, rows: int) -> None:
        """Rows that nobody has looked at one by one."""
        if rows:
            self._rows[reason] += rows

    def add(self, reason: str, rows: pd.DataFrame, detail: str = "") -> None:
        """Rows by their `request` and `row`, the place in it; `detail` is about the first one."""
        self.count(reason, len(rows))
        if len(rows) and reason not in self._examples:
            request, place = rows.iloc[0][["request", "row"]]
            more = f": {detail}" if detail else ""
            self._examples[reason] = f"; the first is row {place} of request {request}{more}"

    def describe(self) -> list[str]:
        """All of it in words, what is most frequent first."""
        return [
            f"{count:,} row{'' if count == 1 else 's'} left out: {reason}"
            + self._examples.get(reason, "")
            for reason, count in self._rows.most_common()
        ]
