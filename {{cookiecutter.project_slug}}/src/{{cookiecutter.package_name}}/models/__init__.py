"""The candidates: one function each, which params.yaml calls by its name.

A candidate returns an unfitted scikit-learn estimator. Write your own like these, in a file here,
and name it in params.yaml under `train.candidates`: what it takes by keyword are its options there.
"""

from importlib import import_module
from pkgutil import iter_modules

for module in iter_modules(__path__, f"{__name__}."):
    import_module(module.name)
