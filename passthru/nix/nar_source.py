"""The tokens of a NAR, taken from a stream that nobody vouches for."""

from collections.abc import Iterator
from typing import Final, NoReturn, Protocol

from passthru.errors import FormatError
from passthru.nix.excerpt import excerpt

MAGIC: Final = b"nix-archive-1"
LONGEST_TAG: Final = 16  # bytes; the magic, the longest of all tags, has 13
PIECE: Final = 64 * 1024  # bytes taken at once


class Readable(Protocol):
    """A stream of bytes: a file, an lzma file, the answer to a request."""

    def read(self, size: int, /) -> bytes:
        """Give up to `size` bytes, none at the end."""


class NarSource:
    """Reads tokens and counts bytes; every method raises FormatError for what is not there."""

    def __init__(self, stream: Readable) -> None:
        """Start at the first byte of a NAR."""
        self.offset = 0
        self._stream = stream

    def fail(self, message: str) -> NoReturn:
        """Raise FormatError, with the place."""
        raise FormatError(f"NAR byte {self.offset}: {message}")

    def number(self) -> int:
        """Take a number of 64 bits."""
        return int.from_bytes(self._take(8), "little")

    def token(self, longest: int = LONGEST_TAG) -> bytes:
        """Take a string of at most `longest` bytes and its padding."""
        size = self.number()
        if size > longest:
            self.fail(f"a string is too long: {size} bytes, at most {longest}")
        text = self._take(size)
        self._padding(size)
        return text

    def expect(self, tag: bytes) -> None:
        """Take the one string that may come here."""
        found = self.token()
        if found != tag:
            self.fail(f"expected {excerpt(tag)}, got {excerpt(found)}")

    def contents(self, size: int) -> Iterator[bytes]:
        """Take `size` bytes in pieces, and their padding."""
        left = size
        while left:
            piece = self._take(min(left, PIECE))
            left -= len(piece)
            yield piece
        self._padding(size)

    def magic(self) -> None:
        """Take the start of every NAR."""
        try:
            found = self.token()
        except FormatError:
            found = b""
        if found != MAGIC:
            raise FormatError("not a NAR: it does not start like one")

    def end(self) -> None:
        """Make sure that nothing follows."""
        if self._stream.read(1):
            self.fail("goes on after its end")

    def _take(self, size: int) -> bytes:
        pieces = []
        left = size
        while left:
            piece = self._stream.read(left)
            if not piece:
                self.fail(f"ends {left} bytes too early")
            self.offset += len(piece)
            left -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def _padding(self, size: int) -> None:
        if any(self._take(-size % 8)):
            self.fail("padding is not zero")
