"""Command lines, of which a mistake is told in one line."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any, NoReturn


class CommandLineParser(argparse.ArgumentParser):
    """A parser that says what is wrong without its usage, which may be longer than a screen."""

    def parse_known_args(
        self, args: Iterable[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """The namespace and nothing else: each command tells itself what it does not know."""
        known, others = super().parse_known_args(args, namespace)
        if others:
            self.error(f"unrecognized arguments: {' '.join(others)}")
        return known, others

    def error(self, message: str) -> NoReturn:
        """End the process with status 2."""
        self.exit(2, f"error: {message}; `{self.prog} --help` says what it takes\n")
