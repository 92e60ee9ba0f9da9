"""What `use` says of the columns of a file."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lockstep.adopting.summary import summarise
from lockstep.adopting.understanding import Wishes, understand

LEVELS = ["very low", "low", "medium", "high", "very high"]
HELD = {
    "classes": (["a", "b", "c", "d", "e"], "e 40%, d 30%, c 15%, b 10% and 1 more"),
    "ordered classes": (LEVELS, "very low 5%, low 10%, medium 15%, high 30% and 1 more"),
}


def tell(path: Path, frame: pd.DataFrame, **wishes: str) -> list[str]:
    frame.to_csv(path, index=False)
    return summarise(path.name, understand([path], path.name, "a test", Wishes(**wishes)))


@pytest.mark.parametrize("case", HELD)
def test_classes_are_told_by_their_shares_in_their_order_or_the_commonest_first(
    case: str, tmp_path: Path
) -> None:
    levels, told = HELD[case]
    target = np.repeat(levels, [5, 10, 15, 30, 40])
    frame = pd.DataFrame({"x": np.arange(100) * 7919 % 101 / 8, "y": target})
    (line,) = [line for line in tell(tmp_path / "a.csv", frame, target="y") if line[:2] == "y "]
    assert told in line


@pytest.mark.parametrize("kind", ["anomalies", "clustering"])
def test_a_target_that_the_data_lack_is_none_of_their_columns(kind: str, tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=(100, 3)).round(3)
    lines = tell(tmp_path / "a.csv", pd.DataFrame(numbers, columns=["a", "b", "c"]), kind=kind)
    assert lines[0].startswith("a.csv: 100 rows, 3 columns; ")
    assert [line.split()[0] for line in lines[2:] if line] == ["column", "a", "b", "c"]
