"""A reproducible pipeline: ingest, preprocess, train, evaluate, predict.

Importing the package settles what numeric libraries read from the environment
(threads, Keras backend), so import it before numpy, Keras and their kin.
"""

import time

STARTED = time.time_ns()
"""When this process began to read the package's code, in nanoseconds of the system's clock."""

from .reproducibility.runtime import pin  # noqa: E402 - what is read after STARTED counts

pin()
