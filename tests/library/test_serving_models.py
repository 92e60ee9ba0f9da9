"""Models at work in processes of their own: what they answer is what the champion predicts."""

import asyncio
from pathlib import Path

import pandas as pd
import pytest
from conftest import make_fruit, make_project, write_params
from lockstep.core.project import Project
from lockstep.modeling.model import Model
from lockstep.packaging.build import build_wheel
from lockstep.serving.engine import Engine
from lockstep.serving.messages import Question, Reply
from stand_ins import serve
from wheels import train_champion

ROWS = [
    *make_fruit(40).drop(columns="fruit").to_dict("records"),
    {"weight": None, "seeds": None, "colour": "blue"},
]


def train(folder: Path, candidate: str) -> tuple[Project, str]:
    """A project with a champion, and the wheel of that."""
    (folder / "project").mkdir()
    project = make_project(folder / "project")
    candidates = {"baseline": {}, candidate: {"max_epochs": 30} if candidate == "mlp" else {}}
    write_params(project, train={"metric": "accuracy", "folds": 2, "candidates": candidates})
    project = train_champion(project)
    return project, str(build_wheel(project, "1.0.0", folder / "dist"))


async def ask_in_every_way(engine: Engine) -> list[list[dict[str, object]]]:
    """The answers to single rows, all at once; to all rows; and to a file of them."""
    one_by_one: list[Reply] = await asyncio.gather(
        *(engine.predict(Question((row,)), request="r") for row in ROWS)
    )
    together = await engine.predict(Question(tuple(ROWS)), request="r")
    table = pd.DataFrame(ROWS).to_csv(index=False).encode()
    by_file = await engine.predict(Question(body=table, form="csv"), request="r")
    return [[reply.answers[0] for reply in one_by_one], together.answers, by_file.answers]


@pytest.mark.matrix
@pytest.mark.parametrize("candidate", ["linear", "mlp"])
def test_a_row_has_the_bits_of_the_champion_whatever_is_asked_beside_it(
    candidate: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, wheel = train(tmp_path, candidate)
    monkeypatch.chdir(tmp_path)
    champion = Model.load(project.champion)
    assert champion.candidate == candidate
    predictions = champion.predict(pd.DataFrame(ROWS)).drop(columns="reason")
    expected = predictions[:-1].to_dict("records")
    for answers in serve(ask_in_every_way, wheel):
        assert answers[:-1] == expected
        assert [error["column"] for error in answers[-1]["errors"]] == ["weight", "colour"]
