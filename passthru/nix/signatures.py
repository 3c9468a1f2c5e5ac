"""Signatures on narinfos: adding ours, and finding out whose hold."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from passthru.errors import FormatError
from passthru.nix.content_address import IngestionMethod, fixed_output_path
from passthru.nix.keys import PublicKey, SecretKey, Signature
from passthru.nix.narinfo import NarInfo


def sign_narinfo(info: NarInfo, key: SecretKey) -> NarInfo:
    """Add a signature to those that are there, in Nix's order."""
    signature = str(key.sign(info.fingerprint.encode()))
    return replace(info, signatures=tuple(sorted({*info.signatures, signature})))


def verify_narinfo(info: NarInfo, keys: Iterable[PublicKey]) -> tuple[str, ...]:
    """Name the keys, sorted, that vouch for a narinfo; a signature nobody can read is none."""
    message = info.fingerprint.encode()
    signatures = tuple(_readable(info.signatures))
    return tuple(
        sorted(
            {
                key.name
                for key in keys
                if any(key.verify(message, signature) for signature in signatures)
            }
        )
    )


def is_content_addressed(info: NarInfo) -> bool:
    """Tell whether the store path follows from the CA line, so that Nix asks for no signature."""
    if info.ca is None:
        return False
    refers_to_itself = info.store_path in info.references
    hashes_the_nar = info.ca.method is IngestionMethod.RECURSIVE and not refers_to_itself
    if hashes_the_nar and info.ca.hash != info.nar_hash:
        return False
    try:
        path = fixed_output_path(
            info.store_path.name,
            info.ca,
            references=(path for path in info.references if path != info.store_path),
            refers_to_itself=refers_to_itself,
            store_dir=info.store_dir,
        )
    except FormatError:
        return False
    return path == info.store_path


def _readable(texts: Iterable[str]) -> Iterator[Signature]:
    for text in texts:
        try:
            yield Signature.parse(text)
        except FormatError:
            continue
