"""The reference page of the module's options, made by evaluating them: `python -m tests.nixos.options_page`."""

import json
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.checkout import ROOT
from tests.nix.clients import Nix, first_nix
from tests.nixos.machine import Place, evaluate

PAGE: Final = ROOT / "docs/reference/nixos-options.md"
HEAD: Final = """\
<!-- Made by `python -m tests.nixos.options_page`; change nixos/options.nix and nixos/settings.nix instead. -->

# NixOS options

All options of the module, in the order of the alphabet.
`settings` takes every key of the [spec](spec.md), those that are not listed here too.
How they are used: [NixOS](../how-to/nixos.md).
"""


def options(nix: Nix, folder: Path) -> list[dict[str, Any]]:
    """Return what is declared; nothing of the machine is in it."""
    nowhere = Place(folder=folder, passthru=Path("/passthru"), nginx=Path("/nginx"))
    found: list[dict[str, Any]] = evaluate(nix, nowhere, "{ }", "options")
    return sorted(found, key=lambda option: str(option["name"]))


def page(declared: Iterable[Mapping[str, Any]]) -> str:
    """Return the text of the page."""
    return HEAD + "".join(section(option) for option in declared)


def section(option: Mapping[str, Any]) -> str:
    """Return what there is to say of one option."""
    default = option.get("defaultText", option.get("default", "none: it has to be set"))
    facts = (
        ("type", option["type"]),
        (
            "default",
            "none: it has to be set" if default == "none: it has to be set" else code(default),
        ),
        ("example", code(option["example"])),
    )
    said = "\n".join(line.strip() for line in option["description"].strip().splitlines())
    return f"\n## `{option['name']}`\n\n{said}\n\n" + "".join(f"* {k}: {v}\n" for k, v in facts)


def code(value: object) -> str:
    """Return a value as Nix, in the marks of code."""
    text = nix_text(value)
    if "\n" not in text:
        return f"`{text}`"
    indented = "\n".join(f"  {line}" for line in text.splitlines())
    return f"\n\n  ```nix\n{indented}\n  ```"


def nix_text(value: object) -> str:
    """Write a value as Nix would."""
    match value:
        case {"_type": "literalExpression", "text": str(text)}:
            return text.rstrip("\n")
        case dict():
            inner = " ".join(f"{name} = {nix_text(v)};" for name, v in value.items())
            return f"{{ {inner} }}" if inner else "{ }"
        case list():
            return f"[ {' '.join(map(nix_text, value))} ]" if value else "[ ]"
        case _:
            return json.dumps(value)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        PAGE.write_text(page(options(first_nix(), Path(scratch))), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
