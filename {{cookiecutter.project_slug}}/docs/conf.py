"""How Sphinx builds the documentation; names come from pyproject.toml."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
METADATA = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
PACKAGE = next((ROOT / "src").glob("*/__init__.py")).parent

project = METADATA["name"]
author = METADATA["authors"][0]["name"]
version = release = METADATA["version"]

extensions = ["myst_parser", "sphinx.ext.apidoc", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
default_role = "code"  # `name` in a docstring is code
smartquotes = False

myst_enable_extensions = ["substitution"]
# Names and descriptions are plain text, not Markdown.
myst_substitutions = {
    name: PUNCTUATION.sub(r"\\\1", METADATA[name]) for name in ("name", "description")
}

html_theme = "furo"
html_title = project
html_show_copyright = False

apidoc_modules = [{"path": str(PACKAGE), "destination": "api", "separate_modules": True}]
autodoc_typehints = "description"
autodoc_member_order = "bysource"
# scikit-learn makes these methods; their texts refer to pages of its own documentation.
autodoc_default_options = {"exclude-members": "set_fit_request, set_score_request"}
napoleon_numpy_docstring = False
