"""Load generators where a Python client would be the limit: wrk, and h2load for HTTP/2."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.address import Address

_SLACK: Final = 30

_LUA: Final = """\
local requests, at = {}, 0
function init(arguments)
    for target in io.lines(arguments[1]) do
        requests[#requests + 1] = wrk.format("GET", target)
    end
end
function request()
    at = at % #requests + 1
    return requests[at]
end
function done(summary)
    local errors = summary.errors
    local broken = errors.connect + errors.read + errors.write + errors.timeout
    io.write(string.format('{"requests":%d,"microseconds":%d,"refused":%d,"broken":%d}\\n',
        summary.requests, summary.duration, errors.status, broken))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What a generator did; `refused` had a status above 399."""

    requests: int
    seconds: float
    refused: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class LoadError(Exception):
    """A generator failed, or requests did."""


def has_wrk() -> bool:
    """Tell whether wrk is installed."""
    return shutil.which("wrk") is not None


def has_h2load() -> bool:
    """Tell whether h2load is installed."""
    return shutil.which("h2load") is not None


def run_wrk(
    address: Address, targets: Sequence[str], connections: int, seconds: float, work: Path
) -> Load:
    """Ask for the targets in turn over plain HTTP/1.1, as fast as one core can."""
    script, names = work / "walk.lua", work / "targets"
    script.write_text(_LUA, encoding="ascii")
    names.write_text("\n".join(targets) + "\n", encoding="ascii")
    output = _run(
        [
            *("wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(script)),
            *(f"http://{address[0]}:{address[1]}/", "--", str(names)),
        ],
        seconds,
    )
    told = json.loads(output.splitlines()[-1])
    if told["broken"]:
        raise LoadError(f"wrk: {told['broken']} connections broke")
    return Load(told["requests"], told["microseconds"] / 1e6, told["refused"])


def run_h2load(
    address: Address, targets: Sequence[str], connections: int, seconds: float, work: Path
) -> Load:
    """Ask for the targets in turn over TLS and HTTP/2, eight streams a connection."""
    names = work / "urls"
    base = f"https://{address[0]}:{address[1]}"
    names.write_text("".join(f"{base}{target}\n" for target in targets), encoding="ascii")
    lasting = max(1, round(seconds))
    output = _run(
        ["h2load", "-t1", f"-c{connections}", "-m8", f"-D{lasting}", "-i", str(names)], seconds
    )
    found = re.search(r"requests: (\d+) total.*?(\d+) succeeded, (\d+) failed", output)
    if found is None or not int(found[2]) or int(found[3]):
        raise LoadError(f"h2load: {output[-800:]}")
    return Load(int(found[2]), float(lasting), 0)


def _run(command: list[str], seconds: float) -> str:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=seconds + _SLACK
    )
    if done.returncode:
        raise LoadError(f"{command[0]}: {done.stderr or done.stdout}")
    return done.stdout
