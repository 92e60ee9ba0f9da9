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
    """Run `command`; print what its user can mend to stderr instead of raising it, unless `debug`.

    That is a `UserError`, or an `OSError` such as a full disk or a folder that may not be written.

    Returns:
        0 when the command ended well, 1 when the user has something to mend, 130 when the user
        interrupted it.
    """
    try:
        command()
    except BrokenPipeError:
        # Whoever read the output, such as `head`, has had enough; nothing is left to flush into.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except (UserError, OSError) as error:
        if debug:
            raise
        for line in _lines(error):
            print(f"error: {line}", file=sys.stderr)
        return 1
    return 0


def _lines(error: UserError | OSError) -> list[str]:
    if isinstance(error, OSError) and error.filename:
        return [f"{error.filename}: {error.strerror}"]
    return str(error).splitlines()


def shorten(text: str, most: int) -> str:
    """The text on one line, cut to at most so many signs."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]}..."
