"""Keys that a spec does not have, and those that were meant."""

import re
from difflib import get_close_matches

from passthru.spec.notation import Location, Notation
from passthru.spec.outline import list_sections, table_at

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LONGEST = 64


def explain_unknown(at: Location, notation: Notation) -> tuple[str, str]:
    """Return message and hint for the key at this place, which its table does not know."""
    key = str(at[-1])
    table = table_at(at[:-1])
    known = list(table.model_fields) if table else []
    if len(key) > _LONGEST:
        return "is not a key of a spec", _list(known)
    meant = _CAMEL.sub("_", key).replace("-", "_").lower()
    if meant in known:
        return "is not a key here", f"write {meant}"
    homes = [section.path for section in list_sections() if meant in section.table.model_fields]
    if homes:
        places = " or ".join(notation.name_table(path) for path in homes)
        return "is not a key here", f"write {meant} {places}"
    if near := get_close_matches(meant, known, n=1):
        return "is not a key here", f"write {near[0]}"
    for section in list_sections():
        if near := get_close_matches(meant, section.table.model_fields, n=1, cutoff=0.8):
            return "is not a key here", f"write {near[0]} {notation.name_table(section.path)}"
    return "is not a key here", _list(known)


def _list(known: list[str]) -> str:
    return f"known here: {', '.join(known)}"
