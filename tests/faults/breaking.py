"""Doing to an upstream what a row says, and undoing it."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

from tests.faults.promise import Closed
from tests.nginx.fault import Fault
from tests.nginx.origin import Origin


@contextmanager
def broken(origin: Origin, fault: Fault | Closed) -> Iterator[None]:
    """Have `origin` fail inside the `with`, and work again after it, on the same port."""
    if isinstance(fault, Fault):
        origin.fail(fault)
        yield
        origin.heal()
        return
    origin.stop()
    with ExitStack() as stack:
        if fault is Closed.SWALLOWS:
            _fill_queue(origin, stack)
        yield
    origin.start()


def _fill_queue(origin: Origin, stack: ExitStack) -> None:
    """Listen and never accept: what finds the queue full gets no answer from the kernel."""
    origin._socket.listen(0)
    for _ in range(4):
        filler = stack.enter_context(closing(socket.socket()))
        filler.settimeout(0.05)
        with suppress(OSError):
            filler.connect(("127.0.0.1", origin.port))
