"""A person's own data of each kind of problem, from the file to the prediction."""

import csv
import random
import struct
from collections.abc import Callable, Iterator
from math import exp
from pathlib import Path
from zlib import compress, crc32

import pytest
from conftest import OFFLINE, Project
from test_pipeline import STAGES, stages_run
from test_use import write

pytestmark = pytest.mark.matrix
GOOD, BAD = ("delicious soup", "a lovely evening"), ("cold soup", "a rude waiter")
OTHERS = ("we came on Friday", "the table was by the window", "my friends had fish")
Row = dict[str, object]


def write_review(draw: random.Random, *, is_good: bool) -> str:
    """Three sentences, of which one tells whether somebody liked it."""
    sentences = [draw.choice(OTHERS), draw.choice(GOOD if is_good else BAD), draw.choice(OTHERS)]
    return ", ".join(sentences) + f", and {draw.randint(2, 99)} others were there."


def visits(count: int) -> Iterator[tuple[random.Random, bool, Row]]:
    """Visits of guests who liked it or did not: what is known of each beside."""
    draw = random.Random(0)
    for _ in range(count):
        is_good = draw.random() < 0.5
        review = write_review(draw, is_good=is_good)
        yield draw, is_good, {"review": review, "guests": draw.randint(1, 8)}


def texts_beside_numbers(folder: Path) -> list[str]:
    rows = [row | {"verdict": "good" if is_good else "bad"} for _, is_good, row in visits(200)]
    return [str(write(rows, folder / "reviews.csv")), "--target", "verdict"]


def folder_of_texts(folder: Path) -> list[str]:
    for number, (_, is_good, row) in enumerate(visits(120)):
        file = folder / "reviews" / ("good" if is_good else "bad") / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(row["review"]), encoding="utf-8")
    return [str(folder / "reviews"), "--target", "verdict"]


def stars(folder: Path) -> list[str]:
    rows = []
    for draw, _, row in visits(300):
        wait = draw.randint(1, 60)
        noise = draw.gauss(0, 0.7)
        rows.append(row | {"wait": wait, "stars": min(5, max(1, round(5 - wait / 15 + noise)))})
    file = write(
        [{key: row[key] for key in ("guests", "wait", "stars")} for row in rows],
        folder / "stars.csv",
    )
    return [str(file), "--target", "stars"]


def several_labels(folder: Path) -> list[str]:
    draw, rows = random.Random(0), []
    for _ in range(300):
        length, year = draw.randint(60, 200), draw.randint(1930, 2025)
        labels = ["long"] * (length > 130) + ["old"] * (draw.gauss(year, 8) < 1970)
        rows.append({"length": length, "year": year, "labels": "|".join(labels)})
    return [str(write(rows, folder / "films.csv")), "--target", "labels"]


def count_knocks(draw: random.Random, mean: float) -> int:
    """One number of a Poisson distribution (Knuth, 1969)."""
    product, count = draw.random(), 0
    while product > exp(-mean):
        product, count = product * draw.random(), count + 1
    return count


def counts_by_exposure(folder: Path) -> list[str]:
    draw, rows = random.Random(0), []
    for _ in range(500):
        age, years = draw.randint(18, 80), round(draw.uniform(0.1, 3), 2)
        claims = count_knocks(draw, years * exp(1.5 - age / 30))
        rows.append({"age": age, "years": years, "claims": claims})
    return [str(write(rows, folder / "claims.csv")), "--target", "claims", "--exposure", "years"]


def amounts(folder: Path) -> list[str]:
    draw, rows = random.Random(0), []
    for _ in range(500):
        age = draw.randint(18, 80)
        times = count_knocks(draw, exp(1 - age / 30))
        cost = round(sum(draw.expovariate(0.01) for _ in range(times)), 2)
        rows.append({"age": age, "cost": cost})
    return [str(write(rows, folder / "costs.csv")), "--target", "cost"]


def make_pumps() -> list[Row]:
    """Pumps, of which the broken ones are hot whatever they do."""
    draw, rows = random.Random(0), []
    for number in range(400):
        load = draw.uniform(10, 90)
        is_broken = number % 13 == 0
        heat = draw.uniform(20, 90) if is_broken else 20 + load / 2 + draw.gauss(0, 1)
        rows.append(
            {
                "load": round(load, 2),
                "heat": round(heat, 2),
                "flow": round(2 * load + draw.gauss(0, 2), 2),
                "broken": "yes" if is_broken else "no",
            }
        )
    return rows


def anomalies_without_labels(folder: Path) -> list[str]:
    rows = [{key: row[key] for key in ("load", "heat", "flow")} for row in make_pumps()]
    return [str(write(rows, folder / "pumps.csv")), "--kind", "anomalies"]


def anomalies_with_labels(folder: Path) -> list[str]:
    file = write(make_pumps(), folder / "pumps.csv")
    return [str(file), "--kind", "anomalies", "--target", "broken"]


def clusters(folder: Path) -> list[str]:
    draw, rows = random.Random(0), []
    for number in range(300):
        place = 10 * (number % 3)
        rows.append(
            {name: round(draw.gauss(place, 1), 3) for name in ("spent", "visits", "basket")}
        )
    return [str(write(rows, folder / "shoppers.csv")), "--kind", "clustering"]


def write_png(path: Path, shades: list[bytes]) -> None:
    """A grey image of these lines, each of as many bytes as it is wide."""
    size = struct.pack(">IIBBBBB", len(shades[0]), len(shades), 8, 0, 0, 0, 0)
    parts = {
        b"IHDR": size,
        b"IDAT": compress(b"".join(b"\0" + line for line in shades)),
        b"IEND": b"",
    }
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in parts.items():
            ends = struct.pack(">I", len(data)), struct.pack(">I", crc32(kind + data))
            file.write(ends[0] + kind + data + ends[1])


def draw_melon(draw: random.Random, radius: float, side: int = 16) -> list[bytes]:
    """A light disk on a dark ground, where nobody would think of the middle."""
    across, down = (draw.uniform(radius, side - radius) for _ in range(2))
    return [
        bytes(
            draw.randint(150, 250) if (x - across) ** 2 + (y - down) ** 2 < radius**2 else 30
            for x in range(side)
        )
        for y in range(side)
    ]


def images_with_a_table(folder: Path) -> list[str]:
    """Melons, whose price is by their size, which the image shows, and by where they grew."""
    draw, rows = random.Random(0), []
    place = folder / "melons"
    (place / "photos").mkdir(parents=True)
    for number in range(240):
        radius, days = draw.uniform(2, 7), draw.randint(1, 20)
        write_png(place / f"photos/{number:03}.png", draw_melon(draw, radius))
        price = round(radius**2 / 10 - days / 10 + draw.gauss(3, 0.1), 2)
        rows.append({"photo": f"{number:03}.png", "days": days, "price": price})
    write(rows, place / "melons.csv")
    return [str(place), "--target", "price"]


KINDS: list[tuple[Callable[[Path], list[str]], str]] = [
    (texts_beside_numbers, "classification"),
    (folder_of_texts, "classification"),
    (stars, "classification"),
    (several_labels, "multilabel"),
    (counts_by_exposure, "regression"),
    (amounts, "regression"),
    (anomalies_without_labels, "anomalies"),
    (anomalies_with_labels, "anomalies"),
    (clusters, "clustering"),
    (images_with_a_table, "regression"),
]


@pytest.mark.parametrize(("make", "kind"), KINDS)
def test_data_of_each_kind_run_with_the_settings_that_use_chose(
    demo: Project, tmp_path: Path, make: Callable[[Path], list[str]], kind: str
) -> None:
    words = make(tmp_path)
    demo.run("uv", "run", "my-project", "use", *words)
    assert f"\nkind: {kind}\n" in (demo / "params.yaml").read_text(encoding="utf-8")
    package = (demo / "src/my_project").rglob("*.py")
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in package) <= 700
    assert stages_run(demo.run("uv", "run", "dvc", "repro", **OFFLINE)) == STAGES
    with (demo / "reports/leaderboard.csv").open(encoding="utf-8", newline="") as file:
        champions = [row["candidate"] for row in csv.DictReader(file) if row["champion"] == "True"]
    assert len(champions) == 1
    # Among anomalies that are made up, none need be found better than by how far out rows lie.
    assert champions != ["baseline"] or kind == "anomalies"
    before = demo.run("git", "status", "--porcelain")
    assert "nothing was changed" in demo.run("uv", "run", "my-project", "use", *words)
    assert demo.run("git", "status", "--porcelain") == before
    predicted = demo.run("uv", "run", "my-project", "predict", words[0])
    assert len(predicted.splitlines()) > 100
    assert "verify: all" in demo.run("uv", "run", "my-project", "verify")
