"""The order of the layers, read from the import statements."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.checkout import ROOT

LAYERS: Final = {
    "errors": 0,
    **dict.fromkeys(("nix", "inquiry"), 1),
    **dict.fromkeys(("spec", "cache", "sidecar"), 2),
    **dict.fromkeys(("nginx", "stats", "lan", "upstreams", "fills", "hot", "systemd"), 3),
    "cli": 4,
}
ABOVE_ALL: Final = {"__init__", "__main__"}


def imported_modules(path: Path) -> Iterator[str]:
    """Yield the dotted name of each import of a module, those inside functions too."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=module, level=level, names=names):
                base = package[: len(package) - level + 1] if level else ()
                start = ".".join((*base, *filter(None, [module])))
                yield from (f"{start}.{name.name}" for name in names)


def layer(module: str) -> str | None:
    """Return the layer of ours that a dotted name is in, or None for a stranger's."""
    match module.split("."):
        case ["passthru", name, *_] if name in LAYERS:
            return name
        case _:
            return None


def test_imports_go_downward() -> None:
    """A module imports its own layer and lower ones; equals do not know each other."""
    wrong = []
    for path in sorted((ROOT / "passthru").rglob("*.py")):
        own = path.relative_to(ROOT / "passthru").with_suffix("").parts[0]
        if own in ABOVE_ALL:
            continue
        assert own in LAYERS, f"{own} has no place in the order of layers"
        for module in imported_modules(path):
            other = layer(module)
            if other and other != own and LAYERS[other] >= LAYERS[own]:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")

    assert wrong == []


def test_only_the_edges_import_heavy_libraries() -> None:
    """Pure layers stay importable in a moment: no template engine or web server in nix or spec."""
    heavy = {"jinja2", "click", "starlette", "uvicorn", "zeroconf", "prometheus_client"}
    found = [
        f"{path.relative_to(ROOT)} imports {module}"
        for name in ("nix", "spec")
        for path in sorted((ROOT / "passthru" / name).rglob("*.py"))
        for module in imported_modules(path)
        if module.split(".")[0] in heavy
    ]

    assert found == []
