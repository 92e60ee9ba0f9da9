"""The registry's tags: annotated tags of git with the names that GTO gives them.

`champion@v1.2.0` makes a commit a version and `champion#production#3` puts it into a stage; where
the project is a folder of the repository, `folder=champion` stands for `champion`. The message is a
line for people, and JSON. So `dvc artifacts get` and GTO read what is written here, and what they
have written is read here.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ..core.errors import LONGEST_REASON, UserError, shorten
from ..records.repository import Repository

ARTIFACT = "champion"
"""What dvc.yaml calls the model under `artifacts`."""
Action = Literal["register", "deregister", "assign", "unassign", "deprecate"]
FOLDER = re.compile(r"[A-Za-z0-9_./-]+")
STAGE = r"[A-Za-z0-9](?:(?:[A-Za-z0-9_-]|/(?!/))*[A-Za-z0-9])?"
NUMBER = r"(?:0|[1-9][0-9]*)"
EVENT = re.compile(
    rf"(?:@(?P<version>v{NUMBER}\.{NUMBER}\.{NUMBER})|#(?P<stage>{STAGE}))(?P<end>!?)"
    r"(?:#(?P<counter>[0-9]+))?|@deprecated(?:#(?P<number>[0-9]+))?"
)
"""What stands behind the artifact's name."""
FIELDS = (
    *("refname:strip=2", "objecttype", "*objecttype", "*objectname", "taggerdate:raw"),
    *("taggername", "contents:body", "contents:signature"),
)


@dataclass(frozen=True)
class Tag:
    """Something that has happened to a version, or to the whole artifact."""

    name: str
    action: Action
    commit: str
    version: str | None
    stage: str | None
    counter: int
    """0 where the name has none."""
    seconds: int
    """When it was made, since 1970."""
    author: str
    body: Mapping[str, Any]
    """What the message says in JSON; nothing where somebody else has written it."""
    is_signed: bool

    @property
    def date(self) -> str:
        """When it was made, in this machine's time."""
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(self.seconds))


class Tags(NamedTuple):
    """The tags of a project's model."""

    events: list[Tag]
    """In the order of time."""
    strangers: list[str]
    """A line for each tag that looks like one of them and says nothing."""


def name_artifact(repository: Repository) -> str:
    """What the names of the project's tags begin with.

    Raises:
        UserError: The project's folder has a name that tags cannot have.
    """
    folder = repository.prefix.rstrip("/")
    if folder and not FOLDER.fullmatch(folder):
        raise UserError(
            f"{folder}: the names of tags tell the project's folder, and they can have only "
            "letters, digits and - _ . / of its name; rename it"
        )
    return f"{folder}={ARTIFACT}" if folder else ARTIFACT


def read_tags(repository: Repository) -> Tags:
    """All tags of the project's model, by one process of git.

    Raises:
        UserError: The project's folder has a name that tags cannot have.
    """
    artifact = name_artifact(repository)
    form = "".join(f"%({field})%00" for field in FIELDS)
    output = repository.git("for-each-ref", f"--format={form}", "refs/tags").split("\0")
    events, strangers = [], []
    for start in range(0, len(output) - 1, len(FIELDS)):
        name, kind, target, *rest = output[start : start + len(FIELDS)]
        name = name.lstrip("\n")  # which ends the tag before
        if not name.startswith((f"{artifact}@", f"{artifact}#")):
            continue
        match = EVENT.fullmatch(name, len(artifact))
        if match is None:
            strangers.append(f"{name}: not a name that GTO gives, such as {ARTIFACT}@v1.0.0")
        elif kind != "tag" or target != "commit":
            what = "a lightweight tag" if kind == "commit" else f"a tag of a {target or kind}"
            strangers.append(f"{name}: {what}; only annotated tags of commits count")
        else:
            events.append(_read_event(name, match, *rest))
    return Tags(sorted(events, key=lambda tag: (tag.seconds, tag.counter)), strangers)


def _read_event(
    name: str, match: re.Match[str], commit: str, date: str, author: str, body: str, signature: str
) -> Tag:
    version, stage, is_end = match["version"], match["stage"], bool(match["end"])
    action: Action = "deprecate"
    if version:
        action = "deregister" if is_end else "register"
    elif stage:
        action = "unassign" if is_end else "assign"
    counter = int(match["counter"] or match["number"] or 0)
    # git keeps no time where a tag was made without one.
    seconds = int(date.split()[0]) if date else 0
    content = _read_body(body)
    return Tag(
        *(name, action, commit, version, stage, counter),
        *(seconds, author, content, bool(signature)),
    )


def _read_body(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def require_author(repository: Repository) -> None:
    """Check that git knows who makes a tag.

    Raises:
        UserError: It does not.
    """
    try:
        repository.git("var", "GIT_COMMITTER_IDENT")
    except UserError as error:
        raise UserError(
            "git does not know who you are, and a tag says who made it: "
            '`git config user.name "Your Name"` and `git config user.email you@example.org`'
        ) from error


def write_tag(
    repository: Repository,
    name: str,
    commit: str,
    *,
    line: str,
    body: Mapping[str, Any],
    tags: Tags,
) -> None:
    """Make an annotated tag, signed where git is set up to sign tags, or nothing.

    Its time is later than that of all others, to the second: the newest one counts for DVC.

    Args:
        repository: The repository.
        name: Of the tag.
        commit: What it is a tag of.
        line: The first line of its message.
        body: The rest of it.
        tags: All that there were when it was decided.

    Raises:
        UserError: There is a tag of this name by now, or git cannot sign it.
    """
    seconds = max([int(time.time()), *(tag.seconds + 1 for tag in tags.events)])
    message = f"{line}\n\n{json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False)}\n"
    # Not `--annotate`: it would win over tag.forceSignAnnotated.
    command = ("tag", "--cleanup=verbatim", "--file=-", name, commit)
    try:
        repository.git(
            *command,
            request=message,
            GIT_COMMITTER_DATE=f"@{seconds} {time.strftime('%z', time.localtime(seconds))}",
        )
    except UserError as error:
        if any(stranger.startswith(f"{name}: ") for stranger in tags.strangers):
            raise UserError(
                f"{name}: a tag that counts for nothing has this name; `git tag --delete {name}` "
                "gives it free"
            ) from error
        if _find_object(repository, name):
            raise UserError(
                f"{name}: somebody else has made this tag meanwhile; run this again, since it "
                "may be decided otherwise now"
            ) from error
        reason = shorten(str(error), LONGEST_REASON)
        raise UserError(f"{name}: git made no tag, and nothing was changed: {reason}") from error
    if _must_sign(repository):
        _require_signature(repository, name)


def _find_object(repository: Repository, name: str) -> str:
    """git's name of the tag of that name; nothing if there is none."""
    return repository.git("for-each-ref", "--format=%(objectname)", f"refs/tags/{name}")


def _must_sign(repository: Repository) -> bool:
    setting = r"^tag\.(gpgsign|forcesignannotated)$"
    try:
        output = repository.git("config", "--type=bool", "--get-regexp", setting)
    except UserError:
        return False  # there is no such setting
    return "true" in {line.split()[-1] for line in output.splitlines()}


def _require_signature(repository: Repository, name: str) -> None:
    # Some versions of git make the tag nevertheless where a key of SSH cannot be read.
    form = "--format=%(objectname) %(contents:signature)"
    digest, *signature = repository.git("for-each-ref", form, f"refs/tags/{name}").split(maxsplit=1)
    if not signature:
        repository.git("update-ref", "-d", f"refs/tags/{name}", digest)
        raise UserError(
            f"{name}: git is set up to sign tags and could not sign this one, so it was not kept; "
            "`git tag -s -m test test` tells why"
        )


def describe_push(repository: Repository, name: str) -> str:
    """What to do to share a tag; nothing where there is nobody to share it with."""
    remotes = repository.git("remote").split()
    if not remotes:
        return ""
    remote = "origin" if "origin" in remotes else remotes[0]
    return f"`git push {remote} {name}` tells others"
