"""An HTML page taken apart, for the tests of both pages."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from typing_extensions import override

VOID = {"meta", "link", "br", "path", "input", "rect", "use", "circle"}


@dataclass
class Element:
    """One element, with those around it."""

    tag: str
    attributes: dict[str, str | None]
    parents: tuple["Element", ...] = field(repr=False)
    text: str = field(default="", repr=False)
    children: list["Element"] = field(default_factory=list, repr=False)

    def get(self, name: str) -> str:
        """Return an attribute, "" where it is not."""
        return self.attributes.get(name) or ""

    @property
    def classes(self) -> list[str]:
        """Its classes."""
        return self.get("class").split()

    @property
    def words(self) -> str:
        """Its text on one line, each space a plain one."""
        return " ".join(self.text.split())


class Document(HTMLParser):
    """All elements of a page, in order; asserts that every one is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self._open: list[Element] = []
        self.elements: list[Element] = []
        self.feed(page)
        self.close()
        assert self._open == []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} is there twice"
        element = Element(tag, dict(attrs), tuple(self._open))
        self.elements.append(element)
        if self._open:
            self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop().tag == tag

    @override
    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str, name: str = "") -> list[Element]:
        """Return the elements of a kind, all of them or those of one class."""
        found = [element for element in self.elements if element.tag == tag]
        return [element for element in found if name in element.classes] if name else found

    def id(self, name: str) -> Element:
        """Return the element with an id."""
        (element,) = (element for element in self.elements if element.get("id") == name)
        return element

    def within(self, outer: Element, tag: str) -> list[Element]:
        """Return the elements of a kind inside another."""
        return [element for element in self.all(tag) if any(p is outer for p in element.parents)]


def palette(block: str) -> dict[str, str]:
    """Return the colours that a block of style names."""
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours by WCAG 2."""

    def luminance(color: str) -> float:
        parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
