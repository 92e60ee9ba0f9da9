"""Objects in S3, or in what speaks like it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

from ..core.errors import LONGEST_REASON, UserError, shorten
from .downloads import CHUNK, ChangedError, Rest

REGION = "us-east-1"
"""Where none is set: the one that servers of S3 know."""
KEYS = (
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.aws or, of a remote, .dvc/config.local hold "
    "them"
)
ANOTHER_VERSION = (412, 416)
"""Answers to who asks for a version that is there no more, or for more than there is."""


def make_client(options: Mapping[str, str], seconds: float) -> Any:
    """What asks a store, with the credentials that are here, and waits for so many seconds.

    Args:
        options: Those of a remote in DVC's settings.
        seconds: For which the store may say nothing.

    Raises:
        UserError: There are no credentials, or what speaks S3 is not installed.
    """
    try:
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session
    except ImportError as error:
        raise UserError("asking it takes the extra s3: `uv sync --extra s3`") from error
    try:
        session = Session(profile=options.get("profile"))
        keys: dict[str, Any] = {
            f"aws_{name}": options[name]
            for name in ("access_key_id", "secret_access_key", "session_token")
            if name in options
        }
        if not keys and session.get_credentials() is None:
            raise UserError(f"no credentials here; {KEYS}")
        return session.create_client(
            "s3",
            region_name=options.get("region") or session.get_config_variable("region") or REGION,
            endpoint_url=options.get("endpointurl"),
            config=Config(
                connect_timeout=seconds,
                read_timeout=seconds,
                retries={"total_max_attempts": 1},
            ),
            **keys,
        )
    except BotoCoreError as error:
        raise UserError(f"cannot be asked: {describe(error)}") from error


def describe(error: Exception) -> str:
    """What went wrong, without what was asked."""
    text = re.sub(r"\?[^\s\"]*", "", str(error)).removesuffix(' on endpoint URL: "None"')
    return shorten(text, LONGEST_REASON)


@contextmanager
def tell_silence() -> Iterator[None]:
    """Tell of a store that is not reached, or says nothing."""
    from botocore.exceptions import BotoCoreError

    try:
        yield
    except BotoCoreError as error:
        raise UserError(f"cannot be asked: {describe(error)}") from error


@contextmanager
def tell_refusals(bucket: str) -> Iterator[None]:
    """Tell what a store refuses, and what to do about it."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 403:
            raise UserError(f"credentials are here and refused; {KEYS}") from error
        if status in ANOTHER_VERSION:
            raise ChangedError from error
        if status >= 500:
            raise ConnectionError(describe(error)) from error
        if error.response["Error"]["Code"] == "NoSuchBucket":
            raise UserError(f"no bucket {bucket} there; make it first") from error
        if status == 404:
            raise UserError("nothing there") from error
        raise UserError(f"answers with {shorten(str(error), LONGEST_REASON)}") from error


def ask_bucket(client: Any, address: str) -> Any:
    """What a store says of the first object whose name begins like that at an address."""
    bucket, key = split_address(address)
    with tell_silence(), tell_refusals(bucket):
        return client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)


def ask_object(client: Any, address: str) -> Any:
    """What a store says of the object at an address or, if there is none, of a folder's first.

    Who may read an object need not be allowed to list its bucket.

    Raises:
        UserError: There is neither.
    """
    from botocore.exceptions import ClientError

    bucket, key = split_address(address)
    try:
        with tell_silence():
            return client.head_object(Bucket=bucket, Key=key)
    except ClientError:
        found = ask_bucket(client, address)
    if "Contents" not in found:
        raise UserError("nothing there")
    return found


def is_object(client: Any, address: str) -> bool:
    """Whether an object is there, and not a folder of them.

    Raises:
        UserError: There is neither.
    """
    found = ask_object(client, address)
    return "Contents" not in found or found["Contents"][0]["Key"] == split_address(address)[1]


@contextmanager
def open_object(
    client: Any, address: str, start: int = 0, version: str | None = None
) -> Iterator[Rest]:
    """Ask for an object from a byte on; see `downloads.Opener`."""
    from botocore.exceptions import BotoCoreError

    bucket, key = split_address(address)
    wish = {"Range": f"bytes={start}-", "IfMatch": version} if start and version else {}
    try:
        with tell_refusals(bucket):
            reply = client.get_object(Bucket=bucket, Key=key, **wish)
            with closing(reply["Body"]) as body:
                size = start + reply["ContentLength"]
                yield Rest(body.iter_chunks(CHUNK), start, size, reply["ETag"])
    except BotoCoreError as error:
        raise ConnectionError(describe(error)) from error


def split_address(address: str) -> tuple[str, str]:
    """The bucket and what is in it."""
    parts = urlsplit(address)
    return parts.netloc, parts.path.lstrip("/")
