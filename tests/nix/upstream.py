"""A real, signed binary cache, made offline by a real Nix: the upstream of these tests."""

import json
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from tests.debian import cache_directory, locked
from tests.nix.clients import Client, Nix

GRAPH: Final = Path(__file__).with_name("graph.nix")
KEY_NAME: Final = "upstream-1"

# As cache.nixos.org has it.
CACHE_INFO: Final = "StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\n"

# A store below another root is always built in a sandbox: it is lent this machine's own tools.
BUILD: Final = (
    *("--option", "sandbox", "true"),
    *("--option", "sandbox-paths", "/bin /usr /lib /lib64"),
    *("--option", "substitute", "false"),
)


@dataclass(frozen=True, slots=True)
class Upstream:
    """A folder laid out as a binary cache, and what is in it."""

    folder: Path
    public_key: str
    secret_key_file: Path
    top: str
    """The store path whose closure is all 54 paths."""
    paths: frozenset[str]
    """The closure of `top`."""
    floating: str
    """A content-addressed store path, with a realisation."""

    def narinfo(self, path: str) -> str:
        """Return the request path of a store path's narinfo."""
        return f"/{Path(path).name[:32]}.narinfo"

    def narinfo_field(self, path: str, name: str) -> str:
        """Return one field of a store path's narinfo, `URL` for instance."""
        text = (self.folder / self.narinfo(path)[1:]).read_text(encoding="utf-8")
        fields = dict(line.split(": ", 1) for line in text.splitlines())
        return fields[name]

    def nar(self, path: str) -> str:
        """Return the request path of a store path's NAR."""
        return f"/{self.narinfo_field(path, 'URL')}"

    def named(self, name: str) -> str:
        """Return the store path of the derivation `name`."""
        (found,) = (path for path in self.paths if Path(path).name[33:] == name)
        return found

    def below(self, directory: str) -> tuple[str, ...]:
        """Return the request paths of all files in a directory of the cache."""
        return tuple(f"/{directory}/{p.name}" for p in sorted((self.folder / directory).iterdir()))


def make_upstream(nix: Nix) -> Upstream:
    """Return the cache that `nix` makes of the graph, built once for all workers and runs."""
    recipe = GRAPH.read_bytes() + Path(__file__).read_bytes() + nix.version.encode()
    final = cache_directory() / f"upstream-{nix.version}-{sha256(recipe).hexdigest()[:12]}"
    with locked(final):
        if not final.is_dir():
            with tempfile.TemporaryDirectory(prefix=f"{final.name}.", dir=final.parent) as work:
                made = Path(work) / "made"
                made.mkdir()
                _make(Client(nix=nix, folder=Path(work) / "builder"), made)
                made.rename(final)
    facts = json.loads((final / "facts.json").read_text(encoding="utf-8"))
    return Upstream(
        folder=final / "cache",
        public_key=(final / "public").read_text(encoding="utf-8").strip(),
        secret_key_file=final / "secret",
        top=facts["top"],
        paths=frozenset(facts["paths"]),
        floating=facts["floating"],
    )


def _make(builder: Client, made: Path) -> None:
    builder.folder.mkdir()
    hook = builder.nix.without_hook
    stored = ("--store", builder.store)

    def build(attribute: str) -> str:
        arguments = ("--attr", attribute, "--no-out-link", *stored, *BUILD, *hook)
        return builder.succeed("nix-build", GRAPH, *arguments).strip()

    top, floating = build("top"), build("floating")
    keys = (KEY_NAME, made / "secret", made / "public")
    builder.succeed("nix-store", *stored, "--generate-binary-cache-key", *keys)
    target = f"file://{made}/cache?compression=zstd&secret-key={made}/secret&write-nar-listing=true"
    builder.succeed("nix", "copy", *stored, "--to", target, top)
    builder.succeed("nix", "copy", *stored, *hook, "--to", target, "--file", GRAPH, "floating")
    paths = builder.succeed("nix", "path-info", *stored, "--recursive", top).split()
    (made / "cache/nix-cache-info").write_text(CACHE_INFO, encoding="utf-8")
    talked = [path for path in paths if "-node-" in path]
    builder.succeed("nix", "store", "copy-log", *stored, "--to", f"file://{made}/cache", *talked)
    facts = {"top": top, "paths": sorted(paths), "floating": floating}
    (made / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
