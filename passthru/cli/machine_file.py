"""The facts of another machine, read from a file: what `passthru render --machine` is given."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from passthru.errors import Problem, SpecError
from passthru.nginx.machine import Machine

_ABSOLUTE: Final = r"^/[^\x00-\x1f ]*$"

AbsolutePath = Annotated[str, Field(pattern=_ABSOLUTE)]
Label = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Account = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,30}$")]
Resolver = Annotated[str, Field(pattern=r"^([0-9.]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$")]


class MachineFile(BaseModel):
    """What a machine is like, as far as a rendering depends on it; see `Machine`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: Label
    instance: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    ca_bundle: AbsolutePath
    user: Account | None = None
    group: Account | None = None
    open_files: Annotated[int, Field(ge=1024, le=1 << 20)] = 65536
    ipv6: bool = True
    ipv6_route: bool = True
    resolvers: list[Resolver] = []
    cache_directory: AbsolutePath = "/var/cache/passthru"
    state_directory: AbsolutePath = "/var/lib/passthru"
    runtime_directory: AbsolutePath = "/run/passthru"
    addresses: dict[str, list[str]] = {}
    late: AbsolutePath | None = None

    def to_machine(self) -> Machine:
        """Return the facts as planning takes them."""
        return Machine(
            **{
                **self.model_dump(exclude={"resolvers", "addresses"}),
                "root": self.user is not None,
                "resolvers": tuple(self.resolvers),
                "addresses": {host: tuple(found) for host, found in self.addresses.items()},
            }
        )


def read_machine(path: Path) -> Machine:
    """Return the machine that a JSON file describes; raises SpecError with every fault in it."""
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        return MachineFile.model_validate(data).to_machine()
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as fault:
        problem = Problem("", f"cannot be read: {fault}", "write the machine's facts as JSON")
        raise SpecError((problem,), source=str(path)) from fault
    except ValidationError as fault:
        problems = tuple(
            Problem(".".join(map(str, error["loc"])), _lower(error["msg"]))
            for error in fault.errors(include_url=False)
        )
        raise SpecError(problems, source=str(path)) from fault


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
