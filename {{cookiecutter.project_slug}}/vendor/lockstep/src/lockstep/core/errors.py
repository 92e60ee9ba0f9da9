"""What a user can mend, told in one line instead of a traceback."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONGEST_REASON = 120


class UserError(Exception):
    """A mistake in a file, an option or a setting that its user can mend.

    Its text says where, what was found and what would be right, in one line per mistake.
    """


def exit_status(command: Callable[[], int | None], *, debug: bool = False, mistake: int = 1) -> int:
    """Run `command`; print what its user can mend to stderr instead of raising it, unless `debug`.

    That is a `UserError`, or an `OSError` such as a full disk or a folder that may not be written.
    Gives what the command gives, which is 0 where it gives nothing; `mistake` when something is to
    be mended, and for any other error, too, if it is not 1, as Python has it; 130 when interrupted,
    and 141 when nobody wanted to read all that it had to print.
    """
    try:
        status = command()
    except BrokenPipeError:
        # Whoever read the output, such as `head`, has had enough; nothing is left to flush into.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # as of a program that ends by the signal for it: it may not have got to its end
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if debug or not isinstance(error, UserError | OSError):
            if mistake == 1:
                raise
            traceback.print_exc()
            return mistake
        text = str(error)
        if isinstance(error, OSError) and error.filename:
            text = f"{error.filename}: {error.strerror}"
        for line in text.splitlines():
            print(f"error: {line}", file=sys.stderr)
        return mistake
    return status or 0


@contextmanager
def guard_reading(complaint: str) -> Iterator[None]:
    """Tell `complaint` and its reason for whatever is raised while a file is read.

    A file may hold anything, and parsers pass on whatever that makes their parts raise.
    """
    try:
        yield
    except (UserError, ImportError):
        raise
    except Exception as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        reason = shorten(str(cause), LONGEST_REASON)
        raise UserError(f"{complaint}: {reason}" if reason else complaint) from error


def shorten(text: str, most: int) -> str:
    """The text on one line without signs that steer a terminal, cut to at most so many signs."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= most else f"{line[:most]}..."
