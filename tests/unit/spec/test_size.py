"""Sizes as they are written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passthru.spec.fault import BadValueError
from passthru.spec.size import LARGEST, format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1024", 1024),
        ("512B", 512),
        ("1K", 1 << 10),
        ("64M", 64 << 20),
        ("64m", 64 << 20),
        ("64MB", 64 << 20),
        ("64MiB", 64 << 20),
        ("200G", 200 << 30),
        (" 200 GiB ", 200 << 30),
        ("3T", 3 << 40),
        ("1048576T", LARGEST),
    ],
)
def test_sizes_are_read(text: str, size: int) -> None:
    """A unit is a power of 1024, whatever its case and ending; no unit is bytes."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "G",
        "200X",
        "200 G B",
        "-1",
        "+1",
        "1e3",
        "1_000",
        "200GiBB",
        "0x10",
        "٣G",
        "1\n",
        "1 000",
    ],
)
def test_other_text_is_no_size(text: str) -> None:
    """What is not a whole number with a unit is refused with an example."""
    with pytest.raises(BadValueError, match="is not a size") as caught:
        parse_size(text)
    assert caught.value.hint == 'write a whole number and K, M, G or T, such as "200G"'


@pytest.mark.parametrize(
    ("text", "meant"), [("1.5T", "1536G"), ("0.5 GiB", "512M"), ("2.25K", "2304")]
)
def test_a_fraction_is_told_as_whole_number(text: str, meant: str) -> None:
    """The hint for a fraction is the same size in a smaller unit."""
    with pytest.raises(BadValueError) as caught:
        parse_size(text)
    assert caught.value.hint == f'sizes are whole numbers: write "{meant}"'


def test_sizes_beyond_nginx_are_refused() -> None:
    """Nothing that overflows nginx's signed 64 bits gets through."""
    with pytest.raises(BadValueError, match="above 1048576T"):
        parse_size("1048577T")


@settings(deadline=None)
@given(st.integers(0, LARGEST))
def test_formatted_sizes_read_back(size: int) -> None:
    """Formatting loses nothing."""
    assert parse_size(format_size(size)) == size


@settings(deadline=None)
@given(st.text(max_size=20))
def test_any_text_is_a_size_or_refused(text: str) -> None:
    """No text makes anything but a size within bounds or a BadValueError."""
    try:
        size = parse_size(text)
    except BadValueError as error:
        assert error.hint  # noqa: PT017 (both outcomes are right)
    else:
        assert 0 <= size <= LARGEST
