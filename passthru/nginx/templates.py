"""Where the templates are, in a checkout, an editable install and a wheel."""

from pathlib import Path


def template_dir() -> Path:
    """Return the templates' directory: packaged beside this package, or in the checkout."""
    package = Path(__file__).parents[1]
    packaged = package / "templates"
    return packaged if packaged.is_dir() else package.parent / "templates"
