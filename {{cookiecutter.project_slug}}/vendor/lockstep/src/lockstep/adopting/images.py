"""Making out what a person's images are: what is known of each, their size, which are no use."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from pathlib import Path
from statistics import median

from ..core.contract import FILE, IMAGE, IMAGE_COLUMNS, PART, Column, Contract, Images
from ..core.errors import UserError
from ..data.conformity import conform, describe_first
from ..data.pixels import has_colour
from ..reading.file_sets import get_class, list_folders, require_both_sides
from ..reading.image_tables import find_names, open_image_table
from ..reading.images import Survey, read_images, survey
from ..reading.tables import read_table
from .doubts import find_doubts
from .inference import NO_MEANING
from .understanding import MOST_NAMES, Understanding, guess_layout, make_contract, understand
from .wishes import Wishes

LARGEST_SIDE = 64
"""Images of several sizes, or larger than this, are scaled to it: what tells photographs apart is
mostly still there (Chrabaszcz et al., 2017), and twice the side takes four times as long."""
OF_ROWS = ("sequence", "series", "horizon", "every", "future")
"""What is said of rows that make an example together."""
OF_TABLES = ("identifiers", "group", "time", "exposure", "drop", "sheet", "table")
"""What is said of a table."""


def understand_images(
    path: Path, name: str, source: str, wishes: Wishes, max_rejected: float
) -> Understanding:
    """Make out what a zip or a folder of images holds; messages and the contract call it `name`.

    What is known of each image stands in a table beside them; without one its folder is its class.

    Raises:
        UserError: It cannot be read, or does not hold what is wished for; its images are of fewer
            than two classes, or a larger share of them than `max_rejected` is unusable.
    """
    for word in (word for word in OF_ROWS if getattr(wishes, word)):
        raise UserError(f"{name}: --{word}: each image is an example of its own")
    if wishes.kind == "anomalies":
        raise UserError(f"{name}: --kind anomalies: they are looked for in the rows of a table")
    if wishes.kind == "clustering":
        raise UserError(f"{name}: --kind clustering: it is for the rows of a table, not for images")
    found = survey(path, name)
    images, doubts = _choose_shape(found)
    resize = bool(doubts)
    with open_image_table(path, name) as table:
        if table is None:
            contract = _understand_folders(name, source, wishes, found, images)
            guessed = None
        else:
            images = images.model_copy(update={"names": _find_names(table, name, wishes, found)})
            guessed = understand([table], name, source, wishes, images=images)
            contract = guessed.contract
    frame, breaches = read_images(path, name, contract, resize=resize)
    rows, _ = conform(contract.columns, frame, contract.layout, contract.missing)
    is_unusable = rows.index.isin(breaches["row"] - 1)
    rows = rows[~is_unusable].reset_index(drop=True)
    if len(breaches):
        first = describe_first(breaches)
        among = "images" if images.names is None else "images and rows of the table"
        unusable = f"{is_unusable.sum()} of {len(frame)} {among} cannot be used; {first}"
        if is_unusable.sum() > max_rejected * len(frame):
            raise UserError(
                f"{name}: {unusable}; more than data.max_rejected ({max_rejected:g}) in "
                "params.yaml allows: remove them, or raise it"
            )
        doubts.append(unusable)
    if images.colour and (coloured := sum(map(has_colour, rows[IMAGE]))) < len(rows):
        doubts.append(
            f"{coloured or 'none'} of {len(rows)} images show colour, and all get three shades per "
            "pixel; `colour: false` below `images` in references/schema.yaml makes all grey"
        )
    sided = frame[FILE][frame[PART].notna()]
    folders = list_folders(sided, has_class=images.names is None)
    require_both_sides(folders, name, "images")
    shade = "colour" if images.colour else "grey"
    notes = [f"{len(found.files)} images, {images.width}x{images.height}, {shade}"]
    if contract.classes:
        notes.append(f"{len(contract.classes)} classes")
    by_column: dict[str | None, list[str]] = {None: []}
    if guessed is not None:
        notes += [f"told by a table: {', '.join(guessed.notes)}"]
        by_column |= guessed.doubts
    by_column[None] = [*doubts, *by_column[None], *find_doubts(rows, contract)]
    shares = rows.isna().mean()
    return Understanding(contract, rows, notes, by_column, len(rows), shares, resize, folders)


def _choose_shape(found: Survey) -> tuple[Images, list[str]]:
    """The shape that all images get, and what is doubtful about it where they must be scaled."""
    (width, height), _ = found.sizes.most_common(1)[0]
    if len(found.sizes) > 1:
        sizes = [*found.sizes.elements()]
        width, height = (round(median(sides)) for sides in zip(*sizes, strict=True))
    largest = max(width, height)
    doubts = []
    if len(found.sizes) > 1 or largest > LARGEST_SIDE:
        former = _describe_sizes(found.sizes)
        if largest > LARGEST_SIDE:
            width, height = (
                max(1, round(side * LARGEST_SIDE / largest)) for side in (width, height)
            )
        doubts.append(
            f"images of {former}: scaled to {width}x{height}, each whole and in its own shape, on "
            "black; to change that, set `width` and `height` below `images` in "
            "references/schema.yaml"
        )
    return Images(width=width, height=height, colour=found.has_colour), doubts


def _describe_sizes(sizes: Iterable[tuple[int, int]]) -> str:
    """How many widths and heights there are, and those of the fewest and the most pixels."""
    least, *others = (f"{width}x{height}" for width, height in sorted(sizes, key=prod))
    if not others:
        return f"{least} pixels"
    return f"{1 + len(others)} sizes, from {least} to {others[-1]} pixels"


def _understand_folders(
    name: str, source: str, wishes: Wishes, found: Survey, images: Images
) -> Contract:
    """The contract of images whose folders are their classes."""
    if any(getattr(wishes, word) for word in OF_TABLES):
        raise UserError(
            f"{name}: images in folders have one column, their class; see --target; a table beside "
            "them has more"
        )
    if wishes.kind == "regression":
        raise UserError(
            f"{name}: the folders of images are classes; --kind regression predicts numbers, which "
            "a table beside the images has, with a column of their names"
        )
    classes = sorted({*map(get_class, found.files)})
    if len(classes) < 2:
        raise UserError(
            f"{name}: all images lie in one folder; a folder for each class was expected, such as "
            "cats/1.png and dogs/1.png, or a table beside them with a column of their names"
        )
    target = wishes.target or "class"
    column = Column(
        type="categorical",
        categories=classes,
        meaning=NO_MEANING,
        example=classes[0],
        guessed="the folders' names",
    )
    return make_contract(
        name, source=source, target=target, images=images, columns={target: column}
    )


def _find_names(path: Path, name: str, wishes: Wishes, found: Survey) -> str:
    """The column of a table that names the images."""
    table = read_table(path, path.name, ("",), guess_layout(path, wishes).layout)
    names = find_names(table.drop(columns=[wishes.target], errors="ignore"), found.files)
    if names is None:
        listing = ", ".join(map(repr, [*table][:MOST_NAMES]))
        raise UserError(
            f"{name}: no column of {path.name} names the images, as {found.files[0]!r} does; the "
            f"columns are {listing}; take the table out if it is not about the images, or these if "
            "it is all that matters"
        )
    for key in (key for key in IMAGE_COLUMNS if key in table and key != names):
        raise UserError(
            f"{name}: column {key!r} of {path.name} has a name that images need for a column of "
            "their own; give it another one"
        )
    return names
