"""Faults of the machine, of names and of clients, one row each."""

from typing import Final

from tests.faults.promise import MachineRow

_UNTOUCHED: Final = "as ever"

NAMES: Final = (
    MachineRow(
        key="dns_gone",
        name="no name server answers",
        gets="what is stored; the rest from the addresses known so far, and 502 if none is known",
        stores=_UNTOUCHED,
        time="5 s",
        afterwards="found again within 15 s",
        seconds=6,
    ),
    MachineRow(
        key="dns_denied",
        name="the name server says that there is no such name",
        gets="what is stored; the rest is 502 with nginx 1.27.3 or later, "
        "and comes from the addresses known so far with an older one",
        stores=_UNTOUCHED,
        time="no time",
        afterwards="found again within 15 s",
        seconds=6,
    ),
    MachineRow(
        key="dns_changed",
        name="the upstream's name has another address",
        gets="the right answer; 502 or 504 while the old address is dead and still believed",
        stores=_UNTOUCHED,
        time="`connect_timeout`",
        afterwards="the new address is used within 15 s with nginx 1.27.3 or later, "
        "within 45 s under `passthru up` with an older one",
        seconds=6,
    ),
    MachineRow(
        key="dns_fails",
        name="the name server fails (SERVFAIL), or answers after seconds",
        gets="what is stored; the rest from the addresses known so far, and 502 if none is known",
        stores=_UNTOUCHED,
        time="no time",
        afterwards="found again within 15 s",
        seconds=6,
    ),
    MachineRow(
        key="dns_half",
        name="the name server fails for IPv6 addresses, or for IPv4 ones, or is silent about them",
        gets="the right answer, from an address of the other kind; 502 until `passthru up` has noticed",
        stores=_UNTOUCHED,
        time="no time; 20 s until a silent one is noticed",
        afterwards="nothing to mend",
        seconds=6,
    ),
    MachineRow(
        key="one_family",
        name="the machine has IPv4 alone or IPv6 alone, and the upstream has both",
        gets="the right answer",
        stores=_UNTOUCHED,
        time="no time",
        afterwards="nothing to mend",
        seconds=1,
    ),
    MachineRow(
        key="dead_family",
        name="a route for IPv6, or for IPv4, leads nowhere",
        gets="the right answer, from an address of the other kind",
        stores=_UNTOUCHED,
        time="half of `connect_timeout` for two requests, and then for one every few seconds",
        afterwards="used again within 15 s",
        seconds=1.5,
    ),
    MachineRow(
        key="nar_changed",
        name="the upstream changes a NAR under its name",
        gets="the one that is stored, for its year, whole; a resume that falls between the two "
        "has bytes of both, and Nix refuses it",
        stores="one of them, whole",
        time="no time",
        afterwards="the new one after the year, or under another upstream's `name`",
        seconds=2,
    ),
    MachineRow(
        key="line_cuts",
        name="every connection to an upstream is cut before the end of a NAR",
        gets="what came; nothing at its second attempt; from the third on with each range that it asks "
        "for as much more, until it has it all; without `passthru fills` it never has",
        stores="nothing",
        time="no time",
        afterwards="stored when it comes whole",
        seconds=2,
    ),
)

DISK: Final = (
    MachineRow(
        key="disk_full",
        name="something else fills the cache's disk",
        gets="what is stored; the rest ends without an answer until `passthru up` has noticed, "
        "and is then passed on",
        stores="nothing; to keep `min_free`, what was read longest ago is dropped",
        time="15 s",
        afterwards="stored again within 15 s",
        seconds=16,
    ),
    MachineRow(
        key="disk_read_only",
        name="the cache directory turns read-only",
        gets="what is stored; the rest ends without an answer until `passthru up` has noticed, "
        "and is then passed on",
        stores="nothing",
        time="15 s",
        afterwards="stored again within 15 s; it starts on one too",
        seconds=16,
    ),
    MachineRow(
        key="disk_small",
        name="a NAR is larger than the room that is left",
        gets="an answer that ends in its middle, each time",
        stores="nothing",
        time="no time",
        afterwards="the next request is right",
        seconds=3,
    ),
    MachineRow(
        key="keys_full",
        name="more paths than the zone has memory for",
        gets="the right answer",
        stores="what was read last; what was read longest ago is dropped, even if the disk has room",
        time="no time",
        afterwards="nothing to mend",
        seconds=2,
    ),
)

PROCESSES: Final = (
    MachineRow(
        key="worker_killed",
        name="an nginx worker is killed while it fills a NAR",
        gets="its clients' answers end; a new worker serves at once, and `passthru fills` has that NAR "
        "downloaded anew",
        stores="the answer of the new download; the partial file stays until the next start",
        time="half a second for that NAR, no time for the rest",
        afterwards="nothing to mend",
        seconds=2,
    ),
    MachineRow(
        key="worker_killed_alone",
        name="the same without `passthru fills`",
        gets="its clients' answers end; a new worker serves at once, but that NAR makes every client "
        "wait 240 s before it comes from the upstream",
        stores="nothing; the partial file stays until the next start",
        time="240 s for that NAR, no time for the rest",
        afterwards="right after 15 minutes, or after a restart",
        seconds=2,
    ),
    MachineRow(
        key="fills_killed",
        name="`passthru fills` is killed while followers read a NAR along",
        gets="their answers end before their length, the rest can be had with a range; who comes then "
        "waits until the NAR is whole",
        stores="the answer",
        time="as long as the upstream takes",
        afterwards="nothing to mend; `passthru up` starts it again",
        seconds=6,
    ),
    MachineRow(
        key="fills_frozen",
        name="`passthru fills` hangs",
        gets="who wants a NAR that is on its way waits until `passthru up` or systemd has killed it, "
        "and then until the NAR is whole; who reads along already is cut off as above",
        stores="the answer",
        time="16 s",
        afterwards="nothing to mend; it is started again",
        seconds=6,
    ),
    MachineRow(
        key="master_killed",
        name="the nginx master is killed while a NAR is filled",
        gets="answers end; `passthru up` says how nginx died and exits with 1",
        stores="nothing; the next start removes the partial file",
        time="5 s",
        afterwards="`passthru up` again serves what was stored, and fills the NAR",
        seconds=10,
    ),
    MachineRow(
        key="runtime_removed",
        name="somebody removes the runtime directory",
        gets="the right answer; 503 for the status page and `/metrics`, and who wants a NAR that is on "
        "its way waits until it is whole",
        stores=_UNTOUCHED,
        time="no time",
        afterwards="`passthru up` and its sidecars make it again within seconds; where they may not, it "
        "says what to type",
        seconds=2,
    ),
    MachineRow(
        key="exporter_killed",
        name="the exporter is killed",
        gets="the right answer; 503 for the status page and `/metrics`",
        stores=_UNTOUCHED,
        time="no time",
        afterwards="`passthru up` starts it again within seconds; no request is lost from the figures "
        "and none is counted twice",
        seconds=2,
    ),
    MachineRow(
        key="reload",
        name="a reload while a NAR is filled",
        gets="the right answer, from the old worker",
        stores="the answer",
        time="as long as the upstream takes; 1 h at most",
        afterwards="nothing to mend",
        seconds=3,
    ),
    MachineRow(
        key="clock_back",
        name="the clock is set back",
        gets="the right answer",
        stores='all is kept, and believed for longer by as much; so is a "no"',
        time="no time",
        afterwards='nothing to mend; a restart forgets every "no"',
        seconds=2,
    ),
)

CLIENTS: Final = (
    MachineRow(
        key="open_clients",
        name="2,000 clients keep their connections open",
        gets="the right answer, each of them and a new one",
        stores=_UNTOUCHED,
        time="no time",
        afterwards="nothing to mend",
        seconds=2,
    ),
    MachineRow(
        key="many_connections",
        name="one client opens 500 connections for one cold NAR",
        gets="the right answer on each; others wait for none of them",
        stores="the answer, downloaded once",
        time="as long as the upstream takes",
        afterwards="nothing to mend",
        seconds=2,
    ),
    MachineRow(
        key="one_byte_a_second",
        name="a client reads one byte a second",
        gets="it is hung up on when nothing could be sent for 60 s; others have their answers",
        stores="the answer, at the upstream's pace",
        time="60 s",
        afterwards="nothing to mend",
        seconds=2,
    ),
    MachineRow(
        key="slow_loris",
        name="a client sends its headers a byte at a time, on more connections than nginx has",
        gets="it is hung up on after 15 s; others may get no connection until then",
        stores=_UNTOUCHED,
        time="15 s",
        afterwards="the next request is right",
        seconds=2,
    ),
)

MACHINE: Final = (*NAMES, *DISK, *PROCESSES, *CLIENTS)
ROWS: Final = {row.key: row for row in MACHINE}
