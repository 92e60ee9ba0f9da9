"""Write the sample data sets of the template from the copies that scikit-learn carries.

The samples are committed; this script says how they came about, and a test compares them with
its output. Run it with `nox -s samples`.
"""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_diabetes, load_digits, load_iris

IRIS_COLUMNS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
LARGEST_DIGITS_PIXEL, BRIGHTNESS_STEP = 16, 15


def iris() -> bytes:
    """150 rows: four lengths in cm and the name of the species."""
    data = load_iris(as_frame=True)
    frame = data.data.set_axis(IRIS_COLUMNS, axis="columns")
    frame["species"] = data.target_names[data.target]
    return frame.to_csv(index=False, lineterminator="\n").encode()


def diabetes() -> bytes:
    """442 rows: ten measurements in their own units and the progression of the disease."""
    data = load_diabetes(as_frame=True, scaled=False)
    frame = data.data.rename(
        columns={
            "bp": "blood_pressure",
            "s1": "total_cholesterol",
            "s2": "ldl",
            "s3": "hdl",
            "s4": "cholesterol_ratio",
            "s5": "log_triglycerides",
            "s6": "glucose",
        }
    )
    frame["age"] = frame["age"].astype(int)
    frame["sex"] = frame["sex"].astype(int)
    frame["progression"] = data.target.astype(int)
    return frame.to_csv(index=False, lineterminator="\n").encode()


def digits() -> bytes:
    """A zip of 1,797 grey PNG files of 8x8 pixels in one folder per digit.

    The original's 17 shades, 0 to 16, become brightness in steps of 15.
    """
    data = load_digits()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as samples:
        for number in np.argsort(data.target, kind="stable"):
            pixels = (data.images[number] * BRIGHTNESS_STEP).astype(np.uint8)
            picture = io.BytesIO()
            Image.fromarray(pixels).save(picture, format="PNG")
            name = f"{data.target[number]}/{number:04}.png"
            samples.writestr(zipfile.ZipInfo(name), picture.getvalue())
    return archive.getvalue()


SAMPLES = {"iris.csv": iris, "diabetes.csv": diabetes, "digits.zip": digits}


def template_name(sample: str) -> str:
    """The file's name in the template, where it is there for its own answer only."""
    dataset = Path(sample).stem
    return "{% if cookiecutter.dataset == '" + dataset + "' %}" + sample + "{% endif %}"


if __name__ == "__main__":
    raw = Path(sys.argv[1])
    for sample, export in SAMPLES.items():
        (raw / template_name(sample)).write_bytes(export())
