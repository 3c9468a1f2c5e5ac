"""The reference page in docs."""

from pathlib import Path

from passthru.spec.outline import list_sections
from passthru.spec.reference import write_reference

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "spec.md"


def test_the_page_is_what_the_models_say() -> None:
    """`python -m passthru.spec.reference > docs/reference/spec.md` changes nothing."""
    assert PAGE.read_text() == write_reference()


def test_the_page_has_every_key() -> None:
    """Each key of each table has its row."""
    for section in list_sections():
        for key in section.table.model_fields:
            assert f"`{key}`" in write_reference() or f"[{key}]" in write_reference()


def test_tables_of_the_page_are_whole() -> None:
    """No cell breaks its row."""
    for line in write_reference().splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") == 6
