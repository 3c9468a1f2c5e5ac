"""Foreign text in our own messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passthru.nix.excerpt import excerpt


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_always_one_short_printable_line(value: str | bytes) -> None:
    """Whatever comes in, a terminal and a log get one line of plain ASCII."""
    shown = excerpt(value)

    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) < 60


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", '"plain"'),
        ('a"b', '"a\\"b"'),
        ("a\nb\x1b[1m", '"a\\nb\\u001b[1m"'),
        (b"\xff", '"\\ufffd"'),
        ("a" * 48, '"' + "a" * 48 + '"'),
        ("a" * 49, '"' + "a" * 48 + '"...'),
        ("a\x7fb", '"a\\u007fb"'),
        ("\udc80", '"\\udc80"'),
    ],
)
def test_quoting(value: str | bytes, expected: str) -> None:
    """Short text is shown whole, in double quotes; long text says that it goes on."""
    assert excerpt(value) == expected
