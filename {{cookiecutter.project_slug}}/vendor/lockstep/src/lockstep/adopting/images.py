"""Making out what a person's images are: their classes and size, and which cannot be used."""

from __future__ import annotations

from pathlib import Path

from ..core.contract import FILE, Column, Images
from ..core.errors import UserError
from ..data.conformity import conform, describe_first
from ..reading.file_sets import list_folders, require_both_sides
from ..reading.images import read_images, survey
from .doubts import find_doubts
from .inference import NO_MEANING
from .understanding import Understanding, make_contract
from .wishes import Wishes

LARGEST_SIDE = 64
"""Images of several sizes, or larger than this, are scaled to it: a network need not see more."""


def understand_images(
    path: Path, name: str, source: str, wishes: Wishes, max_rejected: float
) -> Understanding:
    """Make out what a zip or a folder of images holds; messages and the contract call it `name`.

    Raises:
        UserError: It cannot be read, its images are of fewer than two classes, or a larger share of
            them than `max_rejected` is unusable.
    """
    for option in (
        *("identifiers", "group", "time", "series", "horizon", "every", "future", "drop", "sheet"),
        "table",
    ):
        if getattr(wishes, option):
            raise UserError(f"{name}: images have one column, their class; see --target")
    if wishes.kind in ("regression", "anomalies"):
        raise UserError(f"{name}: the folders of images are classes; --kind regression has none")
    sizes, has_colour, classes = survey(path, name)
    if len(classes) < 2:
        raise UserError(
            f"{name}: all images lie in one folder; a folder for each class was expected, such as "
            "cats/1.png and dogs/1.png"
        )
    width, height = sizes.most_common(1)[0][0]
    largest = max(width, height)
    resize = len(sizes) > 1 or largest > LARGEST_SIDE
    if largest > LARGEST_SIDE:
        width, height = (max(1, side * LARGEST_SIDE // largest) for side in (width, height))
    doubts = []
    if resize:
        former = f"{len(sizes)} sizes" if len(sizes) > 1 else "x".join(map(str, max(sizes)))
        doubts.append(f"images of {former}: scaled to {width}x{height}")
    target = wishes.target or "class"
    column = Column(
        type="categorical",
        categories=sorted(classes),
        meaning=NO_MEANING,
        example=min(classes),
        guessed="the folders' names",
    )
    contract = make_contract(
        name,
        source=source,
        target=target,
        images=Images(width=width, height=height, colour=has_colour),
        columns={target: column},
    )
    frame, breaches = read_images(path, name, contract, resize=resize)
    table, _ = conform(contract.columns, frame, contract.layout)
    table = table.drop(breaches["row"] - 1).reset_index(drop=True)
    if len(breaches):
        first = describe_first(breaches)
        unusable = f"{len(breaches)} of {len(frame)} images cannot be used; {first}"
        if len(breaches) > max_rejected * len(frame):
            raise UserError(
                f"{name}: {unusable}; more than data.max_rejected ({max_rejected:g}) in "
                "params.yaml allows: remove them, or raise it"
            )
        doubts.append(unusable)
    folders = list_folders(frame[FILE])
    require_both_sides(folders, name, "images")
    shade = "colour" if has_colour else "grey"
    notes = [f"{len(frame)} images, {width}x{height}, {shade}, {len(classes)} classes"]
    doubts += find_doubts(table, contract)
    shares = table.isna().mean()
    return Understanding(
        contract, table, notes, {None: doubts}, len(table), shares, resize, folders
    )
