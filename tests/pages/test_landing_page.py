"""The page at `/`: what is on it, and that browsers may run it."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from typing_extensions import override

from passthru.nginx.page import content_security_policy, landing_page
from passthru.nginx.snippet import snippets
from passthru.stats.page import asset
from tests.golden.test_golden import rendering_of
from tests.pages.document import contrast, palette

NIXOS = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="
OTHER = "lab.example.org-1:mB9FSh9qf2dCimDSUo8Zy7bkq5CUFl1UAlzaPLNs0RQ="
UPSTREAMS = (("nixos", "https://cache.nixos.org"), ("lab", "https://lab.example.org/a/b"))
ADDRESS = "http://cache.local"

SMALL = landing_page("http://127.0.0.1:8080", "local", UPSTREAMS[:1], (NIXOS,), "1.2.3")
LARGE = landing_page(ADDRESS, "lan", UPSTREAMS, (NIXOS, OTHER), "1.2.3")
PAGES = pytest.mark.parametrize("page", [SMALL, LARGE], ids=["local", "lan"])

VOID = {"meta", "link", "br", "path"}


class Outline(HTMLParser):
    """The elements of a page, the text of its code blocks, and whether all were closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.code: list[str] = []
        self.feed(page)
        self.close()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "code":
            self.code.append("")
        if tag not in VOID:
            self.open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    @override
    def handle_data(self, data: str) -> None:
        if "code" in self.open:
            self.code[-1] += data

    def count(self, tag: str) -> int:
        """Return how many elements of a kind there are."""
        return sum(name == tag for name, _ in self.elements)


@PAGES
def test_page_is_small_and_well_formed(page: str) -> None:
    """Every element is closed, and the whole is under 20 KB."""
    outline = Outline(page)

    assert outline.open == []
    assert len(page.encode()) < 20_000


@PAGES
def test_nothing_is_fetched_from_elsewhere(page: str) -> None:
    """A network may have no internet: only links of our own, and an icon in the page itself."""
    wanted = [
        value or ""
        for _, attributes in Outline(page).elements
        for name, value in attributes.items()
        if name in {"src", "href", "srcset", "action", "poster", "data"}
    ]

    assert [value for value in wanted if not value.startswith(("/", "data:image/svg+xml,"))] == []
    assert "//" not in "".join(value for value in wanted if value.startswith("/"))
    assert not re.search(r"@import|url\(", page)


@PAGES
def test_no_handler_or_style_stands_in_an_attribute(page: str) -> None:
    """The policy would not let it run."""
    names = {name for _, attributes in Outline(page).elements for name in attributes}

    assert not [name for name in names if name.startswith("on") or name == "style"]


@PAGES
def test_policy_allows_this_page_and_nothing_else(page: str) -> None:
    """The hashes are those of the style and the script, to the letter."""
    policy = dict(part.split(" ", 1) for part in content_security_policy(page).split("; "))

    for tag in ("style", "script"):
        texts = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in texts]
        assert digests
        assert policy.pop(f"{tag}-src") == " ".join(f"'sha256-{digest}'" for digest in digests)
    assert policy == {
        "default-src": "'none'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


def test_policy_can_stand_in_an_nginx_string() -> None:
    """No character of it means anything to nginx between double quotes."""
    assert not set(content_security_policy(LARGE)) & set('"$\\\n')


def test_policy_does_not_change_with_the_values() -> None:
    """What differs from cache to cache is text, never script or style."""
    assert content_security_policy(SMALL) == content_security_policy(LARGE)


def test_policy_of_a_page_without_script_allows_none() -> None:
    """An empty list of sources would be an error in the policy."""
    assert "script-src 'none'" in content_security_policy("<p>hello</p>")


@PAGES
def test_snippets_are_on_the_page_as_they_are_pasted(page: str) -> None:
    """Selecting a block by hand gives the same as `passthru snippet`."""
    address, keys = (
        (ADDRESS, (NIXOS, OTHER)) if page is LARGE else ("http://127.0.0.1:8080", (NIXOS,))
    )
    texts = snippets(address, keys)

    assert Outline(page).code[:5] == [
        address,
        *(texts[kind] for kind in ("nixos", "nix-conf", "flake", "command")),
    ]


def test_upstreams_are_listed_in_order() -> None:
    """Where the files come from is no secret."""
    assert Outline(LARGE).code[5:] == [url for _, url in UPSTREAMS]
    assert "asked in this order" in LARGE
    assert "asked in this order" not in SMALL


def test_trust_is_explained() -> None:
    """Without keys nobody new is trusted; with keys it is said whose."""
    assert "Nobody new." in SMALL
    assert "Nobody new." not in LARGE
    assert "The signers listed in the snippets" in LARGE
    assert OTHER in LARGE


@PAGES
def test_page_has_the_parts_that_readers_of_screens_go_by(page: str) -> None:
    """One heading of the first rank, a main part, labelled regions, a language."""
    outline = Outline(page)
    identifiers = {attributes.get("id") for _, attributes in outline.elements}

    assert (outline.count("h1"), outline.count("main")) == (1, 1)
    assert dict(outline.elements)["html"] == {"lang": "en"}
    for _, attributes in outline.elements:
        assert attributes.get("aria-labelledby") in identifiers | {None}
    for tag, attributes in outline.elements:
        if tag == "pre" and "tabindex" in attributes:
            assert attributes["role"] == "region"
            assert attributes["aria-labelledby"]


@PAGES
def test_buttons_come_with_the_script(page: str) -> None:
    """Without script there is no button that does nothing."""
    assert Outline(page).count("button") == 0


def test_values_are_escaped() -> None:
    """A spec's text is text, wherever it stands."""
    evil = '"><script>alert(1)</script>'
    page = landing_page(evil, "lan", ((evil, evil),), (f"k-1:{evil}",), evil)

    assert "<script>alert" not in page
    assert content_security_policy(page) == content_security_policy(SMALL)
    assert Outline(page).open == []


BLOCKS = re.findall(r":root[^{]*\{([^{}]*)\}", SMALL)
LIGHT, DARK, CHOSEN = map(palette, BLOCKS)


def test_palette_is_the_status_pages() -> None:
    """Who goes from the one to the other stays in the same light, chosen there or not."""
    style = asset("status.css")[0].decode()
    theirs = [palette(block) for block in re.findall(r":root[^{]*\{([^{}]*)\}", style)]

    assert [
        mine.items() - other.items()
        for mine, other in zip((LIGHT, DARK, CHOSEN), theirs, strict=True)
    ] == [set(), set(), set()]
    assert DARK == CHOSEN


@pytest.mark.parametrize(("status", "count"), [("/infra/cache", 2), (None, 0)])
def test_status_page_is_linked_where_there_is_one(status: str | None, count: int) -> None:
    """In the head and at the foot, by the path of the spec."""
    page = landing_page(ADDRESS, "lan", UPSTREAMS, (), "1.2.3", status=status)
    links = [attributes.get("href") for tag, attributes in Outline(page).elements if tag == "a"]

    assert links.count(status) == count
    assert len(links) == count + 2
    assert content_security_policy(page) == content_security_policy(SMALL)


def test_rendering_links_it() -> None:
    """With [status] as it is by default."""
    page = rendering_of("lan", "debian-12").files["pages/index.html"]

    assert 'href="/status"' in page


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "ground"),
        ("soft", "ground"),
        ("accent", "ground"),
        ("code", "panel"),
        ("faint", "panel"),
        ("on-accent", "accent"),
    ],
)
def test_text_can_be_read(theme: dict[str, str], text: str, ground: str) -> None:
    """Contrast is 4.5 to 1 or better, in both themes."""
    assert contrast(theme[text], theme[ground]) >= 4.5
