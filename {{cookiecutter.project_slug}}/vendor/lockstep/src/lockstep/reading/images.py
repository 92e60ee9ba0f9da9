"""Reading images as a table: one row per image, its pixels as bytes."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePosixPath

import pandas as pd
from PIL import Image, ImageOps

from ..core.contract import FILE, IMAGE, PART, Contract, Images
from ..core.errors import UserError
from ..data.conformity import make_breaches
from .archives import DAMAGE_ERRORS
from .file_sets import get_class, get_side, list_names, open_files

READABLE = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
GREY = ("1", "L", "LA", "I", "I;16", "F")
"""Pillow's names of what images without colour are made of."""
UNREADABLE = (*DAMAGE_ERRORS, SyntaxError, ValueError)
"""What reading a damaged or locked file raises, from the zip or from the decoder."""
TOO_LARGE = (Image.DecompressionBombError, Image.DecompressionBombWarning)
"""What Pillow says of an image that would fill the memory, by the pixels that its head names."""
LARGEST = f"an image of at most {(Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} million pixels"


def read_images(
    path: Path,
    name: str,
    contract: Contract,
    *,
    resize: bool,
    formats: tuple[str, ...] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the images of a zip or a folder, or a single one.

    An image lies in the folder of its class, `<class>/<any name>.png`; where such folders lie in
    folders that `FOLDERS` names, that split is kept, and images elsewhere cannot be used. Those of
    other `formats`, by Pillow's names, are not decoded; by default all are.

    Gives a row per image in the order of their names, with the columns of `contract` (an image that
    cannot be used is missing); and the breaches, as `data.conformity.conform` does.
    """
    assert contract.images is not None
    with _open(path, name) as (files, read):
        files = sorted(file for file in files if _is_image(file))
        if not files:
            raise UserError(f"{name}: no images; files such as <class>/<name>.png were expected")
        pictures = [_read_image(read, file, contract.images, resize, formats) for file in files]
    sides = [*map(get_side, files)]
    if any(sides):
        # Of a given split, nothing is drawn anew.
        pictures = [
            (image, reason if side else "an image below a folder train, val or test, as others are")
            for (image, reason), side in zip(pictures, sides, strict=True)
        ]
    frame = pd.DataFrame(
        {
            IMAGE: pd.Series([image for image, _ in pictures], dtype="object"),
            FILE: pd.Series(files, dtype="str"),
            PART: pd.Series(sides, dtype="str"),
            contract.target: pd.Series([*map(get_class, files)], dtype="str"),
        }
    )
    reasons = pd.Series([reason for _, reason in pictures], dtype="str").dropna()
    return frame, make_breaches(IMAGE, frame[FILE][reasons.index], reasons)


def survey(path: Path, name: str) -> tuple[Counter[tuple[int, int]], bool, set[str]]:
    """The sizes of a data set's images with their counts, whether any is coloured, the classes."""
    sizes: Counter[tuple[int, int]] = Counter()
    has_colour, classes = False, set()
    with _open(path, name) as (files, read):
        for file in filter(_is_image, files):
            try:
                with _open_image(read(file)) as image:
                    sizes[image.size] += 1
                    has_colour |= image.mode not in GREY
            except (*UNREADABLE, *TOO_LARGE):
                continue
            classes.add(get_class(file))
    if not sizes:
        raise UserError(f"{name}: no readable images; <class>/<name>.png was expected")
    return sizes, has_colour, classes


def has_images(path: Path) -> bool:
    """Whether a zip or a folder holds images."""
    return any(map(_is_image, list_names(path)))


def _open(
    path: Path, name: str
) -> AbstractContextManager[tuple[list[str], Callable[[str], bytes]]]:
    return open_files(path, name, is_single=_is_image(path.name), holds="images")


@contextmanager
def _open_image(content: bytes, formats: tuple[str, ...] | None = None) -> Iterator[Image.Image]:
    """An image, unless it is too large or of another format."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(content), formats=formats) as image:
            yield image


def _is_image(file: str) -> bool:
    # macOS puts a file of its own, ._name.png, beside each one that it packs.
    path = PurePosixPath(file)
    return path.suffix.lower() in READABLE and not path.name.startswith(".")


def _read_image(
    read: Callable[[str], bytes],
    file: str,
    images: Images,
    resize: bool,
    formats: tuple[str, ...] | None,
) -> tuple[bytes | None, str | None]:
    """The pixels, or what was expected instead of this file."""
    try:
        with _open_image(read(file), formats) as image:
            if image.mode[0] in "IF":
                return None, "an image of 8 bits per shade"
            # A camera stores which way it was held instead of turning the picture.
            upright = ImageOps.exif_transpose(image).convert("RGB" if images.colour else "L")
    except TOO_LARGE:
        return None, LARGEST
    except UNREADABLE:
        return None, "a readable image"
    size = (images.width, images.height)
    if resize and upright.size != size:
        upright = upright.resize(size, Image.Resampling.BILINEAR)
    if upright.size != size:
        width, height = upright.size
        return None, f"an image of {images.width}x{images.height} pixels, not {width}x{height}"
    return upright.tobytes(), None
