# Thin names for the nox sessions; README.md gives the commands without make.

PYTHON ?= python3

.PHONY: demo test

demo: .venv/bootstrapped
	.venv/bin/python -m nox -s demo

test: .venv/bootstrapped
	.venv/bin/python -m nox -s lint library tests

.venv/bootstrapped:
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet nox uv
	touch $@
