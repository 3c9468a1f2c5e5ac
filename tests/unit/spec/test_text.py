"""The one check that all strings of a spec pass."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passthru.spec.fault import BadValueError
from passthru.spec.text import LONGEST, check_text, shown

UNSEEN = "\n\r\t\0\x1b\x7f\x85\u200b\u2028\u202e\ufeff\ud800"


@pytest.mark.parametrize("character", list(f";{{}}$\"'`\\#{UNSEEN}"))
def test_what_nginx_could_read_is_refused(character: str) -> None:
    """No end of a word, a block or a line, no variable, and nothing that cannot be seen."""
    with pytest.raises(BadValueError, match="may not hold") as caught:
        check_text(f"a{character}b")
    assert caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "a b", "Büro %h", "https://u:p%3B@a.org:1/x?y=z&a", "日本"])
def test_plain_text_is_unchanged(text: str) -> None:
    """Everything else passes, in any script."""
    assert check_text(text) == text


def test_text_has_an_end() -> None:
    """The bound is in bytes, as nginx counts."""
    assert check_text("a" * LONGEST)
    with pytest.raises(BadValueError, match="longer than 1024 bytes"):
        check_text("é" * (LONGEST // 2 + 1))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("http://u:p;@a", "in a user name or password, write it as %3B"),
        ("https://a.org/#x", "a URL is written without its #fragment"),
        ("C:\\cache", "write paths with /"),
        ("$HOME/cache", "variables are not expanded"),
        ("Bob's", "write it without"),
        ("a\nb", "write it on one line"),
    ],
)
def test_the_hint_knows_what_the_text_is(text: str, hint: str) -> None:
    """The advice fits passwords, URLs, paths and all else."""
    with pytest.raises(BadValueError) as caught:
        check_text(text)
    assert caught.value.hint == hint


@settings(deadline=None)
@given(st.text(), st.text(max_size=80))
def test_what_is_shown_is_one_short_line(before: str, after: str) -> None:
    """An error shows no line break, no novel, and nothing before an @."""
    text = shown(f"hunter2{before}@{after}")
    assert len(text) <= 62
    assert len(text.splitlines()) == 1
    assert "hunter2" not in text
    assert text.encode()
