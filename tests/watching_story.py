"""A shop that watches its model: from the first training over an alarm to a quiet page.

`python tests/watching_story.py FOLDER` lives through it in a new project, and writes there what the
commands print (`story.txt`) and pictures of the monitoring page, some of which the page
`docs/monitoring_story.md` of the project shows. `test_watching.py` lives through the same.
"""

from __future__ import annotations

import csv
import io
import json
import math
import random
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from browsing import CHROMIUM, DESK
from conftest import ENVIRONMENT, Project, bake
from playwright.sync_api import sync_playwright

Customer = dict[str, Any]
FEATURES = ("customer", "age", "visits", "region")
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
DAYS = 18
"""How long ago the first request came."""
CANDIDATES = "    linear: {alpha: 1.0}\n    tree: {min_samples_leaf: 20}\n"


def make_customers(rows: int, newcomers: float, seed: int) -> list[Customer]:
    """The young and the old leave, those between stay; newcomers are older, and of the west."""
    draw = random.Random(seed)
    customers = []
    for number in range(rows):
        is_new = draw.random() < newcomers
        age = min(max(round(draw.gauss(50 if is_new else 38, 6)), 18), 95)
        chance = 1 / (1 + math.exp((age - 37) / 1.5)) + 1 / (1 + math.exp((52 - age) / 1.5))
        customers.append(
            {
                "customer": f"C{seed}-{number:04}",
                "age": age,
                "visits": draw.randrange(30),
                "region": draw.choice(["north", "south", "west", "west"][is_new and 2 :]),
                "churned": "yes" if draw.random() < chance else "no",
            }
        )
    return customers


def write_csv(customers: Sequence[Customer], columns: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(customers)
    return text.getvalue()


class Story:
    """The shop's project, and what its commands have printed.

    Args:
        project: One that waits for data, with the extra `serve` installed.
        options: Of `uv run`.
    """

    def __init__(self, project: Project, *options: str) -> None:
        self.project, self.options = project, options
        self.printed: list[str] = []
        self.asked: dict[int, list[Customer]] = {}
        """Who was asked about, by the day."""

    def say(self, *command: str, status: int = 0) -> str:
        """Run a command of the project, which must end with this exit status; what it prints."""
        done = self.project.try_run("uv", "run", *self.options, *command)
        printed = done.stdout + done.stderr
        self.printed.append(f"$ uv run {' '.join(command)}\n{printed}")
        assert done.returncode == status, printed
        return printed

    def train(self, rows: int = 1000) -> None:
        """Take in the customers that there are, and let the first version answer."""
        file = self.project.root.parent / "customers.csv"
        file.write_text(write_csv(make_customers(rows, 0, seed=0), (*FEATURES, "churned")))
        self.say("shop", "use", str(file), "--target", "churned")
        params = self.project / "params.yaml"
        text = params.read_text(encoding="utf-8")
        start = text.index("    baseline: {}\n") + len("    baseline: {}\n")
        end = text.index("\nevaluate:", start)
        params.write_text(text[:start] + CANDIDATES + text[end:], encoding="utf-8")
        self.promote("v1.0.0", "The customers that there are")

    def promote(self, version: str, message: str) -> str:
        """Run the pipeline, commit what comes out, and put that into production."""
        self.say("dvc", "repro")
        self.project.run("git", "add", "--all")
        self.project.run("git", "commit", "--quiet", "--message", message)
        self.say("shop", "register")
        return self.say("shop", "promote", version, "--to", "production")

    @contextmanager
    def serve(self) -> Iterator[str]:
        """The address of the server, which runs within the block."""
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        command = ["uv", "run", *self.options, "shop", "serve", "--port", str(port)]
        with subprocess.Popen(
            command, cwd=self.project.root, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            lines = iter(process.stderr.readline, "")
            address = f"http://127.0.0.1:{port}"
            assert any(line == f"serve: {address}\n" for line in lines)
            try:
                yield address
            finally:
                process.terminate()

    def wait_for(self, address: str, version: str) -> None:
        """Until the server has followed a promotion."""

        def is_default() -> bool:
            models = json.load(urllib.request.urlopen(f"{address}/models"))
            return any(one["version"] == version and one["is_default"] for one in models)

        wait_until(is_default)

    def ask(self, address: str, days: Sequence[int], rows: int, newcomers: float) -> None:
        """Have the server answer so many rows on each day, which lies in the past."""
        for day in days:
            self.asked[day] = make_customers(rows, newcomers, seed=day + 1)
            body = write_csv(self.asked[day], FEATURES).encode()
            post(f"{address}/predict", body, "text/csv", {"X-Request-Id": name_request(day)})
        self.date_back("time", days, 0)

    def tell(self, address: str, days: Sequence[int]) -> None:
        """Tell the server what became true of the customers of some days, a day later."""
        for day in days:
            outcomes = [
                {"request": name_request(day), "row": row, "outcome": one["churned"]}
                for row, one in enumerate(self.asked[day])
            ]
            post(f"{address}/outcomes", json.dumps(outcomes).encode(), "application/json", {})
        self.date_back("outcome_time", days, 1)

    def date_back(self, column: str, days: Sequence[int], later: int) -> None:
        """As if the requests had come on their days, or their outcomes some days later."""
        with closing(sqlite3.connect(self.project / ".serve/requests.sqlite", timeout=30)) as base:
            # All of them first: while one is dated back, none can be kept.
            for day in days:
                wait_until(partial(self.is_kept, base, day))
            for day in days:
                moment = NOON + timedelta(days=day - DAYS + later)
                base.execute(
                    f"update requests set {column} = ? where request = ?",
                    (f"{moment:%Y-%m-%d %H:%M:%S.%f}", name_request(day)),
                )
            base.commit()

    def is_kept(self, base: sqlite3.Connection, day: int) -> bool:
        """Whether all rows of a day are in the database."""
        query = "select count(*) from requests where request = ?"
        ((rows,),) = base.execute(query, (name_request(day),))
        return bool(rows == len(self.asked[day]))


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 600
    while not condition():
        assert time.monotonic() < end, "it has not come true"
        time.sleep(0.2)


def name_request(day: int) -> str:
    return f"shop-{day:02}"


def post(address: str, body: bytes, kind: str, headers: dict[str, str]) -> None:
    request = urllib.request.Request(address, body, {"Content-Type": kind, **headers})
    urllib.request.urlopen(request, timeout=60).close()


def live_through(story: Story, look: Callable[[str], object] = str) -> dict[str, str]:
    """All of it; what the commands of interest print, by what they are about.

    Args:
        story: Of a project that waits for data.
        look: Is told the name of each state of the monitoring page.
    """
    printed = {}
    story.train()
    with story.serve() as address:
        story.ask(address, range(7), rows=150, newcomers=0)
        printed["quiet"] = story.say("shop", "monitor")
        story.ask(address, range(7, 14), rows=1200, newcomers=0.7)
        printed["alarm"] = story.say("shop", "monitor", status=1)
        look("alarm")
        story.tell(address, range(13))
        printed["outcomes"] = story.say("shop", "monitor", status=1)
        look("outcomes")
        printed["use"] = story.say("shop", "use", "--from-requests")
        printed["promote"] = story.promote("v1.1.0", "And those who came since")
        story.wait_for(address, "1.1.0")
        story.ask(address, range(14, 18), rows=1000, newcomers=0.55)
        printed["quiet again"] = story.say("shop", "monitor")
        look("quiet")
    return printed


def main(folder: Path) -> None:
    """Write what is printed and seen."""
    project = bake(folder, project_name="Shop", dataset="none")
    project.run("uv", "sync", "--extra", "serve")
    story = Story(project, "--no-sync")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)

        def keep(name: str) -> None:
            page = browser.new_page(viewport={"width": DESK, "height": 900})
            page.goto((project / "reports/monitoring/index.html").as_uri())
            page.screenshot(path=folder / f"{name}.png", full_page=True)
            page.close()

        try:
            live_through(story, keep)
        finally:
            (folder / "story.txt").write_text("\n".join(story.printed), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
