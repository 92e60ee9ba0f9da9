"""Each network learns twice in a project whose device is a GPU, which is only said to be there.

    python -m pretended_gpu

Prints as JSON whether both times gave the same bytes, by networks. All but the GPU is as on one:
what the library settles for it, and asks the backend for.
"""

import json

import owner.models  # noqa: F401 - first: it settles what numeric libraries read
from lockstep import Problem, Series, TokenShape, make_candidate
from lockstep.core import devices
from lockstep.core.project import Project
from lockstep.modeling.problem import make_problem

import numpy as np  # isort: skip

KINDS = {
    "table": ({"codes": (2,)}, 3),
    "image": ({"image": (8, 8, 1)}, 64 + 1),
    "sequence": ({"signal": (10, 2)}, 20 + 1),
    "text": ({"tokens": TokenShape(6, 12)}, 6 + 1),
    "forecast": ({"series": Series(8, 1, 4, 2)}, 8 + 1),
}
"""For each what its problem has, and how many columns its rows have."""
NETWORKS = {
    "mlp": ("table", {"hidden_units": [4]}),
    "wide_and_deep": ("table", {"hidden_units": [4]}),
    "autoencoder": ("table", {"hidden_units": [4], "code": 2}),
    "cnn": ("image", {"filters": [4], "shift": 1, "flip": True}),
    "resnet": ("image", {"filters": [4, 4]}),
    "conv1d": ("sequence", {"filters": [4], "width": 3}),
    "rnn": ("sequence", {"units": 4}),
    "text_cnn": ("text", {"embedding": 4, "filters": 4, "widths": [2]}),
    "text_rnn": ("text", {"embedding": 4, "units": 4}),
    "recurrent": ("forecast", {"cell": "lstm", "units": 4}),
    "tcn": ("forecast", {"filters": 4}),
}


def learn(name: str) -> bytes:
    """The weights that come of a few rows."""
    kind, options = NETWORKS[name]
    about, columns = KINDS[kind]
    task = {"forecast": "regression"}.get(kind, "classification")
    problem = Problem("anomalies" if name == "autoencoder" else task, 0, **about)
    rng = np.random.default_rng(0)
    X = rng.random((40, columns))
    X[:, 0] = y = np.arange(40) % 2
    if kind == "text":
        X[:, :6] = rng.integers(0, 12, (40, 6))
    options = {"max_epochs": 2, "batch_size": 16, **options}
    estimator = make_candidate(name, options, problem).fit(X, y)
    return b"".join(part.tobytes() for part in estimator.network_.get_weights())


if __name__ == "__main__":
    devices.count_gpus = lambda _: 1
    project = Project.find()
    make_problem(project.params, project.contract)
    same = {name: learn(name) == learn(name) for name in NETWORKS}
    print(json.dumps(same))
