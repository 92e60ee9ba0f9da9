"""Take the picture of the report that README.md opens with: its top, and beside it its figures.

`nox -s demo` makes a project that has run; then `python scripts/picture_report.py PROJECT` with its
folder. It needs playwright, pillow, and Chromium on the path.
"""

import argparse
import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).parents[1] / "docs" / "report.png"
WIDTH, GAP = 960, 24
"""Of the page and of what is around its parts, in pixels."""
FIGURES = "document.querySelector('figure').parentElement.previousElementSibling"


def take_pictures(report: Path) -> list[Image.Image]:
    """The report down to its figures, and as much of it from there on."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": WIDTH, "height": 900}, color_scheme="light")
        page.goto(report.as_uri())
        height = int(page.evaluate(f"{FIGURES}.getBoundingClientRect().top")) - GAP
        pictures = [
            page.screenshot(
                full_page=True, clip={"x": 0, "y": top, "width": WIDTH, "height": height}
            )
            for top in (0, height)
        ]
        chromium.close()
    return [Image.open(io.BytesIO(picture)) for picture in pictures]


def join(pictures: list[Image.Image]) -> Image.Image:
    """Pictures of one size side by side on grey, in the colours that a palette holds."""
    width, height = (side + GAP for side in pictures[0].size)
    joint = Image.new("RGB", (len(pictures) * width + GAP, height + GAP), "#d8dce2")
    for place, picture in enumerate(pictures):
        joint.paste(picture, (place * width + GAP, GAP))
    return joint.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Take the picture of the report for README.md.")
    parser.add_argument("project", type=Path, help="folder of a project that has run")
    project = parser.parse_args().project.resolve()
    join(take_pictures(project / "reports" / "index.html")).save(PICTURE, optimize=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1000} kB")
