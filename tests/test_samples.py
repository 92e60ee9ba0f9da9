"""The sample data are what they are said to be."""

import csv
import hashlib
import re
import sys
import zipfile
from collections import Counter
from pathlib import Path
from statistics import mean

from conftest import TEMPLATE, Project

sys.path.insert(0, str(TEMPLATE / "scripts"))
RAW = TEMPLATE / "{{cookiecutter.project_slug}}" / "data" / "raw"


def test_the_samples_equal_scikit_learns_copies(tmp_path: Path, light: Project) -> None:
    script = TEMPLATE / "scripts" / "export_samples.py"
    samples = ["iris.csv", "diabetes.csv", "digits.zip", "wines.csv"]
    light.run("uv", "run", "python", str(script), str(tmp_path), *samples)
    exported = {path.name: path for path in tmp_path.iterdir()}
    names = ("flights", "vowels", "phrases", "weather", "visits", "storms", "paintings")
    others = {path.name for name in names for path in RAW.glob(f"*{name}*")}
    others |= {"README.md"}
    committed = {path.name: path for path in RAW.iterdir() if path.name not in others}
    assert set(exported) == set(committed)
    for name, path in committed.items():
        if "digits.zip" in name:
            assert members(path) == members(exported[name])
        else:
            assert path.read_bytes() == exported[name].read_bytes()


def members(path: Path) -> dict[str, int]:
    """Names of the images; their pixels may be packed otherwise by another version of zlib."""
    with zipfile.ZipFile(path) as archive:
        return {member.filename: member.file_size for member in archive.infolist()}


def test_the_samples_are_those_that_use_may_take_away() -> None:
    library = RAW.parents[1] / "vendor" / "lockstep" / "src" / "lockstep"
    inventory = (library / "adopting" / "inventory.py").read_text(encoding="utf-8")
    sums = re.findall(r'"([0-9a-f]{64})"', inventory)
    samples = [path for path in RAW.iterdir() if path.name != "README.md"]
    assert {hashlib.sha256(path.read_bytes()).hexdigest() for path in samples} == set(sums)


def test_the_samples_have_the_rows_they_are_known_for() -> None:
    rows = {path.name: path.read_text().count("\n") - 1 for path in RAW.glob("*.csv*")}
    counts = [150, 178, 403, 442, 3 * (365 + 14), 1392, 1596, 1870, 2898, 9961]
    assert sorted(rows.values()) == counts
    (digits,) = RAW.glob("*digits*")
    assert len(members(digits)) == 1797


def test_the_flights_are_those_of_a_year_that_were_not_cancelled() -> None:
    (flights,) = RAW.glob("*flights*")
    rows = list(csv.DictReader(flights.read_text().splitlines()))
    assert sum(int(row["departures"] or 0) for row in rows) == 336_776 - 8_255
    later = [row for row in rows if row["day"] > "2013-12-31"]
    assert {(row["departures"], row["mean_delay"]) for row in later} == {("", "")}
    assert {row["day"] for row in later if row["holiday"] == "yes"} == {"2014-01-01"}


def test_the_vowels_are_those_that_are_published() -> None:
    (vowels,) = RAW.glob("*vowels*")
    rows = list(csv.DictReader(vowels.read_text().splitlines()))
    lengths = Counter(row["utterance"] for row in rows)
    assert (len(lengths), min(lengths.values()), max(lengths.values())) == (640, 7, 29)
    counts = Counter(speaker for _, speaker in {(row["utterance"], row["speaker"]) for row in rows})
    assert [counts[str(number)] for number in range(1, 10)] == [61, 65, 118, 74, 59, 54, 70, 80, 59]


def test_the_phrases_are_of_each_message_in_each_language_and_differ() -> None:
    (phrases,) = RAW.glob("*phrases*")
    rows = list(csv.DictReader(phrases.read_text(encoding="utf-8").splitlines()))
    assert len({(row["language"], row["message"]) for row in rows}) == 12 * 116 == len(rows)
    assert len({(row["language"], row["phrase"]) for row in rows}) == len(rows)
    assert min(len(row["phrase"].split()) for row in rows) == 3


def test_the_licence_of_the_phrases_lies_beside_them() -> None:
    readme = (RAW / "README.md").read_text(encoding="utf-8")
    notice = readme.partition("{%- if cookiecutter.dataset == 'phrases' %}")[2]
    assert "Copyright (c) Django Software Foundation and individual contributors." in notice


def test_the_weather_has_the_wind_speed_that_cannot_be() -> None:
    (weather,) = RAW.glob("*weather*")
    rows = list(csv.DictReader(weather.read_text().splitlines()))
    times = [row["time"] for row in rows if float(row["wind_speed"]) > 50]
    assert times == ["2013-02-12 03:00"]


def test_the_visits_are_of_persons_who_are_there_once() -> None:
    (visits,) = RAW.glob("*visits*")
    rows = list(csv.DictReader(visits.read_text().splitlines()))
    families = {
        tuple(row[name] for name in ("site", "coinsurance", "income", "family_size"))
        for row in rows
    }
    assert len({row["person"] for row in rows}) == len(rows)
    assert len(families) > 0.95 * len(rows)
    counts = [int(row["visits"]) for row in rows]
    assert (min(counts), max(counts)) == (0, 69)
    assert 0.25 < counts.count(0) / len(counts) < 0.35


def test_the_storms_are_there_once_a_day_and_the_stronger_the_lower_their_pressure() -> None:
    (storms,) = RAW.glob("*storms*")
    rows = list(csv.DictReader(storms.read_text().splitlines()))
    assert len({(row["storm"], row["date"]) for row in rows}) == len(rows)
    pressures = {
        strength: mean(int(row["pressure"]) for row in rows if row["strength"] == strength)
        for strength in ("tropical depression", "tropical storm", "hurricane", "major hurricane")
    }
    assert [round(pressure) for pressure in pressures.values()] == [1007, 999, 975, 945]


def test_the_paintings_show_what_was_counted_on_them() -> None:
    (paintings,) = RAW.glob("*paintings*")
    rows = list(csv.DictReader(paintings.read_text().splitlines()))
    counts = Counter(label for row in rows for label in row["shows"].split("|"))
    assert (len(counts), counts["tree"], counts["ocean"], counts[""]) == (12, 361, 36, 8)
    assert rows[-1]["episode"] == "S31E13"


def test_who_made_the_paintings_table_is_named_beside_it() -> None:
    readme = (RAW / "README.md").read_text(encoding="utf-8")
    notice = readme.partition("{%- if cookiecutter.dataset == 'paintings' %}")[2]
    assert "by FiveThirtyEight" in notice.partition("{%- endif %}")[0]
