"""Settings of the site: `make docs` writes it to results/docs."""

from importlib.metadata import version as _version

project = "lamoo_fast"
release = version = _version("lamoo_fast")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"lamoo_fast {release}"
exclude_patterns = ["_build"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # the sections of the docstrings say more
napoleon_google_docstring = False
napoleon_use_ivar = True
