"""Refuse answers that cannot make a working project, before a file is written."""

import json
import keyword
import re
import sys

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")

# Importing the package, or installing the project, would find these instead.
DEPENDENCIES = """
    dvc furo hatchling jax jaxlib joblib jupyter jupyterlab keras matplotlib myst_parser nbconvert
    nbstripout notebook numpy pandas pandera pil pillow pip pre_commit pyarrow pydantic pytest
    python ruamel ruamel_yaml ruff scikit_learn scipy setuptools sklearn sphinx tensorflow torch uv
""".split()
FOLDERS = "data docs models notebooks references reports src tests".split()
PORTS = [f"{port}{number}" for port in ("com", "lpt") for number in range(10)]
WINDOWS_DEVICES = ["aux", "con", "nul", "prn", *PORTS]
FREE_TEXTS = ["project_name", "description", "author_name", "author_email"]


def slug_mistake(slug):
    """Why `slug` cannot name the folder, the distribution and the command; None if it can."""
    if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", slug):
        return (
            "use lower-case letters, digits and single hyphens or underscores, a letter first, "
            "such as my-project"
        )
    if len(slug) > 60:
        return "use at most 60 characters"
    if slug in WINDOWS_DEVICES:
        return "Windows keeps this name for a device; use another"
    if slug.replace("-", "_") in DEPENDENCIES:
        return "a package that the project installs has this name; use another"
    return None


def package_mistake(package):
    """Why `package` cannot name the Python package; None if it can."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", package):
        return (
            "use lower-case letters, digits and single underscores, a letter first, "
            "such as my_project"
        )
    if len(package) > 60:
        return "use at most 60 characters"
    if keyword.iskeyword(package) or keyword.issoftkeyword(package):
        return "this is a word of the Python language; use another"
    if package in sys.stdlib_module_names:
        return "Python's standard library has a module of this name; use another"
    if package in DEPENDENCIES or package in FOLDERS or package in WINDOWS_DEVICES:
        return "something else that the project needs has this name; use another"
    return None


def text_mistake(text):
    """Why `text` cannot stand in the files that show it; None if it can."""
    if not text.strip():
        return "it must not be empty"
    if not text.isprintable():
        return "line breaks and control characters are not allowed; keep it on one line"
    return None


def mistakes():
    """A line per answer that must change."""
    checks = {"project_slug": slug_mistake, "package_name": package_mistake}
    checks.update(dict.fromkeys(FREE_TEXTS, text_mistake))
    for question, check in checks.items():
        advice = check(ANSWERS[question])
        if advice:
            yield f"{question}: {ANSWERS[question]!a} will not do: {advice}"


found = list(mistakes())
for line in found:
    print(f"error: {line}", file=sys.stderr)
sys.exit(bool(found))
