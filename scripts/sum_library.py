"""Write the sums of the bundled library's files, by which the doctor tells whether one was edited.

Run `python scripts/sum_library.py` after each change of the library.
"""

import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "{{cookiecutter.project_slug}}" / "vendor" / "lockstep"
sys.path.insert(0, str(FOLDER / "src"))

from lockstep.commands.sums import SUMS, sum_files  # noqa: E402 - it has to be found first


def format_sums() -> str:
    """The sums of all files in the format of the program sha256sum."""
    return "".join(f"{digest}  {name}\n" for name, digest in sum_files(FOLDER).items())


if __name__ == "__main__":
    (FOLDER / SUMS).write_text(format_sums(), encoding="utf-8", newline="\n")
