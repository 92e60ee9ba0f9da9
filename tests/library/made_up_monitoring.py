"""What `monitoring.json` tells, made up: versions, columns and windows of any number and shape."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

FIRST = date(2026, 10, 28)
SCRIPT = "<script>document.title = 'taken'</script>"
Content = dict[str, Any]


def made_up(columns: int = 3, windows: int = 30, **other: Any) -> Content:
    """One version that answered for a month; its first column moves on the 20th day."""
    names = ["age", "heating", "prediction", *(f"column_{n}" for n in range(4, columns + 1))]
    version = make_version(
        "v1.1.0", names[:columns], [FIRST + timedelta(n) for n in range(windows)]
    )
    usual = {
        "form": 1,
        "model": "houses",
        "source": "requests",
        "by": "day",
        "since": FIRST.isoformat(),
        "until": "2026-11-26T09:31:07+00:00",
        "state": "alarm",
        "alarm_since": "2026-11-16",
        "has_doubt": False,
        "has_news": False,
        "lines": ["v1.1.0: age: 0.31 spreads higher than in training, since 2026-11-16"],
        "notes": [],
        "versions": [version],
        "shadows": [],
    }
    return usual | other


def make_version(name: str, columns: list[str], days: list[date], **other: Any) -> Content:
    """A version with these columns, which answered on these days."""
    chance = random.Random(7)
    usual = {
        "model": "houses",
        "version": name,
        "run": name[1] * 64,
        "role": "answer",
        "stages": ["production"],
        "is_current": True,
        "state": "alarm",
        "lines": ["age: 0.31 spreads higher than in training, since 2026-11-16"],
        "windows": [make_window(place, day, chance) for place, day in enumerate(days)],
        "columns": [
            make_column(column, place, len(days), chance) for place, column in enumerate(columns)
        ],
        "quality": make_quality(len(days), chance),
    }
    return usual | other


def make_window(place: int, day: date, chance: random.Random) -> Content:
    """A day on which about a thousand rows came."""
    rows = chance.randint(800, 1300)
    return {
        "name": day.isoformat(),
        "start": f"{day}T00:00:00+00:00",
        "end": f"{day + timedelta(1)}T00:00:00+00:00",
        "rows": rows,
        "requests": rows // 2,
        "refused": rows // 90,
        "median_seconds": 0.004 + 0.001 * chance.random(),
        "p99_seconds": 0.03 + 0.02 * chance.random(),
        "state": "fine" if place < 19 else "moved" if place == 19 else "alarm",
    }


def make_gap(start: date, days: int) -> Content:
    """A window in which nobody asked."""
    return {
        "name": f"{start} to {start + timedelta(days - 1)}",
        "start": f"{start}T00:00:00+00:00",
        "end": f"{start + timedelta(days)}T00:00:00+00:00",
        "rows": 0,
        "requests": 0,
        "refused": 0,
        "median_seconds": None,
        "p99_seconds": None,
        "state": "gap",
    }


def make_column(name: str, place: int, windows: int, chance: random.Random) -> Content:
    """The first one moves from its 20th window on; those further behind are ever quieter."""
    is_level, size = place % 3 == 1, 4 if place % 3 == 1 else 16
    shares = [1 / size] * size
    moves = [max(0.0, place == 0 and n >= 19) for n in range(windows)]
    parts = [
        make_part(shares, 0.35 / (place + 1) * chance.random() + 2.4 * move, move, n, chance)
        for n, move in enumerate(moves)
    ]
    scale = (
        {"categories": ["gas", "wood", "oil"]}
        if is_level
        else {"edges": [round(18.5 + 4.25 * n, 2) for n in range(size - 1)]}
    )
    return {
        "name": name,
        "part": "score" if name == "prediction" else "feature",
        "type": "level" if is_level else "number",
        "unit": "" if is_level else "years",
        "meaning": "how it is heated" if is_level else "of the owner, when it was sold",
        "state": parts[-1]["state"],
        "since": "2026-11-16" if moves[-1] else None,
        "movement": parts[-1]["effect"] / 0.1,
        "reference": {**scale, "shares": shares, "missing": 0.02},
        "windows": parts,
    }


def make_part(
    shares: list[float], movement: float, move: float, n: int, chance: random.Random
) -> Content:
    """A column in the window `n`."""
    size = len(shares)
    tilt = [
        share * (1 + 0.1 * chance.uniform(-1, 1) + move * (2 * k / size - 1) * 0.8)
        for k, share in enumerate(shares)
    ]
    whole = sum(tilt) / 0.98
    state = "fine" if not move else "moved" if n == 19 else "alarm"
    return {
        "shares": [share / whole for share in tilt],
        "missing": 0.02,
        "others": {},
        "breaches": 0,
        "movement": movement,
        "effect": 0.1 * movement,
        "psi": 0.08 * movement,
        "p_value": 0.00001 if move else 0.4,
        "q_value": 0.0004 if move else 0.8,
        "state": state,
        "lines": ["0.31 spreads higher than in training"] if move else [],
    }


def make_too_few(part: Content) -> Content:
    """The same, of a window with too few rows to be judged."""
    return part | {
        **dict.fromkeys(["movement", "effect", "psi", "p_value", "q_value"]),
        "state": "too few",
        "lines": [],
    }


def make_quality(windows: int, chance: random.Random) -> Content:
    """Estimates get worse from the 20th window on; outcomes are known until the 25th."""
    parts = {"rmse": (54.0, 1.0, False), "r2": (0.48, -0.02, True)}
    return {
        "metric": "rmse",
        "assumption": "The estimate holds as long as errors are as large as in training",
        "metrics": {
            name: {
                "expected": around(level, 2 * abs(step)),
                "higher_is_better": is_higher,
                "windows": [
                    {
                        "estimate": around(
                            level + step * (chance.random() + 0.6 * max(0, n - 19)), 3 * abs(step)
                        ),
                        "realised": around(
                            level + step * (chance.random() + 0.7 * max(0, n - 19)), 4 * abs(step)
                        )
                        if n < 25
                        else None,
                    }
                    for n in range(windows)
                ],
            }
            for name, (level, step, is_higher) in parts.items()
        },
        "labels": [{"rows": 400, "lag_days": 2.1} if n < 25 else None for n in range(windows)],
        "state": "moved",
        "since": FIRST.isoformat(),
        "lines": ["rmse is estimated at 59.1, which is worse than the 52 to 56 that were expected"],
    }


def around(figure: float, reach: float) -> Content:
    """A figure with its interval."""
    return {"figure": figure, "low": figure - reach, "high": figure + reach}


def make_shadow(**other: Any) -> Content:
    """One that is better by the gate."""
    usual = {
        "version": "v1.2.0",
        "rows": 2412,
        "metric": "rmse",
        "gain": around(3.1, 1.4),
        "lines": ["rmse is better by 3.1 (1.7 to 4.5) on 2,412 rows with outcomes"],
        "proposal": "uv run houses promote v1.2.0 --to production",
    }
    return usual | other


def with_everything() -> Content:
    """17 columns, a gap of a month, days with too few rows, three versions, a shadow, a script."""
    days = [FIRST + timedelta(n) for n in range(8)] + [FIRST + timedelta(n) for n in range(39, 62)]
    names = ["age", SCRIPT, *(f"column_{n}" for n in range(3, 17)), "a_name_" + "without_end" * 12]
    version = make_version("v1.1.0", names, days)
    version["windows"].insert(8, make_gap(days[7] + timedelta(1), 31))
    gap = dict.fromkeys(["movement", "effect", "psi", "p_value", "q_value"])
    for column in version["columns"]:
        empty = {"shares": [], "missing": None, "others": {}, "breaches": 0, "state": "gap"}
        column["windows"].insert(8, empty | gap | {"lines": []})
        column["windows"][3:5] = map(make_too_few, column["windows"][3:5])
    for window in version["windows"][3:5]:
        window |= {"state": "too few", "rows": 40, "requests": 40, "refused": 0}
    level = version["columns"][1]
    level["reference"]["categories"] = ["gas", SCRIPT, "wood " * 30]
    level["windows"][-1] |= {
        "others": {SCRIPT: 12, "coal": 3},
        "breaches": 15,
        "state": "moved",
        "movement": 1.3,
        "effect": 0.13,
        "lines": ["2 categories that training did not have in 1.2% of the rows"],
    }
    level |= {"state": "moved", "since": version["windows"][-1]["name"], "movement": 1.3}
    for metric in version["quality"]["metrics"].values():
        metric["windows"].insert(8, {"estimate": None, "realised": None})
    version["quality"]["labels"].insert(8, None)
    former = make_version(
        "v1.0.0",
        names[:3],
        days[:8],
        model="flats",
        is_current=False,
        stages=[],
        state="fine",
        lines=[],
    )
    shadow = make_version("v1.2.0", names[:3], days[8:], role="shadow", stages=["staging"])
    lines = [*made_up()["lines"], f"v1.1.0: {SCRIPT}: 2 categories that training did not have"]
    return made_up(
        versions=[version, shadow, former],
        shadows=[
            make_shadow(),
            make_shadow(
                version="v1.3.0",
                gain=None,
                lines=["12 rows with outcomes are too few to compare it"],
                proposal=None,
            ),
        ],
        lines=lines,
        notes=[
            "3 rows with times in the future were left out",
            "v0.9.0 has no profile; its rows are counted and not judged",
        ],
    )


def with_nothing() -> Content:
    """A server that nobody has asked yet."""
    return made_up(
        state="unsure",
        alarm_since=None,
        versions=[],
        lines=["no requests are kept"],
        until=None,
    )


def with_a_version_of_before() -> Content:
    """One that has no profile, so that only its rows and times are known."""
    content = made_up(
        state="unsure",
        alarm_since=None,
        lines=["v1.1.0 has no profile: it was trained before there were"],
    )
    content["versions"][0] |= {"columns": [], "quality": None, "state": "unsure", "lines": []}
    for window in content["versions"][0]["windows"]:
        window["state"] = "too few"
    return content


def all_well() -> Content:
    """17 columns, of which none moved."""
    content = made_up(17, state="fine", alarm_since=None, lines=[])
    version = content["versions"][0]
    version |= {"state": "fine", "lines": []}
    for window in version["windows"]:
        window["state"] = "fine"
    calm = version["columns"][3]["windows"]
    first = version["columns"][0]
    first |= {"windows": calm, "state": "fine", "since": None, "movement": calm[-1]["effect"] / 0.1}
    calm = [window["estimate"] for window in version["quality"]["metrics"]["rmse"]["windows"][:19]]
    for window in version["quality"]["metrics"]["rmse"]["windows"][19:]:
        window |= {"estimate": calm[3], "realised": None}
    version["quality"] |= {"state": "fine", "lines": []}
    return content


CONTENTS = {
    "three": made_up,
    "well": all_well,
    "everything": with_everything,
    "many": lambda: made_up(300),
    "nothing": with_nothing,
    "before": with_a_version_of_before,
}
