"""The path grammar as Python reads it; tests/nginx tries the same through nginx itself."""

import re

import pytest

from passthru.nginx import grammar

H = "0123456789abcdfghijklmnpqrsvwxyz"


def known(target: str) -> bool:
    """Decide as the rendered map does: patterns in order, the first that matches."""
    rules = [
        (grammar.PLAIN_NAR, True),
        (grammar.NARINFO, True),
        (grammar.TOO_LONG, False),
        (grammar.ENCODED, False),
        (grammar.NAR, True),
        *((pattern, True) for pattern in grammar.METADATA),
        (grammar.OWN, True),
        (grammar.status_paths("/status"), True),
    ]
    return next((ok for rule, ok in rules if re.search(rule, target, re.ASCII)), False)


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/?from=a-bookmark",
        "/nix-cache-info",
        "/health",
        "/metrics",
        "/metrics?name[]=x",
        "/status",
        "/status?from=a-bookmark",
        "/status.json",
        "/status/static/page.css",
        f"/{H}.narinfo",
        f"/{H}.ls",
        f"/{H}.ls.xz",
        "/nar/1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3.nar.xz",
        f"/nar/{H}-1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3.nar",
        f"/nar/1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3.nar?hash={H}",
        "/nar/snix-castore/EiAGvDPPQkBDpbXCbnVJb-_?narsize=1234",
        "/nar/9f0a3c1e-55a1-4f5c-8a9b-1c2d3e4f5a6b.nar.zst",
        "/nar/x.nar?X-Amz-Signature=ab%2Fcd&X-Amz-Date=20261120T000000Z",
        f"/log/{H}-hello-2.12.1.drv",
        f"/log/{H}-libstdc++-13%2B1.drv",
        "/realisations/sha256:" + "0" * 64 + "!out.doi",
        "/realisations/sha256:" + "0" * 64 + "%21out.doi",
        f"/build-trace-v2/{H}-hello.drv/out.doi",
        "/debuginfo/" + "a" * 40,
        "/debuginfo/" + "a" * 40 + ".debug",
    ],
)
def test_known(target: str) -> None:
    """What clients of Nix 2.3 to 2.35, Lix, nix-index and dwarffs ask for."""
    assert known(target)


@pytest.mark.parametrize("compression", ["", ".xz", ".zst", ".bz2", ".br", ".lz4"])
@pytest.mark.parametrize("named", ["", "~b/", "~a-2/"])
@pytest.mark.parametrize("query", ["", f"?hash={H}"])
def test_what_is_looked_at_first_is_known_without(named: str, compression: str, query: str) -> None:
    """The names that most NARs have are found at once, and nothing else is let through by that."""
    target = (
        f"/nar/{named}1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3.nar{compression}{query}"
    )

    assert re.search(grammar.PLAIN_NAR, target, re.ASCII)
    assert re.search(grammar.NAR, target, re.ASCII)
    assert not re.search(f"{grammar.TOO_LONG}|{grammar.ENCODED}", target, re.ASCII)
    for more in ("/x", "%2e", "?x", "&x", " ", "\n\n"):
        assert not re.search(grammar.PLAIN_NAR, target + more, re.ASCII)


@pytest.mark.parametrize(
    "target",
    [
        "",
        "*",
        "//",
        "/index.html",
        "/favicon.ico",
        f"/{H}",
        f"/{H}.narinfo?x=1",
        f"/{H}.narinfo/",
        f"//{H}.narinfo",
        f"/x/../{H}.narinfo",
        f"/{H[:-1]}.narinfo",
        f"/{H}0.narinfo",
        f"/{H[:-1]}e.narinfo",
        f"/{H[:-1]}o.narinfo",
        f"/{H[:-1]}u.narinfo",
        f"/{H[:-1]}t.narinfo",
        f"/{H.upper()}.narinfo",
        "/nar",
        "/nar/",
        "/nar//x.nar",
        "/nar/../etc/passwd",
        "/nar/.hidden",
        "/nar/a/./b",
        "/nar/..;/x",
        "/nar/a%2fb",
        "/nar/a%2Fb",
        "/nar/%2e%2e/x",
        "/nar/a%00b",
        "/nar/a%0d%0aX-Evil:%201",
        "/nar/a%5cb",
        "/nar/a%252fb",
        "/nar/a%7F",
        "/nar/a b",
        "/nar/a\\b",
        "/nar/a;b",
        "/nar/a$b",
        "/nar/a'b",
        "/nar/a#b",
        "/nar/ä",
        "/nar/" + "a" * 2000,
        "/log/hello.drv",
        f"/log/{H}-hello",
        f"/log/{H}-a/b.drv",
        "/realisations/",
        "/realisations/a/b",
        "/debuginfo/..",
        "/build-trace-v2/",
        "/NAR/x.nar",
        "/nix-cache-info/",
        "/health/x",
        "/metrics/x",
        "/status/",
        "/status/static/",
        "/status/static/.x.css",
        "/status/static/a/b.css",
        "/statusx",
    ],
)
def test_unknown(target: str) -> None:
    """What no client asks for, and what would be read differently by somebody further on."""
    assert not known(target)
