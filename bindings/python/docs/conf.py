"""The pages of the installed package; scripts/python-docs builds them."""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

import netns.libcontainer.configs

project = "libnetns"
author = "the authors of libnetns"
release = netns.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = f"libnetns {release} for Python"
html_copy_source = False

add_module_names = False
autodoc_class_signature = "separated"
autodoc_default_options = {"exclude-members": "__init__, __new__"}
autodoc_member_order = "bysource"
autodoc_typehints = "both"
autodoc_typehints_description_target = "documented_params"
autodoc_typehints_format = "short"
autodoc_use_type_comments = False
nitpicky = True
# What is another package's, and what a signature says of the private modules.
nitpick_ignore_regex = [
    ("py:.*", r"(?!netns\.).*\..*"),
    ("py:.*", r"(netns\.)?(libcontainer\.)?_[a-z]+\..*"),
    ("py:mod", r"ipaddress"),
    ("py:class", r"[a-z]+|[A-Z]|IPv[46]\w+|\w*Error|Any|Path|Callable|Iterable|Iterator|Command"),
]
# docs/python.md links to files of the project, which are not among these pages.
suppress_warnings = ["myst.xref_missing", "myst.header"]


def check_all(app: Sphinx, failed: Exception | None) -> None:
    """Every public name is on a page."""
    documented = app.env.get_domain("py").data["objects"]
    modules = (netns, netns.libcontainer, netns.libcontainer.configs)
    public = {f"{module.__name__}.{name}" for module in modules for name in module.__all__ if name[0] != "_"}
    missing = public - set(documented)
    if failed is None and missing:
        raise ExtensionError(f"not on any page: {', '.join(sorted(missing))}")


def setup(app: Sphinx) -> None:
    app.connect("build-finished", check_all)
