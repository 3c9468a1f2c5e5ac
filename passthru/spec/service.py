"""Service types of DNS-SD, by which a cache is found on the LAN."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from passthru.spec.fault import BadValueError
from passthru.spec.kind import Kind
from passthru.spec.text import Text, shown

USUAL: Final = "_http._tcp"
"""What every cache is announced as."""

# RFC 6763 allows 15 characters; a name in use has 16 and an underscore.
_TYPE: Final = re.compile(r"_[A-Za-z0-9](?:[A-Za-z0-9_-]{0,30}[A-Za-z0-9])?\._tcp")


def check_service_type(text: str) -> str:
    """Return a service type such as `_nix-serve._tcp` unchanged; raise BadValueError."""
    text = text.removesuffix(".").removesuffix(".local")
    if text == USUAL:
        raise BadValueError("is announced anyway", "remove it")
    if _TYPE.fullmatch(text) is None:
        raise BadValueError(
            f"{shown(text)} is not a service type", 'write one such as "_nix-serve._tcp"'
        )
    return text


ServiceType = Annotated[Text, AfterValidator(check_service_type), Kind("service type")]
