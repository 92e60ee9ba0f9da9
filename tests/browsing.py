"""Pages in a real browser, and what hinders people on them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

PHONE, DESK = 390, 1100
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
in_a_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on the path; Debian's package chromium has it"
)


class Visit:
    """A page of the browser, and what went wrong on it."""

    def __init__(self, browser: Browser, width: int, scheme: str = "light", **options: Any) -> None:
        self.page: Page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme=scheme, **options
        )
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("requestfailed", lambda request: self.wrong.append(f"failed {request.url}"))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def _listen(self, message: object) -> None:
        if message.type in {"error", "warning"}:
            self.wrong.append(message.text)

    def open(self, path: Path | str) -> None:
        self.page.goto(path if isinstance(path, str) else path.as_uri())
        self.page.wait_for_load_state()

    def links(self) -> set[Path]:
        found = self.page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
        parts = [urlsplit(link) for link in found]
        return {Path(unquote(part.path)) for part in parts if part.scheme == "file"}

    def look(self) -> None:
        """Note what does not fit or does not load."""
        wide = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if wide > 0:
            self.wrong.append(f"{self.page.url}: {wide} px too wide")
        self.wrong += self.page.eval_on_selector_all(
            "img",
            "images => images.filter(image => !(image.complete && image.naturalWidth && image.alt))"
            ".map(image => `image without content or text: ${image.src.slice(0, 200)}`)",
        )

    def inspect(self) -> None:
        """Note what axe-core finds to be a serious obstacle."""
        # What is in order need not be listed, which takes longer than to find what is not.
        options = {"preload": False, "resultTypes": ["violations"]}
        found = Axe().run(self.page, options=options).response["violations"]
        self.wrong += [
            f"{self.page.url}: {one['id']}: {one['nodes'][0]['html'][:200]}"
            for one in found
            if one["impact"] in {"serious", "critical"}
        ]
