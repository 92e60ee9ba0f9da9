"""How Sphinx builds the documentation; names come from pyproject.toml."""

import logging
import tomllib
from pathlib import Path

from lockstep import UserError
from lockstep.docs.write import write_pages
from lockstep.reporting.markdown import plain
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
CONTENT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
METADATA = CONTENT["project"]
PACKAGE = ROOT / "src" / CONTENT["tool"]["lockstep"]["package"]

# The name for people is the heading of the README.
README = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
HEADINGS = [line.removeprefix("# ") for line in README if line.startswith("# ")]
project = next(iter(HEADINGS), METADATA["name"])
author = METADATA["authors"][0]["name"]
version = release = METADATA["version"]

extensions = [
    "myst_nb",
    "sphinx.ext.apidoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]
default_role = "code"  # `name` in a docstring is code
smartquotes = False

myst_enable_extensions = ["substitution"]
myst_substitutions = {"name": plain(project), "description": plain(METADATA["description"])}

nb_execution_mode = "off"  # `make notebooks` runs them

html_theme = "furo"
html_title = project
html_show_copyright = False
html_show_search_summary = False  # a browser refuses to fetch pages from disk
html_static_path = ["_static"]
html_css_files = ["project.css"]
html_js_files = ["project.js"]

apidoc_modules = [{"path": str(PACKAGE), "destination": "api", "separate_modules": True}]
autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_use_type_comments = False  # there are none, and looking for them takes long
# scikit-learn makes these methods; their texts refer to pages of its own documentation.
autodoc_default_options = {"exclude-members": "set_fit_request, set_score_request"}
napoleon_numpy_docstring = False


intersphinx_mapping = {
    "python": ("https://docs.python.org/3", None),
    "numpy": ("https://numpy.org/doc/stable", None),
    "pandas": ("https://pandas.pydata.org/docs", None),
    "sklearn": ("https://scikit-learn.org/stable", None),
}
intersphinx_timeout = 3  # seconds
# Without the network names of other libraries are no links; that is no reason to fail.
logging.getLogger("sphinx.sphinx.ext.intersphinx").addFilter(
    lambda record: "failed to reach any of the inventories" not in str(record.msg)
)


def write(_: Sphinx) -> None:
    """Make the pages that follow from the project as it is now."""
    try:
        write_pages(ROOT)
    except UserError as error:
        # Sphinx would print a page about itself around it.
        raise SystemExit(f"error: {error}") from None


def setup(app: Sphinx) -> None:
    """Called by Sphinx before it reads the pages."""
    app.connect("builder-inited", write)
