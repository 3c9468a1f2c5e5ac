"""What the documentation shows must be so."""

import re
from pathlib import Path
from typing import Final

import pytest
from click import Context

from passthru.cli.app import app
from passthru.spec import parse_spec
from tests.checkout import ROOT, checkout_files

PAGES: Final = tuple(sorted(name for name in checkout_files() if name.suffix == ".md"))
_LINK: Final = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")
_BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND: Final = re.compile(r"\bpassthru ([a-z][a-z-]*)\b")


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of one language on a page."""
    return [text for lang, text in _BLOCK.findall((ROOT / page).read_text()) if lang == language]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file of the project names one that is there."""
    targets = [target for target, _ in _LINK.findall((ROOT / page).read_text())]
    local = [target for target in targets if "://" not in target]
    missing = [target for target in local if not (ROOT / page.parent / target).exists()]

    assert missing == []


SPECS: Final = [
    pytest.param(text, id=f"{page}-{number}")
    for page in PAGES
    for number, text in enumerate(blocks(page, "toml"))
]


@pytest.mark.parametrize("text", SPECS)
def test_every_spec_shown_is_valid(text: str) -> None:
    """A reader who pastes it gets no error."""
    parse_spec(text)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_command_shown_is_there(page: Path) -> None:
    """What is written after `passthru` in a shell block is one of its commands."""
    known = set(app.list_commands(Context(app)))
    shown = {word for text in blocks(page, "sh") for word in _COMMAND.findall(text)}

    assert shown <= known | {"toml"}


def test_every_page_can_be_reached() -> None:
    """From the README, every page of docs/ is some links away."""
    seen: set[Path] = set()
    todo = [Path("README.md"), Path("docs/README.md")]
    while todo:
        page = todo.pop()
        if page in seen:
            continue
        seen.add(page)
        for target, _ in _LINK.findall((ROOT / page).read_text()):
            there = (ROOT / page.parent / target).resolve()
            if there.is_dir():
                todo += [p.relative_to(ROOT) for p in there.glob("*.md")]
            elif there.suffix == ".md" and there.is_file():
                todo.append(there.relative_to(ROOT))

    assert {page for page in PAGES if page.parts[0] == "docs"} <= seen
