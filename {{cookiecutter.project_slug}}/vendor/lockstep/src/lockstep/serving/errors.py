"""Why a question has no answer, each reason with its status of HTTP."""

from __future__ import annotations

from typing import ClassVar


class ServingError(Exception):
    """A question has no answer.

    Args:
        detail: Why, and what to do, in a line for whoever has asked.
        retry_after: Seconds after which asking again may help; None where it will not.
    """

    status: ClassVar[int] = 500

    def __init__(self, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail, self.retry_after = detail, retry_after


class UnknownModel(ServingError):
    """Nothing that is served has the name that was asked for."""

    status = 404


class Unusable(ServingError):
    """The whole body cannot be read as rows, so that there is no row to tell it of."""

    status = 422


class Busy(ServingError):
    """As many requests are under way as may be."""

    status = 503


class Broken(ServingError):
    """The processes of the version have died, twice of this question or while they started."""

    status = 503


class Late(ServingError):
    """There was no answer in time."""

    status = 504


class Unreachable(ServingError):
    """The database that keeps the requests does not answer."""

    status = 503
