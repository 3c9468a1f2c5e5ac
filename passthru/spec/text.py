"""The text that a spec may hold: nothing that could end a word of nginx's configuration.

What is refused is never escaped instead: no value needs these characters, and a value that
holds one is a mistake or an attack.
"""

import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, Strict, WithJsonSchema

from passthru.spec.fault import BadValueError
from passthru.spec.kind import Kind

FORBIDDEN: Final = frozenset(";{}$\"'`\\#")
"""The characters that mean something to nginx, besides all that cannot be seen."""

LONGEST: Final = 1024
"""In bytes: nginx 1.22 refuses a word above 4096, and a line has more than one."""

_INVISIBLE: Final = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def is_forbidden(character: str) -> bool:
    """Tell whether no text of a spec may hold this character."""
    return character in FORBIDDEN or unicodedata.category(character) in _INVISIBLE


def check_text(text: str) -> str:
    """Return `text` unchanged; raise BadValueError for a character that could end a word."""
    for character in text:
        if not is_forbidden(character):
            continue
        if character in FORBIDDEN:
            raise BadValueError(f"may not hold {_quoted(character)}", _advise(character, text))
        if character in "\n\r":
            raise BadValueError("may not hold a line break", "write it on one line")
        raise BadValueError(
            f"may not hold the invisible character U+{ord(character):04X}", "type it again by hand"
        )
    if len(text.encode()) > LONGEST:
        raise BadValueError(f"is longer than {LONGEST} bytes", "write something shorter")
    return text


def shown(text: str) -> str:
    """Return `text` as an error may show it: quoted, short, one line, without credentials."""
    if "@" in text:
        text = f"…{text[text.rindex('@') :]}"
    text = "".join("·" if unicodedata.category(c) in _INVISIBLE else c for c in text)
    return f'"{text}"' if len(text) <= 60 else f'"{text[:59]}…"'  # noqa: PLR2004 (half a terminal)


def _advise(character: str, text: str) -> str:
    if "://" in text and "@" in text:
        return f"in a user name or password, write it as %{ord(character):02X}"
    if "://" in text and character == "#":
        return "a URL is written without its #fragment"
    if character == "\\":
        return "write paths with /"
    return "variables are not expanded" if character == "$" else "write it without"


def _quoted(character: str) -> str:
    return f"'{character}'" if character == '"' else f'"{character}"'


# JSON Schema speaks ECMA-262: the part of the rule that a short pattern can say.
_PATTERN: Final = r"""^[^;{}$"'`\\#\u0000-\u001f\u007f]*$"""

Text = Annotated[
    str,
    Strict(),
    AfterValidator(check_text),
    WithJsonSchema({"type": "string", "pattern": _PATTERN, "maxLength": LONGEST}),
    Kind("string"),
]
"""The one type under every string of a spec."""
