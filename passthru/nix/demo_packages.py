"""The packages of the demo: names that people know, contents that nobody needs."""

import hashlib
from typing import Final

from passthru.nix.binary_cache import BinaryCache, Compression, Package, make_cache
from passthru.nix.content_address import output_path, text_path
from passthru.nix.hashes import sha256
from passthru.nix.keys import SecretKey
from passthru.nix.nar_tree import Directory, File, Symlink
from passthru.nix.store_path import StorePath

KEY_NAME: Final = "passthru-demo-1"
TOP_NAME: Final = "demo-environment"
LARGE: Final = 2_000_000  # bytes of the one large file

# In an order in which each could be built from those before it; the second is the large one.
NAMES: Final = (
    "glibc-2.40-66",
    "icu4c-74.2",
    "bash-5.2p37",
    "zlib-1.3.1",
    "xz-5.6.3",
    "bzip2-1.0.8",
    "zstd-1.5.6",
    "openssl-3.3.3",
    "ncurses-6.4.20221231",
    "readline-8.2p13",
    "attr-2.5.2",
    "acl-2.3.2",
    "gmp-6.3.0",
    "coreutils-9.5",
    "findutils-4.10.0",
    "diffutils-3.10",
    "gnused-4.9",
    "gnugrep-3.11",
    "gawk-5.3.1",
    "gnutar-1.35",
    "gzip-1.13",
    "expat-2.6.4",
    "libffi-3.4.6",
    "sqlite-3.46.1",
    "pcre2-10.44",
    "libxml2-2.13.5",
    "brotli-1.1.0",
    "nghttp2-1.64.0",
    "libssh2-1.11.1",
    "curl-8.11.1",
    "perl-5.40.0",
    "python3-3.12.8",
    "git-2.47.2",
    "jq-1.7.1",
    "hello-2.12.1",
    "ripgrep-14.1.1",
    "tmux-3.5a",
    "vim-9.1.0905",
    "htop-3.3.0",
    "nginx-1.26.2",
)
OUTPUTS: Final = ("", "-dev", "-man", "-doc", "-lib", "-debug")
FEWEST_PATHS: Final = 3  # the first, the large one, the top
MOST_PATHS: Final = len(NAMES) * len(OUTPUTS) + 1


def demo_cache(seed: str | int = 1, *, paths: int = 36) -> BinaryCache:
    """Make a signed cache of `paths` store paths, always the same for a seed.

    Its key is no secret: it follows from the seed.
    """
    if not FEWEST_PATHS <= paths <= MOST_PATHS:
        raise ValueError(f"paths must be from {FEWEST_PATHS} to {MOST_PATHS}, not {paths}")
    names = [f"{name}{output}" for output in OUTPUTS for name in NAMES][: paths - 1]
    packages: list[Package] = []
    for place, name in enumerate(names):
        needed = _references(seed, name, packages[:place])
        packages.append(_package(seed, name, needed, size=LARGE if place == 1 else None))
    used = {path for package in packages for path in package.references}
    leaves = tuple(package.path for package in packages if package.path not in used)
    top = _package(seed, TOP_NAME, leaves, size=0)
    secret_key = SecretKey.from_seed(KEY_NAME, _digest(seed, "key"))
    return make_cache([*packages, top], top=top.path, secret_key=secret_key)


def _digest(seed: str | int, *labels: str, size: int = 32) -> bytes:
    """Give bytes that look random and follow from the seed and the labels."""
    return hashlib.shake_256("\n".join([str(seed), *labels]).encode()).digest(size)


def _references(seed: str | int, name: str, earlier: list[Package]) -> tuple[StorePath, ...]:
    """Choose the first and up to three others of the packages made before."""
    if not earlier:
        return ()
    chosen = {0, *(byte % len(earlier) for byte in _digest(seed, "references", name, size=3))}
    return tuple(earlier[place].path for place in sorted(chosen))


def _package(
    seed: str | int, name: str, references: tuple[StorePath, ...], *, size: int | None
) -> Package:
    """Make a package with a program of `size` bytes, or of some ten thousand."""
    inputs = _digest(seed, "inputs", name)
    path = output_path(name, sha256(inputs))
    deriver = text_path(f"{name}.drv", inputs)
    if size is None:
        size = 10_000 + int.from_bytes(inputs[:2], "big")
    program = name.partition("-")[0]
    needed = "".join(f"{reference.absolute()}\n" for reference in references)
    readme = f"{name}, made up for a demo: nothing in here is meant to run.\n" * 100
    tree = Directory(
        {
            "bin": Directory(
                {program: File(_digest(seed, "program", name, size=size), executable=True)}
            ),
            "nix-support": Directory({"propagated-build-inputs": File(needed.encode())}),
            "sbin": Symlink("bin"),
            "share": Directory({"doc": Directory({program: File(readme.encode())})}),
        }
    )
    return Package(
        path=path,
        tree=tree,
        references=references,
        deriver=deriver,
        log=f"unpacking sources\nbuilding {name}\nfixing up {path.absolute()}\n".encode(),
        compression=Compression.NONE if size >= LARGE or inputs[2] % 4 == 0 else Compression.XZ,
    )
