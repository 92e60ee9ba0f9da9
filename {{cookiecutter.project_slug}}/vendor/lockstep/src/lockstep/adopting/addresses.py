"""Addresses of data, and what of them may be told: a password, a token or a signature may not."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_plus, urlsplit

from ..core.errors import UserError

HOST = re.compile(r"[\w.-]+|[\da-fA-F:.]+")
CREDENTIAL = re.compile(
    r"[^/]*:[^/]*@|[^/]*(token|secret|passw|pwd|sig|auth|key|credential|bearer)[^/]*[=:][^/]*"
    r"|(?<=/)(\w+[-_])?(token|secret|password|pwd|sig|signature|auth|(api)?key|bearer)/[^/]+(?=/)"
    r"|[^/]*\b(pat|sas|code)[=:][^/]*"
    r"|(?<=/)(?=[^/]*[a-z])(?=[^/]*\d)[a-z\d]{20,}(?=/)",
    re.IGNORECASE,
)
"""In a path, a name with a password, a value beside a word for one or below a folder of it, or a
folder of many letters and digits."""
PUBLIC = re.compile(r"(?:.*@)?(?P<host>[^:/?#]*)(?P<port>:\d+)?(?P<path>/[^?#]*)?", re.DOTALL)
"""What is behind the scheme, as far as it is well-formed."""
WORD = re.compile(r"[^\s:/?#@&=;,'\"()\[\]<>]+")
LONG = 4
"""Signs from which on a word is hidden within others too."""
HIDDEN = "***"


class Address(NamedTuple):
    """An address of a file or a folder."""

    place: str
    """The address without what may be secret."""
    name: str
    """What lies there is called."""
    is_public: bool
    """Whether nothing in it may be secret."""


def get_scheme(address: str) -> str:
    """What an address begins with.

    Raises:
        UserError: It begins with something else, which the message does not repeat.
    """
    scheme = address.partition("://")[0]
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        raise UserError("an address begins with its scheme, such as https:// or postgresql://")
    return scheme.lower()


def parse_address(address: str) -> Address:
    """Take the address of a file or a folder apart.

    Raises:
        UserError: It is malformed; the message does not repeat it.
    """
    scheme = get_scheme(address)
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not HOST.fullmatch(host):
        raise UserError(f"not a valid address; {scheme}://HOST/PATH was expected")
    path = _decode(parts.path)
    public_path = CREDENTIAL.sub(HIDDEN, re.split("[?#;]", path)[0])
    authority = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    return Address(
        place=f"{scheme}://{authority}{quote(public_path, safe='/*')}",
        name=PurePosixPath(public_path).name,
        is_public=path == public_path
        and not re.search("[?#]", address)
        and "@" not in parts.netloc,
    )


def find_place(address: str) -> str | None:
    """The address without what may be secret; nothing where it names no host."""
    try:
        return parse_address(address).place
    except UserError:
        return None


def hide_secrets(text: str, address: str) -> str:
    """A text without what may be secret in an address, however it is written there."""
    rest = address.partition("://")[2]
    public = " ".join(filter(None, next(PUBLIC.finditer(rest)).groups()))
    words, public_words = (
        {word for form in (each, _decode(each), unquote_plus(each)) for word in WORD.findall(form)}
        for each in (rest, CREDENTIAL.sub("", public))
    )
    secrets = {form for word in words - public_words for form in (word, quote(word, safe=""))}
    for secret in sorted(secrets, key=len, reverse=True):
        mark = re.escape(secret)
        text = re.sub(mark if len(secret) >= LONG else rf"(?<!\w){mark}(?!\w)", HIDDEN, text)
    return hide_in_addresses(text)


def hide_in_addresses(text: str) -> str:
    """A text without the user, the password and the query of each address in it."""
    text = re.sub(r"(?<=://)[^\s/'\"]*@", f"{HIDDEN}@", text)
    return re.sub(r"(://[^\s?#'\"]*)[?#][^\s'\")]*", rf"\1?{HIDDEN}", text)


def describe_path(path: str) -> str:
    """What to call a path where nothing is: it may be a mistaken address."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", path):
        return "an address without its two slashes"
    end = re.split("[?#;%&=]", path.rpartition("@")[2])[0]
    return end if end == path else f"{HIDDEN}{end}"


def _decode(text: str) -> str:
    """The text without percent signs, however often they were put."""
    while (decoded := unquote(text)) != text:
        text = decoded
    return text
