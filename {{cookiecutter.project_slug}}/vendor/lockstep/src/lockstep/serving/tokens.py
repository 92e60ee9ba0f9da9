"""Tokens: who may ask, where others than this machine's users can."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets
import sys
from base64 import b64decode
from binascii import Error
from hmac import compare_digest
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..core.errors import UserError
from ..core.files import stamp, write_json
from ..core.paths import Paths
from .refusals import CLOSE, refuse

logger = logging.getLogger(__name__)

FILE = Path(".serve") / "tokens.json"
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
OPEN = ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready")
"""What tells nothing but whether the server is well."""
CHALLENGE = 'Basic realm="models: any name, and a token as the password", Bearer realm="models"'
"""Chromium asks people for a password only where that is the first way in."""


class Tokens:
    """The tokens of a file, which holds the SHA-256 of each by the name of whom it was made for.

    A token has 256 random bits, so that its digest tells nothing of it without salt. The file is
    read again when it changes: what is taken out of it is refused from then on, and so are all
    while it cannot be read.

    Raises:
        UserError: The file is not what `make_token` writes.
    """

    def __init__(self, file: Path, name: str) -> None:
        self._file, self._name = file, name
        self._stamp: tuple[int, int] | None = None
        self._digests: dict[str, str] = {}
        self._refresh()

    def __bool__(self) -> bool:
        return bool(self._digests)

    def has(self, token: str) -> bool:
        """Whether the token is one of them; it takes as long whichever it is."""
        try:
            self._refresh()
        except UserError as error:
            logger.warning("%s; nobody is answered until it is mended", error)
        digest = _hash(token)
        # All are compared, whichever is the same.
        return True in {compare_digest(digest, own) for own in self._digests.values()}

    def _refresh(self) -> None:
        if (present := stamp(self._file)) != self._stamp:
            self._digests, self._stamp = {}, present
            self._digests = _read_digests(self._file, self._name)


class TokenCheck:
    """ASGI middleware that lets a request pass which has one of the `tokens`.

    As `Authorization: Bearer TOKEN`, or as the password of `Basic`, which browsers ask for.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        self._app, self._tokens = app, tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            token = _find_token(Headers(scope=scope).get("authorization", ""))
            if token is None or not self._tokens.has(token):
                reason = "a token was expected, as in the header `Authorization: Bearer TOKEN`"
                headers = CLOSE | {"WWW-Authenticate": CHALLENGE}
                await refuse(401, reason, headers)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def read_tokens(paths: Paths) -> Tokens | None:
    """Those of the project; None where it has none.

    Raises:
        UserError: Their file is not what `make_token` writes.
    """
    file = paths.root / FILE
    return Tokens(file, paths.name(file)) or None


def make_token(name: str) -> None:
    """Make a token, print it, and keep no more of it than its digest.

    Raises:
        UserError: The name is none, or has a token.
    """
    paths = Paths.find()
    file = paths.root / FILE
    if not NAME.fullmatch(name):
        raise UserError(
            f"--new-token: found {name!r}; a name of letters, digits, dots and dashes was expected"
        )
    digests = _read_digests(file, paths.name(file))
    if name in digests:
        raise UserError(
            f"{paths.name(file)}: {name} has a token; take its line out to make another"
        )
    token = secrets.token_urlsafe(32)
    write_json(digests | {name: _hash(token)}, file)
    if not digests:
        advice = "a server that runs already asks for tokens once it is started again"
        print(f"serve: the first token: {advice}", file=sys.stderr)
    print(token)


def _read_digests(file: Path, name: str) -> dict[str, str]:
    if not file.exists():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{name}: cannot be read: {error}") from error
    is_expected = isinstance(content, dict) and all(
        isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest)
        for digest in content.values()
    )
    if not is_expected:
        raise UserError(f"{name}: names with the SHA-256 of their tokens were expected")
    return dict(content)


def _find_token(authorization: str) -> str | None:
    scheme, _, value = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            return value.strip()
        case "basic":
            try:
                return b64decode(value, validate=True).decode("utf-8").partition(":")[2]
            except (Error, UnicodeDecodeError):
                return None
    return None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8")).hexdigest()
