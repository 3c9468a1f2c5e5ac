"""Texts and addresses of strangers, made fit to be shown."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passthru.stats.stranger import LONGEST, plain, safe_link
from tests.stats.snapshots import STRANGE


@given(st.text())
def test_nothing_hides_reverses_or_commands(text: str) -> None:
    """One bounded line without controls, bidi marks, surrogates or heaps of accents."""
    shown = plain(text)

    assert len(shown) <= LONGEST
    categories = [unicodedata.category(character) for character in shown]
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & set(categories)
    assert "MnMnMn" not in "".join(categories)


def test_ordinary_text_stays() -> None:
    """Also when it is not English."""
    for text in ("firefox-135.0", "Кэш на чердаке", "Zwischenspeicher für alle", "キャッシュ", ""):
        assert plain(text) == text


def test_what_was_cut_is_marked() -> None:
    """Long texts end in an ellipsis, however many of their characters were invisible."""
    assert plain("a" * 9, 9) == "a" * 9
    assert plain("a" * 10, 9) == "a" * 8 + "…"
    assert plain("a" + "\u0301" * 10_000, 9).endswith("…")


def test_strange_text_shows_its_tricks() -> None:
    """Each hidden character leaves a mark."""
    assert plain(STRANGE).count("\ufffd") == 5
    assert plain("a\nb\u2028c\u00a0d") == "a\ufffdb\ufffdc d"


@pytest.mark.parametrize(
    "url",
    [
        "http://cache.local",
        "https://lab.example.org:8443/a/b?c=d",
        "http://192.0.2.7:8080",
        "http://[fe80::1]:80/",
    ],
)
def test_links_of_the_web_may_be_followed(url: str) -> None:
    """They come back as they are."""
    assert safe_link(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "cache.local",
        "/status",
        "//evil.example",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "http://",
        "http:///x",
        "http://cache.local@evil.example/",
        "http://cache.local\u202e/",
        "http://c\u0430che.local/",
        "http://a b/",
        'http://a/"onmouseover=alert(1)',
        "http://a\\@b/",
        "http://a:99999/",
        "http://a:b/",
        "http://[::1",
        "http://a/" + "x" * 300,
    ],
)
def test_other_addresses_are_text_only(url: str) -> None:
    """Nothing that runs, wears a mask or has no end is a link."""
    assert safe_link(url) is None


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    """What comes back is a web address, or nothing does."""
    link = safe_link(text)

    assert link is None or link.lower().startswith(("http://", "https://"))
