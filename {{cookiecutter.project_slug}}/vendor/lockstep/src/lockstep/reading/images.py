"""Reading images as a table: one row per image, its pixels as bytes."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pandas as pd
from PIL import ExifTags, Image, ImageOps

from ..core.batches import map_ahead
from ..core.contract import FILE, IMAGE, PART, Contract, Images
from ..core.errors import UserError
from ..data.conformity import NO_BREACHES, make_breaches, require_columns
from .archives import DAMAGE_ERRORS
from .file_sets import get_class, get_side, list_names, open_files
from .image_tables import label_images, open_image_table
from .tables import read_table

READABLE = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
GREY = ("1", "L", "LA", "I", "I;16", "F")
"""Pillow's names of what images without colour are made of."""
UNREADABLE = (*DAMAGE_ERRORS, SyntaxError, ValueError)
"""What reading a damaged or locked file raises, from the zip or from the decoder."""
TOO_LARGE = (Image.DecompressionBombError, Image.DecompressionBombWarning)
"""What Pillow says of an image that would fill the memory, by the pixels that its head names."""
LARGEST = f"an image of at most {(Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} million pixels"

BYTES_AT_ONCE = 2**24
"""Of files that wait to be decoded, but for the last of them."""
UNNAMED = "the image"
"""What messages call one that came without a name."""
SIDEWAYS = range(5, 9)
"""How a camera says in an image's Exif orientation that width and height are swapped."""
TRANSPARENT = ("RGBA", "LA", "PA", "La", "RGBa")
"""Pillow's names of what has a share of transparency in each pixel."""


def read_images(
    path: Path,
    name: str,
    contract: Contract,
    *,
    resize: bool,
    formats: tuple[str, ...] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the images of a zip or a folder, or a single one.

    An image lies in the folder of its class, `<class>/<any name>.png`, unless the contract says
    that a table beside the images names each of them. Where the folders lie in folders that
    `FOLDERS` names, that split is kept, and images elsewhere cannot be used. Those of other
    `formats`, by Pillow's names, are not decoded; by default all are.

    Gives a row per image in the order of their names, or of the table (an image that cannot be used
    is missing), with the columns of `contract`, or those of the table that there are; and the
    breaches, as `data.conformity.conform` does.
    """
    assert contract.images is not None
    with _open(path, name) as (files, read):
        files = sorted(file for file in files if _is_image(file))
        if not files:
            raise UserError(f"{name}: no images; files such as <class>/<name>.png were expected")
        rows, unusable = _label(path, name, contract, files)
        is_odd = rows.index.isin(unusable["row"] - 1)
        batches = _load_some(read, rows[FILE][~is_odd])
        decoded = map_ahead(_decode_some, (contract.images, resize, formats), batches)
        usable = chain.from_iterable(decoded)
        pictures = [(None, None) if odd else next(usable) for odd in is_odd]
    has_class = contract.images.names is None
    sides = [get_side(file, has_class=has_class) for file in rows[FILE]]
    if any(sides):
        # Of a given split, nothing is drawn anew.
        pictures = [
            (image, reason if side else "an image below a folder train, val or test, as others are")
            for (image, reason), side in zip(pictures, sides, strict=True)
        ]
    frame = rows.assign(
        **{
            IMAGE: pd.Series([image for image, _ in pictures], dtype="object"),
            PART: pd.Series(sides, dtype="str"),
        }
    )
    reasons = pd.Series([reason for _, reason in pictures], dtype="str").dropna()
    breaches = [unusable, make_breaches(IMAGE, frame[FILE][reasons.index], reasons)]
    return frame, pd.concat(breaches).sort_values("row", kind="stable", ignore_index=True)


def _label(
    path: Path, name: str, contract: Contract, files: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is said of each image beside its pixels, and the breaches of that."""
    assert contract.images is not None
    rows = pd.DataFrame({FILE: pd.Series(files, dtype="str")})
    names = contract.images.names
    if names is None:
        classes = pd.Series([*map(get_class, files)], dtype="str")
        return rows.assign(**{contract.target: classes}), NO_BREACHES
    with open_image_table(path, name) as place:
        others = [feature for feature in contract.features if feature != IMAGE]
        if place is None and others:
            raise UserError(
                f"{name}: a zip or a folder was expected with a table beside the images, which has "
                f"{', '.join(map(repr, [names, *others]))}"
            )
        if place is None:
            return rows, NO_BREACHES
        table = read_table(place, place.name, contract.missing, contract.layout)
    require_columns(table, [names], f"{name}: {place.name}")
    return label_images(table.rename(columns=str), names, files)


def decode_images(
    files: pd.Series, images: Images, resize: bool, formats: tuple[str, ...]
) -> tuple[pd.Series, pd.DataFrame]:
    """The images of files that are in memory.

    Args:
        files: (n_images,) bytes, or None where there is no file.
        images: Their shape.
        resize: Whether others are scaled.
        formats: Those that are decoded, by Pillow's names.

    Returns:
        (n_images,) pixels, missing of what cannot be used; and the breaches, as
        `data.conformity.conform` gives them.
    """
    pictures = [
        (None, "a readable image") if file is None else _decode(file, images, resize, formats)
        for file in files
    ]
    reasons = pd.Series([reason for _, reason in pictures], files.index, dtype="str").dropna()
    column = pd.Series([image for image, _ in pictures], files.index, dtype="object")
    return column, make_breaches(IMAGE, reasons.map(lambda _: UNNAMED), reasons)


class Survey(NamedTuple):
    """What images there are."""

    sizes: Counter[tuple[int, int]]
    """How many there are of each width and height."""
    has_colour: bool
    """Whether any is coloured."""
    files: list[str]
    """The paths of those that can be read."""


def survey(path: Path, name: str) -> Survey:
    """Look at all images of a zip or a folder."""
    sizes: Counter[tuple[int, int]] = Counter()
    has_colour, readable = False, []
    with _open(path, name) as (files, read):
        for file in sorted(filter(_is_image, files)):
            try:
                with _open_image(read(file)) as image:
                    is_sideways = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
                    sizes[image.size[::-1] if is_sideways else image.size] += 1
                    has_colour |= image.mode not in GREY
            except (*UNREADABLE, *TOO_LARGE):
                continue
            readable.append(file)
    if not sizes:
        raise UserError(f"{name}: no readable images; <class>/<name>.png was expected")
    return Survey(sizes, has_colour, readable)


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


def _load_some(read: Callable[[str], bytes], files: Iterable[str]) -> Iterator[list[bytes]]:
    """What the files hold, some at a time; nothing of one that cannot be read."""
    contents: list[bytes] = []
    size = 0
    for file in files:
        try:
            contents.append(read(file))
        except UNREADABLE:
            contents.append(b"")
        size += len(contents[-1])
        if size >= BYTES_AT_ONCE:
            yield contents
            contents, size = [], 0
    if contents:
        yield contents


def _decode_some(
    images: Images, resize: bool, formats: tuple[str, ...] | None, contents: list[bytes]
) -> list[tuple[bytes | None, str | None]]:
    return [_decode(content, images, resize, formats) for content in contents]


def _decode(
    content: bytes, images: Images, resize: bool, formats: tuple[str, ...] | None
) -> tuple[bytes | None, str | None]:
    """The pixels of a file, or what was expected instead of it."""
    try:
        with _open_image(content, formats) as image:
            if image.mode[0] in "IF":
                return None, "an image of 8 bits per shade"
            # A camera stores which way it was held instead of turning the picture.
            upright = _fill(ImageOps.exif_transpose(image)).convert("RGB" if images.colour else "L")
    except TOO_LARGE:
        return None, LARGEST
    except UNREADABLE:
        return None, "a readable image"
    size = (images.width, images.height)
    if resize and upright.size != size:
        # Whole and with its own shape; what is left of the frame is black.
        upright = ImageOps.pad(upright, size, Image.Resampling.BILINEAR)
    if upright.size != size:
        width, height = upright.size
        return None, f"an image of {images.width}x{images.height} pixels, not {width}x{height}"
    return upright.tobytes(), None


def _fill(image: Image.Image) -> Image.Image:
    """An image on white, where it is transparent and may hide any colour."""
    if image.mode not in TRANSPARENT and "transparency" not in image.info:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
