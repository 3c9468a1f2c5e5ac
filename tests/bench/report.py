"""What came out, as a Markdown table for people and as JSON for scripts."""

import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from passthru import __version__
from tests.bench.network import Network
from tests.bench.peers import Peer
from tests.bench.rows import Result, Row
from tests.bench.scenarios import Samples
from tests.nginx.nginxes import NginxBinary

Facts = Mapping[str, str]

_PEERS: Final = (Peer.FILES, Peer.NIXOS, Peer.VARNISH, Peer.DIRECT)
_OF_THE_LOG: Final = (Peer.SILENT, Peer.JSON)


def look_at_machine(network: Network, nginx: NginxBinary) -> Facts:
    """Return what a figure depends on besides the code."""
    server, load = network.cores
    where = "namespaces, a veth pair" if network.real else "loopback"
    return {
        "processor": _processor(),
        "cores": f"servers on {server}, load and upstream on {load}",
        "kernel": platform.release(),
        "network": f"{where}, MTU {network.mtu}; delays and rates by a TCP relay",
        "passthru": __version__,
        "nginx": nginx.version,
        "varnish": _version("varnishd", "-V", r"varnish-(\S+)"),
        "wrk": _version("wrk", "-v", r"wrk (\S+)"),
        "h2load": _version("h2load", "--version", r"nghttp2/(\S+)"),
    }


def write_table(results: Sequence[Result], without: Mapping[str, str]) -> str:
    """Return the rows as a Markdown table, and below it why others are not there."""
    peers = [
        *_PEERS,
        *(peer for peer in _OF_THE_LOG if any(peer in one.medians for one in results)),
    ]
    heads = ["row", Peer.PASSTHRU, "figure", "spread", *peers, "reach", "met"]
    lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    lines += ["| " + " | ".join(_cells(result, peers)) + " |" for result in results]
    text = "\n".join(lines) + "\n"
    if without:
        text += "\n" + "".join(
            f"Without a figure: `{name}`: {why}.\n" for name, why in without.items()
        )
    return text


def write_facts(facts: Facts) -> str:
    """Return the facts as a Markdown list."""
    return "".join(f"* {name}: {value}\n" for name, value in facts.items())


def to_json(
    results: Sequence[Result],
    without: Mapping[str, str],
    facts: Facts,
    samples: Mapping[str, Samples],
) -> dict[str, object]:
    """Return everything as plain data."""
    return {
        "facts": dict(facts),
        "rows": [_plain(result) for result in results],
        "without": dict(without),
        "samples": {
            name: {peer.value: [dict(one) for one in sets] for peer, sets in taken.items()}
            for name, taken in samples.items()
        },
    }


def _plain(result: Result) -> dict[str, object]:
    row = result.row
    return {
        "name": row.name,
        "title": row.title,
        "unit": row.unit,
        "against": row.against,
        "more_is_better": row.more,
        "medians": {peer.value: value for peer, value in result.medians.items()},
        "figure": result.figure,
        "lowest": result.lowest,
        "highest": result.highest,
        "reach": row.reach,
        "met": result.met,
    }


def _cells(result: Result, peers: Sequence[Peer]) -> list[str]:
    row = result.row
    own = f"{_number(result.medians[Peer.PASSTHRU])} {row.unit}"
    spread = f"{_number(result.lowest)} to {_number(result.highest)}"
    return [
        f"{row.title} (`{row.name}`)",
        own,
        _figure(row, result.figure),
        spread if result.figure is not None else "",
        *(_number(result.medians.get(peer)) for peer in peers),
        _reach(row),
        {True: "yes", False: "**no**", None: ""}[result.met],
    ]


def _figure(row: Row, figure: float | None) -> str:
    if figure is None:
        return ""
    return _number(figure) if row.against is None else f"{figure:.2f} of {row.against}"


def _reach(row: Row) -> str:
    if row.reach is None:
        return ""
    return f"{'≥' if row.more else '≤'} {row.reach:g}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def _version(program: str, option: str, pattern: str) -> str:
    path = shutil.which(program) or shutil.which(program, path="/usr/local/sbin:/usr/sbin")
    if path is None:
        return "not installed"
    done = subprocess.run([path, option], check=False, capture_output=True, text=True, timeout=10)
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found else "unknown"
