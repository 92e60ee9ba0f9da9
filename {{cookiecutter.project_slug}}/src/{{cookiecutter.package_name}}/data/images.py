"""Reading a zip of images as a table with one column per pixel."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..errors import UserError
from .contract import Contract, Images

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def read_images(path: Path, name: str, contract: Contract) -> pd.DataFrame:
    """Read grey images from a zip with one folder per class.

    Args:
        path: The zip file; an image lies in it as `<class>/<any name>.png`.
        name: What messages call the file.
        contract: Says the images' size and which column takes the class.

    Returns:
        One row per image in the order of their names: the pixels (0 to 255, line by line), then
        the class.

    Raises:
        UserError: The file is missing, not a zip, holds no image, or one that cannot be read.
    """
    import numpy as np
    import pandas as pd

    assert contract.images is not None
    try:
        with zipfile.ZipFile(path) as archive:
            members = sorted(member for member in archive.namelist() if _is_image(member))
            pixels = [_read_image(archive, member, name, contract.images) for member in members]
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UserError(f"{name}: no such file; a zip of images was expected") from error
    except zipfile.BadZipFile as error:
        raise UserError(f"{name}: not a zip file; a zip of images was expected") from error
    if not pixels:
        raise UserError(f"{name}: no images; files such as <class>/<name>.png were expected")
    frame = pd.DataFrame(np.stack(pixels), columns=contract.features)
    frame[contract.target] = [PurePosixPath(member).parent.name for member in members]
    return frame


def _is_image(member: str) -> bool:
    # macOS puts a file of its own, ._name.png, beside each one that it packs.
    return member.endswith(".png") and not PurePosixPath(member).name.startswith(".")


def _read_image(archive: zipfile.ZipFile, member: str, name: str, images: Images) -> np.ndarray:
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    try:
        with archive.open(member) as file, Image.open(file) as image:
            grey = np.asarray(image.convert("L"))
    except (UnidentifiedImageError, OSError) as error:
        raise UserError(f"{name}: {member} is not a readable image") from error
    if grey.shape != (images.height, images.width):
        found = f"{grey.shape[1]}x{grey.shape[0]}"
        raise UserError(
            f"{name}: {member} is {found} pixels; the contract says {images.width}x{images.height}"
        )
    return grey.reshape(-1)
