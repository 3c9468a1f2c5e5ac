"""What is believed of a neighbour: narinfos that Nix can verify, with NARs of that neighbour; pure."""

import re
from collections.abc import Iterable
from typing import Final

from passthru.errors import FormatError
from passthru.nix import PublicKey, is_content_addressed, parse_narinfo, verify_narinfo

LONGEST_NARINFO: Final = 1 << 20
"""Bytes; some 10,000 references."""

PREFIX: Final = "~lan"
"""What the path of a neighbour's NAR begins with, behind /nar/."""

_SEGMENT: Final = r"[\w~=+-][\w.~!*+,=:@-]*"
_NAR: Final = re.compile(rf"nar/({_SEGMENT}(?:/{_SEGMENT})*(?:\?[\w.~!*+,=:@&/-]*)?)", re.ASCII)
_LONGEST_URL: Final = 600
_OWN: Final = re.compile(rf"/nar/{PREFIX}/([0-9a-f]{{8,32}})/(.+)", re.ASCII)


class DisbeliefError(Exception):
    """A narinfo that is not passed on; the text says why, for the log."""


def believe(
    body: bytes,
    *,
    path_hash: str,
    keys: Iterable[PublicKey] | None,
    store_dir: str,
    mark: str,
) -> bytes:
    """Return a neighbour's narinfo, its URL leading to that neighbour; raise DisbeliefError.

    It has to be of the store path asked for, and signed by one of `keys` unless its content is what
    its path says, or `keys` is None. The URL is not signed, so it may be changed; nothing else is.
    """
    if len(body) > LONGEST_NARINFO:
        raise DisbeliefError("a narinfo that is too long")
    try:
        info = parse_narinfo(body, store_dir=store_dir)
    except FormatError as error:
        raise DisbeliefError(error.message) from None
    if str(info.store_path)[:32] != path_hash:
        raise DisbeliefError("a narinfo of another path")
    signed = keys is None or verify_narinfo(info, keys) or is_content_addressed(info)
    if not signed:
        raise DisbeliefError("a narinfo without a signature that is believed here")
    found = _NAR.fullmatch(info.url)
    if found is None or len(info.url) > _LONGEST_URL or info.url.startswith(f"nar/{PREFIX}/"):
        raise DisbeliefError("a narinfo whose NAR is elsewhere")
    old, new = f"\nURL: {info.url}\n", f"\nURL: nar/{PREFIX}/{mark}/{found[1]}\n"
    return body.replace(old.encode(), new.encode(), 1)


def read_nar_target(target: str) -> tuple[str, str] | None:
    """Return whose NAR is asked for, and by which path at that neighbour; None if it is none."""
    found = _OWN.fullmatch(target)
    if found is None or _NAR.fullmatch(f"nar/{found[2]}") is None:
        return None
    return found[1], f"/nar/{found[2]}"
