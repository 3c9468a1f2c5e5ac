"""The formats against a real nix: what we make it takes, what it makes we read."""

import contextlib
import functools
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typing_extensions import override

from passthru.errors import FormatError
from passthru.nix import (
    STORE_DIR,
    BinaryCache,
    Compression,
    ContentAddress,
    Directory,
    File,
    IngestionMethod,
    Package,
    PublicKey,
    SecretKey,
    StorePath,
    Symlink,
    demo_cache,
    fixed_output_path,
    is_content_addressed,
    make_cache,
    make_listing,
    nar_bytes,
    nar_digest,
    output_path,
    parse_cache_info,
    parse_nar,
    parse_narinfo,
    path_chunks,
    read_nar,
    sha256,
    text_path,
    verify_narinfo,
)

pytestmark = [
    pytest.mark.nix,
    pytest.mark.skipif(
        shutil.which("nix") is None or shutil.which("nix-store") is None,
        reason="needs nix and nix-store on PATH (Debian: apt-get install nix-bin)",
    ),
]

KEY = SecretKey.from_seed("formats-1", b"f" * 32)
OTHER = SecretKey.from_seed("formats-1", b"g" * 32)


@dataclass(frozen=True, slots=True)
class Nix:
    """The real client, with a home and settings of its own and no cache but those named."""

    home: Path

    def run(self, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Run a command of nix; its output is bytes."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("NIX_") and name != "XDG_CACHE_HOME"
        }
        environment |= {"HOME": str(self.home), "NIX_CONF_DIR": str(self.home)}
        done = subprocess.run(
            [*map(str, arguments)], env=environment, capture_output=True, timeout=60, check=False
        )
        if check:
            assert done.returncode == 0, done.stderr.decode()
        return done

    def nix(self, *arguments: str | Path) -> bytes:
        """Run the new command line and give its output."""
        return self.run("nix", "--extra-experimental-features", "nix-command", *arguments).stdout

    def realise(
        self, cache: BinaryCache, url: str, store: Path, *, trust: PublicKey
    ) -> subprocess.CompletedProcess[bytes]:
        """Substitute the top of a cache into a store, checking signatures."""
        return self.run(
            *("nix-store", "--store", store, "--realise", cache.top.absolute()),
            *("--option", "substituters", url),
            *("--option", "trusted-public-keys", str(trust)),
            *("--option", "require-sigs", "true"),
            check=False,
        )


@pytest.fixture(name="nix")
def nix_fixture(tmp_path: Path) -> Nix:
    """Give a client that has seen nothing yet."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "nix.conf").write_text("substituters =\nconnect-timeout = 5\nbuild-users-group =\n")
    return Nix(home)


class Handler(BaseHTTPRequestHandler):
    """Gives the files it was made with."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def __init__(self, files: Mapping[str, bytes], *rest: object) -> None:
        """Remember the files; the rest is the server's."""
        self.files = files
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer with a file, or 404."""
        body = self.files.get(self.path.removeprefix("/"))
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body or b"")

    def do_HEAD(self) -> None:
        """Answer without the file."""
        self.do_GET()

    @override
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(files: Mapping[str, bytes]) -> Iterator[str]:
    """Serve files on a free port of loopback; give the URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, files))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def put_odd_tree(path: Path) -> None:
    """Write a tree with all that is easily got wrong."""
    (path / "empty").mkdir(parents=True)
    (path / "deep/er/and/deeper").mkdir(parents=True)
    (path / "deep/er/and/deeper/x").write_bytes(b"")
    for size in (1, 7, 8, 9, 65535, 65536, 65537, 200_001):
        (path / f"{size}").write_bytes(b"x" * size)
    for name in (
        b"Z",
        b"a",
        b"a-b",
        b"a.b",
        b"\xc3\xa9",
        b"\xff",
        b"\x80",
        b" ",
        b"\n",
        b"~",
        b"caf\xe9",
    ):
        (path / os.fsdecode(name)).write_bytes(name)
    (path / "run").write_bytes(b"#!/bin/sh\n")
    (path / "run").chmod(0o755)
    (path / "group").write_bytes(b"")
    (path / "group").chmod(0o654)
    (path / "dangling").symlink_to("./nowhere//at/../all/")
    (path / "link").symlink_to("run")


def test_nar_of_a_directory(nix: Nix, tmp_path: Path) -> None:
    """Our NAR of an odd tree is nix's, byte for byte, and so is its hash."""
    tree = tmp_path / "tree"
    put_odd_tree(tree)
    dumped = nix.run("nix-store", "--dump", tree).stdout

    assert b"".join(path_chunks(tree)) == dumped
    assert nix.nix("nar", "dump-path", tree) == dumped
    digest = nar_digest(path_chunks(tree))
    hashed = nix.run("nix-hash", "--type", "sha256", "--base32", tree).stdout
    assert digest.hash.nix32 == hashed.decode().strip()
    assert digest.size == len(dumped)
    assert nar_bytes(parse_nar(dumped)) == dumped


@pytest.mark.parametrize("mode", [0o644, 0o755])
def test_nar_of_a_file(nix: Nix, tmp_path: Path, mode: int) -> None:
    """A single file, executable or not, has nix's NAR too."""
    path = tmp_path / "file"
    path.write_bytes(b"hello\n")
    path.chmod(mode)

    assert b"".join(path_chunks(path)) == nix.run("nix-store", "--dump", path).stdout


def test_nar_is_restored(nix: Nix, tmp_path: Path) -> None:
    """Nix unpacks a NAR made in memory into the tree that it was made from."""
    tree = Directory(
        {"d": Directory({"\u00e9": File(b"x" * 9, executable=True)}), "l": Symlink("d")}
    )
    (tmp_path / "t.nar").write_bytes(nar_bytes(tree))
    script = 'nix-store --restore "$1" < "$2"'

    nix.run("sh", "-c", script, "sh", tmp_path / "out", tmp_path / "t.nar")

    assert b"".join(path_chunks(tmp_path / "out")) == nar_bytes(tree)


BROKEN_NARS = {
    "order": nar_bytes(Directory({"a": File(b""), "b": File(b"")})).replace(b"b\0\0", b"a\0\0"),
    "slash": nar_bytes(Directory({"ab": File(b"")})).replace(b"ab\0", b"a/\0"),
    "dots": nar_bytes(Directory({"ab": File(b"")})).replace(b"ab\0", b"..\0"),
    "padding": nar_bytes(File(b"hi")).replace(b"hi\0", b"hi\1"),
    "type": nar_bytes(File(b"hi")).replace(b"regular", b"regulas"),
    "cut": nar_bytes(File(b"hi"))[:-8],
    "magic": nar_bytes(File(b"hi")).replace(b"archive-1", b"archive-2"),
}


@pytest.mark.parametrize("name", BROKEN_NARS)
def test_broken_nars(nix: Nix, tmp_path: Path, name: str) -> None:
    """What nix refuses to unpack, we refuse to read."""
    (tmp_path / "t.nar").write_bytes(BROKEN_NARS[name])
    script = 'nix-store --restore "$1" < "$2"'

    done = nix.run("sh", "-c", script, "sh", tmp_path / "out", tmp_path / "t.nar", check=False)

    assert done.returncode != 0
    with pytest.raises(FormatError):
        parse_nar(BROKEN_NARS[name])


def test_listing(nix: Nix, tmp_path: Path) -> None:
    """Our listing holds what `nix nar ls` says."""
    tree = Directory(
        {"a": Directory({"b": File(b"hi", executable=True)}), "e": File(b""), "l": Symlink("x")}
    )
    path = tmp_path / "t.nar"
    path.write_bytes(nar_bytes(tree))
    theirs = json.loads(nix.nix("nar", "ls", "--json", "--recursive", path, "/"))
    with path.open("rb") as stream:
        ours = json.loads(make_listing(read_nar(stream)))

    assert ours == {"version": 1, "root": theirs}


def test_keys(nix: Nix, tmp_path: Path) -> None:
    """A key pair made by nix is read and printed back; the public half follows from the secret."""
    secret, public = tmp_path / "secret", tmp_path / "public"

    nix.run("nix-store", "--generate-binary-cache-key", "real-1", secret, public)

    key = SecretKey.parse(secret.read_text())
    assert key.to_text() == secret.read_text().strip()
    assert str(key.public_key) == public.read_text().strip()


@pytest.mark.parametrize(
    ("method", "flags"), [(IngestionMethod.RECURSIVE, ["--recursive"]), (IngestionMethod.FLAT, [])]
)
def test_fixed_output_paths(nix: Nix, method: IngestionMethod, flags: list[str]) -> None:
    """Fixed-output paths are those of `nix-store --print-fixed-path`."""
    value = sha256(b"source")

    printed = nix.run("nix-store", "--print-fixed-path", *flags, "sha256", value.hex, "src").stdout

    path = fixed_output_path("src", ContentAddress(method, value))
    assert path.absolute() == printed.decode().strip()


def test_text_paths(nix: Nix, tmp_path: Path) -> None:
    """Text paths, with and without a reference, are those of `builtins.toFile`."""
    expression = 'let a = builtins.toFile "a" "one"; in [ a (builtins.toFile "b" "see ${a}") ]'

    output = nix.run(
        *("nix-instantiate", "--store", tmp_path / "store", "--eval", "--strict", "--json"),
        *("-E", expression),
    ).stdout

    one = text_path("a", b"one")
    two = text_path("b", f"see {one.absolute()}".encode(), references=[one])
    assert json.loads(output) == [one.absolute(), two.absolute()]


def small_cache(key: SecretKey, compression: Compression) -> BinaryCache:
    """Make a cache of two paths, the second needing the first."""
    library = Package(
        path=output_path("library-1.0", sha256(b"library")),
        tree=Directory({"lib": Directory({"a": File(b"x" * 5000)})}),
        compression=compression,
    )
    path = output_path("program-1.0", sha256(b"program"))
    text = f"#!{path.absolute()}/sh\n{library.path.absolute()}\n".encode()
    program = Package(
        path=path,
        tree=Directory({"run": File(text, executable=True), "link": Symlink("run")}),
        references=(library.path, path),
        deriver=text_path("program-1.0.drv", b"program"),
        compression=compression,
    )
    return make_cache([library, program], top=path, secret_key=key)


@pytest.mark.parametrize("compression", Compression)
def test_substitution(nix: Nix, tmp_path: Path, compression: Compression) -> None:
    """Nix substitutes a closure made here, checking signatures, and finds nothing wrong with it."""
    cache = small_cache(KEY, compression)
    store = tmp_path / "store"

    with serving(cache.files) as url:
        done = nix.realise(cache, url, store, trust=KEY.public_key)

    assert done.returncode == 0, done.stderr.decode()
    for path in cache.paths:
        info = parse_narinfo(cache.files[f"{path.hash}.narinfo"])
        real = Path(f"{store}{path.absolute()}")
        assert nar_digest(path_chunks(real)).hash == info.nar_hash
    nix.run("nix-store", "--store", store, "--verify", "--check-contents")
    query = nix.run("nix-store", "--store", store, "--query", "--requisites", cache.top.absolute())
    assert sorted(query.stdout.decode().split()) == sorted(p.absolute() for p in cache.paths)


def test_substitution_of_the_demo(nix: Nix, tmp_path: Path) -> None:
    """The whole cache of the demo is a closure that nix takes."""
    cache = demo_cache()
    store = tmp_path / "store"

    with serving(cache.files) as url:
        done = nix.realise(cache, url, store, trust=cache.public_key)

    assert done.returncode == 0, done.stderr.decode()
    assert sorted(p.name for p in (store / STORE_DIR[1:]).iterdir() if p.name[0] != ".") == sorted(
        map(str, cache.paths)
    )


def test_a_wrong_key_is_refused(nix: Nix, tmp_path: Path) -> None:
    """The check is on: a cache signed by another key of the same name is refused."""
    cache = small_cache(OTHER, Compression.NONE)

    with serving(cache.files) as url:
        done = nix.realise(cache, url, tmp_path / "store", trust=KEY.public_key)

    assert done.returncode != 0
    assert b"trusted-public-keys" in done.stderr


def test_a_changed_nar_is_refused(nix: Nix, tmp_path: Path) -> None:
    """The hash is checked too: one byte changed in a NAR, and nix refuses it."""
    cache = small_cache(KEY, Compression.NONE)
    files = {
        name: body.replace(b"xxxx", b"xxyx", 1) if name.startswith("nar/") else body
        for name, body in cache.files.items()
    }

    with serving(files) as url:
        done = nix.realise(
            replace(cache, files=files), url, tmp_path / "store", trust=KEY.public_key
        )

    assert done.returncode != 0
    assert b"hash mismatch" in done.stderr


@pytest.fixture(name="real_cache")
def real_cache_fixture(nix: Nix, tmp_path: Path) -> Path:
    """Let nix write a signed cache: a closure of ours, and a path addressed by its contents."""
    cache = small_cache(OTHER, Compression.XZ)
    store, out = tmp_path / "source-store", tmp_path / "cache"
    with serving(cache.files) as url:
        done = nix.realise(cache, url, store, trust=OTHER.public_key)
    assert done.returncode == 0, done.stderr.decode()
    (tmp_path / "source").mkdir()
    (tmp_path / "source/a").write_text("contents")
    added = nix.nix("store", "add-path", "--store", store, tmp_path / "source").decode().strip()
    (tmp_path / "key").write_text(KEY.to_text())
    target = f"file://{out}?compression=xz&secret-key={tmp_path / 'key'}&write-nar-listing=true"
    nix.nix("--store", store, "copy", "--to", target, cache.top.absolute(), added)
    return out


def test_a_cache_made_by_nix(real_cache: Path) -> None:
    """What nix writes, we read, verify and print back byte for byte."""
    files = sorted(real_cache.glob("*.narinfo"))
    assert len(files) == 3
    for file in files:
        info = parse_narinfo(file.read_bytes())
        nar = real_cache / info.url

        assert info.to_bytes() == file.read_bytes()
        assert verify_narinfo(info, [KEY.public_key]) == ("formats-1",)
        assert verify_narinfo(info, [replace(KEY.public_key, name="formats-2")]) == ()
        assert info.store_path.hash == file.stem
        assert (info.file_hash, info.file_size) == (sha256(nar.read_bytes()), nar.stat().st_size)
        assert info.compression == "xz"


def test_listings_made_by_nix(real_cache: Path, nix: Nix, tmp_path: Path) -> None:
    """Our listing of the same NAR says what nix's says."""
    for file in real_cache.glob("*.ls"):
        info = parse_narinfo(file.with_suffix(".narinfo").read_bytes())
        script = 'xz -dc < "$1" > "$2"'
        nix.run("sh", "-c", script, "sh", real_cache / info.url, tmp_path / "t.nar")
        with (tmp_path / "t.nar").open("rb") as stream:
            assert json.loads(make_listing(read_nar(stream))) == json.loads(file.read_bytes())


def test_content_addresses_made_by_nix(real_cache: Path) -> None:
    """The path addressed by its contents, and only that one, is known as such."""
    infos = [parse_narinfo(file.read_bytes()) for file in real_cache.glob("*.narinfo")]

    addressed = [info.store_path.name for info in infos if is_content_addressed(info)]

    assert addressed == ["source"]


def test_a_path_that_refers_to_itself(nix: Nix, tmp_path: Path) -> None:
    """A content address modulo references to itself is known as one."""
    cache = small_cache(KEY, Compression.NONE)
    with serving(cache.files) as url:
        done = nix.realise(cache, url, tmp_path / "store", trust=KEY.public_key)
    assert done.returncode == 0, done.stderr.decode()

    rewritten = nix.nix(
        *("store", "make-content-addressed", "--json", "--store", tmp_path / "store"),
        cache.top.absolute(),
    )

    path = json.loads(rewritten)["rewrites"][cache.top.absolute()]
    nix.nix(*("--store", tmp_path / "store", "copy", "--to", f"file://{tmp_path / 'cache'}", path))
    info = parse_narinfo((tmp_path / f"cache/{StorePath.parse(path).hash}.narinfo").read_bytes())
    assert info.store_path in info.references
    assert is_content_addressed(info)


def test_cache_info_made_by_nix(real_cache: Path) -> None:
    """The nix-cache-info that nix writes is read."""
    info = parse_cache_info((real_cache / "nix-cache-info").read_bytes())

    assert info.store_dir == "/nix/store"


def test_store_path_names(nix: Nix, tmp_path: Path) -> None:
    """Nix makes paths of the odd names that we allow."""
    for name in ("A+b-._?=0", "a" * 211):
        file = tmp_path / "file"
        file.write_text("x")
        added = nix.nix(*("store", "add-file", "--store", tmp_path / "store", "--name", name, file))
        path = StorePath.parse(added.decode().strip())
        assert path.name == name
        assert path == fixed_output_path(name, ContentAddress(IngestionMethod.FLAT, sha256(b"x")))
        assert re.fullmatch(r"[0-9a-df-np-sv-z]{32}", path.hash)
