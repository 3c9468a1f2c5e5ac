"""Text to plain values, and what is wrong with text that is neither TOML nor JSON."""

import json
import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from passthru.errors import Problem
from passthru.spec.notation import Location, Notation

WIDTH: Final = 72
"""How much of an offending line is shown."""

_PLACE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_PAIR: Final = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*([=:])\s*([^\[{#\s][^#]*?)\s*(?:#.*)?")
# tomllib takes time by the square of a dotted key's parts: minutes for a file of our largest size.
_DEEP_KEY: Final = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){100}""", re.ASCII
)
_SECRET: Final = re.compile(
    r"@|proxy|pass|secret|token|credential|key|://[^/\s]*:(?![0-9])", re.IGNORECASE
)
_WORDS: Final = {"true": "true", "yes": "true", "on": "true"} | dict.fromkeys(
    ("false", "no", "off"), "false"
)

_TOO_DEEP: Final = Problem("", "is nested too deeply", "a spec is two tables deep")

# The beginnings of the parsers' own messages, what they mean here, and what to write. A hint that
# is None is made from the line.
_TOML: Final = (
    ("Invalid value", "has a value that is not TOML", None),
    ("Expected newline or end of document", "has something after its value", None),
    ("Expected '=' after a key", 'has no "=" after its key', None),
    ("Cannot overwrite a value", "repeats a key", "keep one of the two"),
    ("Duplicate inline table key", "repeats a key", "keep one of the two"),
    (
        "Cannot declare",
        "repeats a table",
        "keep its keys under one heading; only [[upstreams]] repeats",
    ),
    ("Cannot", "repeats a table", "keep its keys under one heading; only [[upstreams]] repeats"),
    (
        "Expected ']' at the end of a table",
        "has a heading that is not closed",
        "write ] at its end",
    ),
    ("Expected ']]'", "has a heading that is not closed", "write ]] at its end"),
    ("Unclosed array", "has an array that is not closed", "write ] at its end, and commas between"),
    ("Unclosed inline table", "has a table that is not closed", "write } at its end"),
    ("Invalid initial character", "does not begin with a key", 'write lines such as mode = "lan"'),
    ("Illegal character '\\n'", "has a string that is not closed", 'write " at its end'),
    ("Unterminated string", "has a string that is not closed", 'write " at its end'),
    ('Expected "', "has a string that is not closed", "close it with the quotes it begins with"),
    ("Unescaped", "has a lone backslash", "write paths with /"),
    ("Illegal character", "has a character that TOML does not allow", "remove it"),
    ("Found invalid character", "has a character that TOML does not allow", "remove it"),
)
_JSON: Final = (
    ("Expecting property name", "has a key without double quotes, or a comma too many",
     'write keys as "mode"; JSON has no comments, and no comma after the last value'),
    ("Illegal trailing comma", "has a comma too many", "remove the comma before the bracket"),
    ("Expecting value", "has no value, or one without double quotes", 'write it as "mode": "lan"'),
    ("Expecting ',' delimiter", "has no comma before this", "write a comma between two values"),
    ("Expecting ':' delimiter", "has no colon after its key", 'write it as "mode": "lan"'),
    ("Extra data", "goes on after the end", "remove what stands after the last brace"),
    ("Unterminated string", "has a string that is not closed", 'write " at its end'),
    ("Invalid control character", "has a string that is not closed", 'write " at its end'),
    ("Invalid \\", "has a lone backslash", "write paths with /"),
)  # fmt: skip


class MalformedError(ValueError):
    """Text that is not in its notation."""

    def __init__(self, problem: Problem) -> None:
        """Hold what is wrong and where."""
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Parsed:
    """Plain values, and the places of keys that stand twice in an object of JSON."""

    data: object
    repeats: tuple[Location, ...] = ()


def parse_text(text: str, notation: Notation) -> Parsed:
    """Return the values of a text; raise MalformedError for text that is not in this notation."""
    if notation is Notation.TOML and _DEEP_KEY.search(text):
        raise MalformedError(_TOO_DEEP)
    try:
        return Parsed(tomllib.loads(text)) if notation is Notation.TOML else _parse_json(text)
    except tomllib.TOMLDecodeError as error:
        raise MalformedError(_explain_toml(text, str(error))) from None
    except json.JSONDecodeError as error:
        raise MalformedError(
            _explain(text, error.lineno, error.colno, error.msg, Notation.JSON)
        ) from None
    except RecursionError:
        raise MalformedError(_TOO_DEEP) from None
    except ValueError:  # Python's limit on the digits of an integer; neither parser says where
        problem = Problem("", "holds a number of thousands of digits", "write a smaller number")
        raise MalformedError(problem) from None


def _parse_json(text: str) -> Parsed:
    doubled: dict[int, list[str]] = {}
    keep: list[dict[str, Any]] = []  # alive, so that no id is used again

    def make(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) < len(pairs):
            times = Counter(key for key, _ in pairs)
            doubled[id(table)] = [key for key, count in times.items() if count > 1]
            keep.append(table)
        return table

    data = json.loads(text, object_pairs_hook=make) if text.strip() else {}
    return Parsed(data, tuple(_locate(data, doubled)) if doubled else ())


def _locate(data: object, doubled: dict[int, list[str]]) -> list[Location]:
    """Return where the doubled keys are; walks without recursion, for depth is the writer's choice."""
    found: list[Location] = []
    ahead: list[tuple[Location, object]] = [((), data)]
    while ahead:
        at, value = ahead.pop()
        if isinstance(value, dict):
            found += [(*at, key) for key in doubled.get(id(value), ())]
            ahead += [((*at, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            ahead += [((*at, index), item) for index, item in enumerate(value)]
    return found


def _explain_toml(text: str, message: str) -> Problem:
    place = _PLACE.search(message)
    if place is None or place[1] is None:
        lines = text.rstrip().split("\n")
        return _explain(text, len(lines), len(lines[-1]) + 1, message, Notation.TOML)
    return _explain(text, int(place[1]), int(place[2]), message, Notation.TOML)


def _explain(text: str, line: int, column: int, message: str, notation: Notation) -> Problem:
    lines = text.split("\n")
    source = lines[line - 1] if line <= len(lines) else ""
    meaning, hint = next(
        (
            (meaning, hint)
            for start, meaning, hint in (_TOML if notation is Notation.TOML else _JSON)
            if message.startswith(start)
        ),
        (f"is not {notation}", f"write lines such as {notation.write('mode', 'lan')}"),
    )
    excerpt = _excerpt(source, column)
    return Problem(
        f"line {line}, column {column}",
        f"{meaning}: {excerpt}" if excerpt else meaning,
        _rewrite(source) if hint is None else hint,
    )


def _rewrite(line: str) -> str:
    """Return what to write for a line of TOML whose value lacks its quotes."""
    pair = _PAIR.fullmatch(line)
    if pair is None:
        return 'write it as key = "value"'
    key, sign, value = pair.groups()
    if sign == "=" and value[0] in "\"'":
        return "write one value in a line"
    if _SECRET.search(line):
        return f'write it as {key} = "…"'
    return f"write it as {key} = {_WORDS.get(value.lower(), _quote(value))}"


def _quote(value: str) -> str:
    if value.isdecimal() or (len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"):
        return value
    return json.dumps(value[:WIDTH], ensure_ascii=False)


def _excerpt(line: str, column: int) -> str:
    """Return the part of a line about `column`; of a line that may hold a secret, only its key."""
    if _SECRET.search(line):
        key, sign, _ = line.partition("=" if "=" in line else ":")
        line = f"{key}{sign} …" if sign and len(key) < WIDTH and "@" not in key else ""
    elif len(line) > WIDTH:
        start = max(0, min(column - WIDTH // 2, len(line) - WIDTH))
        line = f"…{line[start : start + WIDTH]}…"
    return "".join(c if c.isprintable() else " " for c in line).strip()
