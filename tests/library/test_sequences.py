"""Sequences are examples: gathered from their points, learnt from, and predicted."""

import json

import pandas as pd
from conftest import run_stages
from lockstep.core.project import Project
from lockstep.modeling.model import Model
from made_up_sequences import make_swings, write_swings


def test_a_model_of_sequences_predicts_each_from_its_points(project: Project) -> None:
    write_swings(project)
    run_stages()
    metrics = json.loads(project.metrics.read_text())
    assert metrics["accuracy"] > 0.8
    model = Model.load(project.champion)
    print(pd.read_csv(project.leaderboard))
    print(model.predict(make_swings(4)))
