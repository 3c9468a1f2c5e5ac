"""Lines of the access log, counted."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passthru.stats.access_log import LogParser
from passthru.stats.batch import Batch, LastError, Sums
from passthru.stats.kind import CacheStatus, Kind, Outcome
from tests.stats import naive
from tests.stats.lines import AT, HASH, NARINFO, asked, request

UPSTREAMS = {"nixos", "own"}


def parse(*lines: bytes, paths: bool = False) -> Batch:
    """Parse lines with a parser of their own."""
    return LogParser(UPSTREAMS, paths=paths).parse(b"".join(lines))


def test_a_hit_counts_everywhere_it_should() -> None:
    """A hit is one request, one answer, its bytes and its time, and asks nobody."""
    batch = parse(request(seconds="0.007", sent=512))

    totals = batch.totals
    assert totals.lines == 1
    assert totals.unparsable_lines == 0
    assert totals.requests == {(Kind.NARINFO, CacheStatus.HIT): 1}
    assert totals.sent_bytes == {(Kind.NARINFO, CacheStatus.HIT): 512}
    assert totals.responses == {(Kind.NARINFO, "200"): 1}
    assert totals.durations[Kind.NARINFO].counts[:3] == [0, 1, 0]
    assert totals.durations[Kind.NARINFO].seconds == 0.007
    assert totals.upstream_requests == {}
    assert totals.last_line_at == AT
    assert batch.minutes == {AT - 7: Sums(1, 1, 1, 0, 512, 0)}
    assert [(one.at, one.upstream, one.path) for one in batch.answers] == [(AT, "nixos", None)]


def test_a_hit_of_the_second_may_have_asked_the_first() -> None:
    """Each answer in the lists is of the upstream whose turn it was, whoever the line names."""
    trail = "|nar/nixos MISS=503, 504 : 302"
    contacts = asked(
        "503, 504 : 302",
        header="0.1, - : 0.1",
        response="0.100, 4.000 : 0.100",
        received="1, 0 : 2",
        trail=trail,
    )
    batch = parse(request("/nar/a", turn="nar/own", contacts=contacts))

    assert batch.totals.requests == {(Kind.NAR, CacheStatus.HIT): 1}
    assert batch.totals.upstream_requests == {
        ("nixos", Outcome.ERROR): 1,
        ("nixos", Outcome.TIMEOUT): 1,
        ("nixos", Outcome.OK): 1,
    }
    assert batch.totals.upstream_bytes == {"nixos": 3}
    assert batch.last_errors == {"nixos": LastError(AT, "no answer in 4.000 s")}


def test_a_stored_no_asks_nobody() -> None:
    """A turn that ended with a "no" out of the cache is none of the answers in the list."""
    contacts = asked("200", trail="|narinfo/nixos HIT=")

    batch = parse(request(cache="MISS", turn="narinfo/own", contacts=contacts))

    assert batch.totals.upstream_requests == {("own", Outcome.OK): 1}


def test_a_refresh_is_no_request() -> None:
    """What is asked in the background counts for the upstream, and for no client."""
    contacts = asked("304", length=0, trail="|narinfo/nixos MISS=404")

    batch = parse(request(cache="REVALIDATED", turn="narinfo/own", contacts=contacts))

    assert batch.totals.lines == 1
    assert batch.totals.requests == {}
    assert batch.answers == []
    assert batch.totals.upstream_requests == {("own", Outcome.OK): 1}
    assert batch.minutes == {AT - 7: Sums(fetched_bytes=600)}


def test_the_trail_of_a_refresh_is_kept_apart() -> None:
    """A request and its refresh share a trail, each finds its own part of it."""
    trail = "|nar/nixos MISS=404|nar/own EXPIRED=404"
    refresh = request(turn="nar/third", contacts=asked("404 : 500", length=0, trail=trail))
    begun_by = request(turn="nar/third", cache="STALE", contacts=asked("404", trail=trail))

    assert parse(refresh).totals.upstream_requests == {
        ("own", Outcome.NOT_FOUND): 1,
        ("other", Outcome.ERROR): 1,
    }
    assert parse(begun_by).totals.upstream_requests == {("nixos", Outcome.NOT_FOUND): 1}


def test_stale_answers_have_no_duration() -> None:
    """Their line is held back until the refresh has ended, which is not how long it took."""
    assert parse(request(cache="STALE", seconds="4.000")).totals.durations == {}


def test_an_outage_is_no_hit() -> None:
    """A 502 after a stored "no" is not a request that the cache answered."""
    batch = parse(request(status=502))

    assert batch.totals.requests == {(Kind.NARINFO, CacheStatus.MISS): 1}
    assert batch.minutes[AT - 7].hits == 0
    assert batch.minutes[AT - 7].errors == 1


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"/{HASH}.ls", Kind.LS),
        (f"/{HASH}.ls.xz", Kind.LS),
        (f"/log/{HASH}-a.drv", Kind.LOG),
        ("/realisations/sha256:0!out.doi", Kind.REALISATION),
        ("/build-trace-v2/a/b.doi", Kind.REALISATION),
        ("/debuginfo/0", Kind.OTHER),
    ],
)
def test_metadata_is_told_by_its_path(path: str, kind: Kind) -> None:
    """One location serves many kinds."""
    assert parse(request(path, turn="metadata/nixos")).totals.requests == {
        (kind, CacheStatus.HIT): 1
    }


def test_strangers_make_no_series() -> None:
    """Statuses, upstreams and paths that we do not know are all counted as other."""
    lines = [
        request(f"/{number}", cache="", turn="", status=600 + number, method=f"M{number}")
        for number in range(300)
    ]
    lines += [request(turn=f"narinfo/x{number}", contacts=asked("200")) for number in range(300)]

    totals = parse(*lines).totals

    assert totals.responses == {(Kind.OTHER, "other"): 300, (Kind.NARINFO, "200"): 300}
    assert totals.upstream_requests == {("other", Outcome.OK): 300}
    assert totals.unparsable_lines == 0


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\t",
        b"2",
        b"3" + request()[1:-1],
        request()[:-1].replace(b"2026-11-20", b"2026-13-20"),
        request()[:-1].replace(b"HIT", b"SCARCE"),
        request()[:-1].replace(b"0.000", b"0.0"),
        request()[:-1].replace(b"\t500\t", b"\t-5\t"),
        request()[:-1].replace(b"\t500\t", b"\t1_0\t"),
        request()[:-1].replace(b"\t200\t", b"\t20\t"),
        request()[:-1].replace(b"/nixos", b"/\xff"),
        request()[:-1].replace(b"GET", b"GET\t"),
        request()[:50],
        request(contacts=asked("200 : 404", connect="0.1 : 0.1, 0.1"))[:-1],
        request(contacts=asked("2x0"))[:-1],
        b"\xff\xfe\x00",
        b"a" * 1_000_000,
    ],
)
def test_what_cannot_be_read_is_counted_and_shown(line: bytes) -> None:
    """A line that is not of this format is counted once, a sample of it is kept, and others count."""
    batch = parse(request(), line + b"\n", request())

    assert batch.totals.lines == 3
    assert batch.totals.unparsable_lines == 1
    assert batch.totals.requests == {(Kind.NARINFO, CacheStatus.HIT): 2}
    assert batch.sample == ascii(line[:200])[2:-1]


def test_lines_of_before_are_passed_over() -> None:
    """Lines of the first format, left in the log by an upgrade, are lines and nothing more."""
    old = f"1\t1795206547.123\tGET\t200\t{NARINFO}\tHIT\tnixos\t500\t0.000\t-\t-\t-\t-\tHTTP/1.1\tNix\n"

    batch = parse(old.encode(), request(), old.encode())

    assert batch.totals.lines == 3
    assert batch.totals.unparsable_lines == 0
    assert batch.totals.requests == {(Kind.NARINFO, CacheStatus.HIT): 1}


def test_the_last_answers_are_the_last() -> None:
    """Twenty are kept, oldest first, refused ones not among them."""
    lines = [request(sent=number) for number in range(50)]
    refused = request("/wp-login.php", status=404, cache="", turn="")

    batch = parse(*lines, *[refused] * 50)

    assert [one.sent_bytes for one in batch.answers] == list(range(30, 50))


def test_paths_are_counted_only_if_wanted() -> None:
    """By default no path leaves the parser."""
    lines = [request("/nar/a"), request("/nar/b", turn="nar/nixos", sent=7), request(), request()]

    assert parse(*lines).paths == {}
    assert NARINFO not in repr(parse(*lines))
    found = parse(*lines, paths=True).paths
    assert {path: (one.requests, one.sent_bytes) for path, one in found.items()} == {
        "/nar/a": (1, 500),
        "/nar/b": (1, 7),
        NARINFO: (2, 1000),
    }


def test_wanted_paths_are_bounded() -> None:
    """However many paths there are, those asked for most remain."""
    lines = [request(f"/nar/{number}", turn="nar/nixos") for number in range(3000)]

    found = parse(*lines, *[request("/nar/top", turn="nar/nixos")] * 2, paths=True).paths

    assert len(found) == 1000
    assert found["/nar/top"].requests == 2


def test_memory_stays_flat() -> None:
    """What is remembered between chunks does not grow with what was read."""
    parser = LogParser(UPSTREAMS)
    for start in range(0, 100_000, 10_000):
        parser.parse(b"".join(request(sent=start + number) for number in range(10_000)))

    assert len(parser._said) < 30_000


UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For machines that do much else."""

FIELD = st.sampled_from(
    [
        *(
            "2",
            "1",
            "",
            "-",
            "GET",
            "200",
            "404",
            "HIT",
            "MISS",
            "EXPIRED",
            "nar/nixos",
            "narinfo/own",
        ),
        *(
            "0.000",
            "1.5",
            "12",
            "0",
            "404 : 200",
            "- : 502",
            "504, 502",
            "|nar/own EXPIRED=404",
            "/",
        ),
        *("2026-11-20T20:29:07+00:00", "1969-01-01T00:00:00+00:00", NARINFO, "/nix-cache-info?a"),
    ]
)
LINES = st.one_of(
    st.builds(
        request,
        st.sampled_from([NARINFO, "/nar/a", "/nix-cache-info", "/", f"/{HASH}.ls", "/é"]),
        time=st.sampled_from(["2026-11-20T20:29:07+00:00", "2026-11-20T22:30:07+01:00"]),
        status=st.sampled_from([0, 99, 200, 206, 404, 499, 502, 504, 600]),
        cache=st.sampled_from(["HIT", "MISS", "STALE", "EXPIRED", "", "NONE", "hit"]),
        turn=st.sampled_from(["narinfo/nixos", "nar/own", "metadata/own", "nar/no", "", "x", "/"]),
        seconds=st.sampled_from(["0.000", "0.005", "0.006", "300.001", "12"]),
        sent=st.sampled_from([0, 1, 10**14]),
        contacts=st.one_of(
            st.just(""),
            st.builds(
                asked,
                st.sampled_from(["200", "404 : 200", "504, 502 : 404", "-", "404 : ", "302 : 200"]),
                length=st.sampled_from([0, 95]),
                connect=st.sampled_from(["-", "0.001"]),
                header=st.sampled_from(["-", "0.001"]),
                response=st.sampled_from(["-", "0.001", "61.000"]),
                received=st.sampled_from(["-", "0", "700"]),
                trail=st.sampled_from(
                    [
                        "",
                        "|nar/nixos MISS=404",
                        "|nar/own HIT=|nar/nixos MISS=404",
                        "|nar/nixos MISS=404|nar/own EXPIRED=404 : 200",
                        "|",
                        "a|b c=d",
                    ]
                ),
            ),
        ),
    ),
    st.lists(FIELD, max_size=20).map(lambda fields: "\t".join(fields).encode() + b"\n"),
    st.binary(max_size=50).map(lambda text: text + b"\n"),
)


@UNHURRIED
@given(st.lists(LINES, max_size=30), st.booleans())
def test_the_fast_way_equals_the_slow_one(lines: list[bytes], paths: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever the lines are, they come to what a plain reading of one after the other does."""
    text = b"".join(lines)

    assert LogParser(UPSTREAMS, paths=paths).parse(text) == naive.read(text, UPSTREAMS, paths=paths)


@UNHURRIED
@given(st.lists(LINES, max_size=20), st.integers(0, 20))
def test_batches_add_up(lines: list[bytes], cut: int) -> None:
    """Two chunks, added, are what one would have been."""
    parser = LogParser(UPSTREAMS, paths=True)
    both = Batch()
    for part in (lines[:cut], lines[cut:]):
        both.add(parser.parse(b"".join(part)))

    assert both == LogParser(UPSTREAMS, paths=True).parse(b"".join(lines))


@UNHURRIED
@given(st.binary(max_size=2000))
def test_any_bytes_are_read(text: bytes) -> None:
    """Nothing raises, and each line is counted."""
    batch = LogParser().parse(text)

    assert batch.totals.lines == len(re.findall(rb"[^\n]*\n|[^\n]+$", text))
