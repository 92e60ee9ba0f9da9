"""The data science of this project: a file per stage, and what the stages use."""

import lockstep  # noqa: F401 - first of all: it settles what numeric libraries read from the environment
