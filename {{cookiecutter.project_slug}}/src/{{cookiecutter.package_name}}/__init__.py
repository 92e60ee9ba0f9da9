"""A reproducible pipeline: ingest, preprocess, train, evaluate, predict.

Importing the package settles what numeric libraries read from the environment
(threads, Keras backend), so import it before numpy, Keras and their kin.
"""

from .reproducibility.runtime import pin

pin()
