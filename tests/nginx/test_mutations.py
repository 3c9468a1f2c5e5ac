"""Proof that the behaviour tests notice: break one directive, and the test of it turns red.

It takes a minute or two, so it runs only with PASSTHRU_TEST_NGINX=all.
"""

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from passthru.nginx.capabilities import parse_capabilities
from passthru.nginx.plan import make_plan
from passthru.nginx.render import render
from passthru.spec import parse_spec
from tests.golden.test_golden import MACHINE
from tests.nginx.cache import BREAK

HERE = Path(__file__).parent
STALE = "expired_content_is_served_stale[installed-503]"

MUTATIONS = (
    ("proxy_cache_lock on;", "", "filling", "many_clients_make_one_download[installed]"),
    ("sendfile off;", "proxy_cache_lock on;", "filling", "narinfos_wait_for_no_lock"),
    ("proxy_force_ranges on;", "", "filling", "ranges_of_a_stored_nar[installed-ignored]"),
    ("proxy_cache_background_update on;", "", "outage", "a_stale_narinfo_waits_for_nobody"),
    ("proxy_cache_use_stale[^;]+;", "", "outage", STALE),
    ("proxy_cache_revalidate on;", "", "validity", "a_stale_narinfo_is_revalidated"),
    ("proxy_ignore_headers[^;]+;", "", "validity", "no_upstream_header_rules_us[installed-cookie]"),
    ("proxy_hide_header Set-Cookie;", "", "validity", "header_rules_us[installed-cookie]"),
    ("proxy_cache_valid 403[^;]+;", "", "chain", "a_no_falls_to_the_next_and_is_remembered"),
    ("(proxy_cache_valid 403[^;]+ )[^;]+;", r"\g<1>1h;", "chain", "a_no_is_forgotten_after"),
    ('proxy_cache_key "[a-h]', 'proxy_cache_key "', "chain", "a_no_falls_to_the_next"),
    ("recursive_error_pages on;", "", "chain", "eight_upstreams_are_asked_in_turn"),
    (" 429(?= )", "", "chain", "any_other_answer_of_one_is_no_answer[installed-nar]"),
    ("return 502 ", "return 404 ", "chain", "the_order_of_no_and_outage_does_not_matter"),
    ("return 504 ", "return 404 ", "chain", "told[installed-silent]"),
    (r"\(\?:\^\|\[ =\]\)504", "504", "chain", "called_as_a_failure_is[installed-mirror-504]"),
    (r" HIT=\)\+\+\$", " [A-Z]+=)++$", "outage", "a_disk_that_cannot_be_read_is_no_miss"),
    (r"HIT=\)\+\+\$", "HIT=.*)++$", "chain", "the_order_of_no_and_outage_does_not_matter"),
    ("add_header X-Cache-Upstream[^;]+;", "", "chain", "the_first_that_has_it_answers"),
    ("proxy_ssl_verify on;", "", "upstream_tls", "cannot_be_verified_is_an_outage"),
    ("proxy_ssl_server_name on;", "", "upstream_tls", "an_upstream_is_verified_and_named"),
    ("proxy_ssl_name [^;]+;", "", "upstream_tls", "an_upstream_is_verified_and_named"),
    ("proxy_http_version 1.1;", "proxy_http_version 1.0;", "upstream_tls", "are_kept"),
    ('proxy_set_header Connection "";', "", "upstream_tls", "are_kept"),
    ("proxy_pass_request_headers off;", "", "headers", "no_header_of_a_client"),
    ('proxy_set_header Content-Length "";', "", "headers", "a_body_of_a_get"),
    ("gzip off;", "gzip on; gzip_proxied any; gzip_types *;", "headers", "nothing_is_encoded"),
    ("server_tokens off;", "", "headers", "a_version_of_nginx_is_not_told"),
    ("proxy_no_cache[^;]+;", "", "spoilt", "a_cut_nar_is_not_stored[installed-close]"),
    (
        r"proxy_no_cache \$passthru_page",
        "proxy_no_cache",
        "spoilt",
        "what_is_no_answer_is_not_stored[installed-portal]",
    ),
    (r"\$passthru_endless;", "0;", "spoilt", "what_is_no_answer_is_not_stored[installed-empty]"),
    (r"\$request_uri\";", '$uri";', "grammar", "every_tidy_path_is_stored_as_itself"),
    (r"if \(\$passthru_unknown_path\) {[^}]+}", "", "grammar", "reaches_no_upstream[installed]"),
    (r"if \(\$passthru_other_method\) {[^}]+}", "", "methods", "other_methods_are_refused"),
    (r"if \(\$passthru_loop\) {[^}]+}", "", "loops", "a_request_that_was_here_is_508"),
    (r"max_size=\d+", "max_size=1g", "zones", "nars_stay_below_their_share"),
    ("limit_conn passthru__led 1;", "", "fills/following", "late_follower_reads"),
    (
        r'set \$passthru_follows "[^;]+;',
        'set $passthru_follows "";',
        "fills/following",
        "nobody_has_it[installed-1]",
    ),
    (r"proxy_cache_bypass \$[^;]+;", "", "fills/breaking", "a_dead_workers_lock_is_passed_by"),
    ("X-Passthru-Again @", "X-Passthru-Never @", "fills/following", "second_upstream_is_followed"),
    (
        r"if \(\$passthru_\w+_refused\) {[^}]+}",
        "",
        "absolute_urls",
        "nobody_else_is_asked[installed]",
    ),
    (
        "sub_filter [^;]+http://[^;]+;",
        "",
        "absolute_urls",
        "comes_through_the_cache[installed-first]",
    ),
    (r"passthru_unknown_path\) {", "passthru_loop) {", "absolute_urls", "hostile_paths"),
    (
        r"https://passthru_a_\w+\$",
        "https://passthru_a$",
        "proxies",
        "through_the_proxy[installed-squid]",
    ),
    ("403 404 500 503 = @narinfo", "500 = @narinfo", "hot/serving", "cannot_be_served"),
    ("return 464;", "break;", "hot/serving", "nothing_else_leads_to_a_copy"),
    (r"/1\$uri\n        /2\$uri", "/2$uri /1$uri", "hot/serving", "order_of_upstreams"),
    ("(passthru_hot.*(?s:.)+?)HIT", r"\g<1>-", "hot/serving", "log_of_copies"),
    ("open_file_cache_valid 1s;", "open_file_cache_valid 9s;", "hot/commands", "is_explained_and"),
    (" http2(?= )|http2 on;", "", "listeners", "tls_offers_http2"),
)

BEHIND_A_PROXY = """\
[[upstreams]]
url = "https://a.test"
name = "a"
proxy = "http://127.0.0.1:9"
redirect_hosts = ["b.test"]
"""


@pytest.mark.parametrize("old", sorted({mutation[0] for mutation in MUTATIONS}))
def test_what_is_broken_is_rendered(old: str) -> None:
    """Each directive that is broken below stands in a rendering as it is written there."""
    assert any(re.search(old, text) for text in _renderings())


@pytest.mark.skipif(os.environ.get("PASSTHRU_TEST_NGINX") != "all", reason="takes minutes")
@pytest.mark.parametrize(("old", "new", "module", "test"), MUTATIONS)
def test_a_broken_directive_is_noticed(old: str, new: str, module: str, test: str) -> None:
    """With one directive broken, nginx starts and the test that pins its behaviour fails."""
    folder, _, name = module.rpartition("/")
    path = HERE.parent / (folder or HERE.name) / f"test_{name}.py"
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header"),
            *(str(path), "-k", _expression(test), "--tb=short", "--show-capture=no"),
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=HERE.parent.parent,
        env={**os.environ, "PASSTHRU_TEST_NGINX": "", BREAK: json.dumps({old: new})},
        timeout=100,
    )

    assert run.returncode == 1, f"not noticed:\n{run.stdout[-2000:]}"
    assert "nginx did not start" not in run.stdout, run.stdout[-2000:]


@cache
def _renderings() -> tuple[str, ...]:
    golden = HERE.parent / "golden"
    told = (golden / "nginx-V/debian-12.txt").read_text(encoding="utf-8")
    plan = make_plan(parse_spec(BEHIND_A_PROXY), parse_capabilities(told), MACHINE)
    return (
        *(path.read_text(encoding="utf-8") for path in golden.rglob("*.conf")),
        *render(plan).files.values(),
    )


def _expression(test: str) -> str:
    name, _, parameters = test.partition("[")
    words = [name, *parameters.rstrip("]").split("-")]
    return " and ".join(word for word in (*words, "installed") if word)
