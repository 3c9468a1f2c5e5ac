"""Public keys."""

from base64 import b64encode

import pytest

from passthru.spec.fault import BadValueError
from passthru.spec.key import check_public_key
from passthru.spec.upstream import DEFAULT_KEY


def test_the_default_key_is_one() -> None:
    """The key of cache.nixos.org passes its own check."""
    assert check_public_key(DEFAULT_KEY) == DEFAULT_KEY


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (b64encode(bytes(32)).decode(), "no name"),
        (f":{b64encode(bytes(32)).decode()}", "name of other characters"),
        (f"a b:{b64encode(bytes(32)).decode()}", "name of other characters"),
        ("a:…", "not base 64"),
        ("a:!!!!", "not base 64"),
        ("a:AAA", "not base 64"),
        ("a:", "0 bytes"),
        (f"a:{b64encode(bytes(31)).decode()}", "31 bytes"),
        (f"a:{b64encode(bytes(32)).decode()[:-2]}B=", "32 bytes"),  # bits after the last byte
        (f"a:{b64encode(bytes(64)).decode()}", "secret key"),
    ],
)
def test_other_text_is_no_key(key: str, words: str) -> None:
    """A key is `name:` and the base 64 of exactly 32 bytes; no error shows it."""
    with pytest.raises(BadValueError, match=words) as caught:
        check_public_key(key)
    assert "AAAAAAAA" not in f"{caught.value}{caught.value.hint}"
