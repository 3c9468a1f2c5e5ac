"""What is left of a spec's data when the values that are wrong alone are taken out."""

from collections.abc import Iterable
from typing import Any, Final

from passthru.spec.notation import Location

_FILE: Final = "/nonexistent/passthru"
_URL: Final = "http://nowhere.invalid"


def without(data: dict[str, Any], bad: Iterable[Location]) -> dict[str, Any]:
    """Return a copy of `data` that lacks the values at the places `bad`.

    What a table cannot lack is replaced by a value that conflicts with nothing.
    """
    copy = {key: _copy(value) for key, value in data.items()}
    for at in bad:
        match at:
            case ("upstreams", int(index), *rest):
                copy["upstreams"][index] = _spoil(copy["upstreams"][index], rest)
            case (str(key),):
                copy.pop(key, None)
            case (str(table), str(key), *_):
                copy[table].pop(key, None)
                if table == "tls":
                    copy[table] = {"certificate": _FILE, "certificate_key": _FILE} | copy[table]
    return copy


def _spoil(upstream: object, rest: list[str | int]) -> dict[str, Any]:
    if not isinstance(upstream, dict) or not rest:
        return {"url": _URL}
    return {"url": _URL} | {key: value for key, value in upstream.items() if key != rest[0]}


def _copy(value: Any) -> Any:  # noqa: ANN401 (whatever TOML and JSON can hold)
    """Copy as deep as a spec goes: a table, or a list of tables."""
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list):
        return [dict(item) if isinstance(item, dict) else item for item in value]
    return value
