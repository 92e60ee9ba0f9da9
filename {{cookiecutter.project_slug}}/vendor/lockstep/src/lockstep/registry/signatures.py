"""Who has signed a tag, as far as git can tell."""

from __future__ import annotations

from typing import Literal

from ..core.errors import UserError
from ..records.repository import Repository
from .tags import Tag

Signature = Literal["good", "unsigned", "unknown signer", "bad"]
UNKNOWN = ("No principal matched", "allowedSignersFile", "NO_PUBKEY", "cannot run")
"""What git, GnuPG or SSH say where they cannot tell whose signature it is."""
WRONG = "incorrect signature"
"""What SSH says beside that where it is nobody's."""


def judge_signature(repository: Repository, tag: Tag) -> Signature:
    """What `git verify-tag` makes of it; a tag that was changed afterwards has a bad one."""
    if not tag.is_signed:
        return "unsigned"
    try:
        repository.git("verify-tag", "--raw", tag.name, LC_ALL="C")
    except UserError as error:
        is_unknown = any(words in str(error) for words in UNKNOWN) and WRONG not in str(error)
        return "unknown signer" if is_unknown else "bad"
    return "good"
