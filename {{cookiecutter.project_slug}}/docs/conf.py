"""How Sphinx builds the documentation; names come from pyproject.toml."""

import re
import tomllib
from importlib import import_module
from pathlib import Path

from sphinx.application import Sphinx

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


def write_data_dictionary(_: Sphinx) -> None:
    """Make the page of the data dictionary from the contract, as it is now."""
    page = import_module(f"{PACKAGE.name}.data.dictionary").page(ROOT)
    path = ROOT / "docs" / "data_dictionary.md"
    # Sphinx reads a page anew when its file is written.
    if not path.exists() or path.read_text(encoding="utf-8") != page:
        path.write_text(page, encoding="utf-8", newline="\n")


def setup(app: Sphinx) -> None:
    """Called by Sphinx before it reads the pages."""
    app.connect("builder-inited", write_data_dictionary)
