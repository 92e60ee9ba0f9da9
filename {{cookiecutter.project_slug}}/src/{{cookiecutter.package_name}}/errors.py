"""What a user can mend, told in one line instead of a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


class UserError(Exception):
    """A mistake in a file, an option or a setting that its user can mend.

    Its text says where, what was found and what would be right, in one line per mistake.
    """


def exit_status(command: Callable[[], None], *, debug: bool = False) -> int:
    """Run `command`; print a `UserError` to stderr instead of raising it, unless `debug`.

    Returns:
        0 when the command ended well, 1 when the user has something to mend.
    """
    try:
        command()
    except BrokenPipeError:
        # Whoever read the output, such as `head`, has had enough; nothing is left to flush into.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except UserError as error:
        if debug:
            raise
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return 1
    return 0
