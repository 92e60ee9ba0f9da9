"""The wheel of a network that takes images."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import make_project, write_params
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.core.runtime import STRICT
from lockstep.core.table import as_csv
from lockstep.modeling.model import Model
from lockstep.modeling.profile import read_profile
from lockstep.packaging.build import build_wheel
from lockstep.packaging.pins import FOR_NETWORKS
from lockstep.serving.messages import Question, pack_questions
from lockstep.standalone.frames import read_frame
from lockstep.standalone.model_package import ModelPackage
from PIL import Image
from wheels import run_alone, train_champion, unpack

pytestmark = pytest.mark.matrix
SIZE = 6
CONTRACT = {
    "title": "Made-up pictures",
    "source": "a seeded generator",
    "licence": "none",
    "target": "bright",
    "images": {"width": SIZE, "height": SIZE},
    "columns": {"bright": {"type": "binary", "categories": ["no", "yes"], "meaning": "m"}},
}
NETWORK = {"filters": [4], "shift": 1, "batch_size": 8, "max_epochs": 30, "learning_rate": 0.02}
BACKEND = os.environ["KERAS_BACKEND"]


def make_picture(label: str, rng: np.random.Generator) -> bytes:
    shades = rng.integers(0, 100, size=(SIZE, SIZE)).astype("uint8")
    shades[:, 3:] += 60 * (label == "yes")
    content = io.BytesIO()
    Image.fromarray(shades).save(content, "png")
    return content.getvalue()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("project"))
    rng = np.random.default_rng(0)
    raw = project.raw / "pictures.zip"
    with zipfile.ZipFile(raw, "w") as archive:
        for number in range(60):
            label = ("no", "yes")[number % 2]
            archive.writestr(f"{label}/{number}.png", make_picture(label, rng))
    project.contract_file.write_text(json.dumps(CONTRACT))
    write_params(
        project,
        data={"raw": "data/raw/pictures.zip", "max_rejected": 0},
        train={
            "metric": "log_loss",
            "holdout": 0.25,
            "candidates": {"baseline": {}, "cnn": NETWORK},
        },
    )
    return train_champion(project)


@pytest.fixture(scope="module")
def unpacked(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    return unpack(build_wheel(project, "1.0.0", folder), folder)


def test_what_a_network_and_images_need_is_asked_for(unpacked: Path) -> None:
    pins = json.loads((unpacked / "owner_model" / "package.json").read_text())["pins"]
    assert {"pillow", *FOR_NETWORKS[BACKEND]} < {*pins}


def test_it_predicts_images_with_its_own_layers_and_on_its_own_backend(
    project: Project, unpacked: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "new.png"
    picture.write_bytes(make_picture("yes", np.random.default_rng(1)))
    code = """
import os
import owner_model
from owner_model.lockstep.standalone.main import main
package = owner_model.load()
assert os.environ["KERAS_BACKEND"] == sys.argv[2]
import keras
@keras.saving.register_keras_serializable("lockstep")
class RandomShift(keras.layers.Layer):
    "That of another model."
del package.model
layers = package.model.pipeline[-1].network_.layers
(shift,) = [type(layer) for layer in layers if type(layer).__name__ == "RandomShift"]
assert shift.__module__ == "owner_model.lockstep.modeling.layers"
sys.exit(main(["check"]) + main(["predict", sys.argv[1]]))
"""
    done = run_alone(unpacked, code, str(picture), BACKEND, **STRICT)
    check, header, answer = done.stdout.splitlines()
    assert check.endswith("6 golden rows, the same numbers to the last bit")
    assert header == "file,prediction,probability_no,probability_yes,reason"
    rows = pd.DataFrame({"image": [np.asarray(Image.open(picture)).tobytes()]})
    expected = Model.load(project.champion).predict(rows)
    assert answer == f"new.png,{as_csv(expected, header=False).strip()}"


def test_a_worker_tells_of_an_image_the_numbers_that_stand_for_it_in_the_profile(
    project: Project, unpacked: Path
) -> None:
    picture = make_picture("yes", np.random.default_rng(1))
    worker = subprocess.run(
        [sys.executable, "-m", "owner_model.lockstep.standalone.worker"],
        cwd=unpacked,
        env={**os.environ, **STRICT, "PYTHONPATH": str(unpacked)},
        input=pack_questions([Question(body=picture, form="image")], ["bright"], 5),
        capture_output=True,
        check=True,
    )
    answers = io.BytesIO(worker.stdout)
    read_frame(answers)
    [reply] = read_frame(answers)[0]["replies"]
    rows = pd.DataFrame({"image": [np.asarray(Image.open(io.BytesIO(picture))).tobytes()]})
    profile = read_profile(project.champion, "models/champion")
    pipeline = Model.load(project.champion).pipeline
    assert reply["rows"] == profile.embedding.embed(pipeline, rows).to_dict(orient="records")


def test_a_process_whose_keras_computes_with_something_else_is_told(unpacked: Path) -> None:
    package = ModelPackage("owner_model", unpacked / "owner_model")
    package.info["backend"] = "another"
    told = f"its network computes with another, and Keras with {BACKEND} in this process; "
    with pytest.raises(UserError, match=told):
        _ = package.model
