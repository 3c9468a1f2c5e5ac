"""Text that is neither TOML nor JSON."""

from collections.abc import Callable

import pytest

Refuse = Callable[[str], list[str]]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "mode = lan",
            'line 1, column 8: has a value that is not TOML: mode = lan; write it as mode = "lan"',
        ),
        (
            "mode: lan",
            'line 1, column 5: has no "=" after its key: mode: lan; write it as mode = "lan"',
        ),
        (
            'mode: "lan"',
            'line 1, column 5: has no "=" after its key: mode: "lan"; write it as mode = "lan"',
        ),
        (
            "[cache]\n\nsize = 200G # big",
            (
                "line 3, column 11: has something after its value: size = 200G # big; "
                'write it as size = "200G"'
            ),
        ),
        (
            "[mdns]\nenable = Yes",
            "line 2, column 10: has a value that is not TOML: enable = Yes; write it as enable = true",
        ),
        (
            'mode = "lan" "x"',
            (
                'line 1, column 14: has something after its value: mode = "lan" "x"; '
                "write one value in a line"
            ),
        ),
        (
            "[[upstreams]\n",
            "line 1, column 12: has a heading that is not closed: [[upstreams]; write ]] at its end",
        ),
        ("[tls\n", "line 1, column 5: has a heading that is not closed: [tls; write ] at its end"),
        (
            'host_name = "a\nmode = 1',
            'line 1, column 15: has a string that is not closed: host_name = "a; write " at its end',
        ),
        (
            'host_name = "a',
            'line 1, column 15: has a string that is not closed: host_name = "a; write " at its end',
        ),
        (
            "x = [1, 2",
            (
                "line 1, column 10: has an array that is not closed: x = [1, 2; "
                "write ] at its end, and commas between"
            ),
        ),
        (
            "mode = 'a'\nmode = 'b'",
            "line 2, column 11: repeats a key: mode = 'b'; keep one of the two",
        ),
        (
            "[cache]\n[tls]\n[cache]",
            (
                "line 3, column 7: repeats a table: [cache]; "
                "keep its keys under one heading; only [[upstreams]] repeats"
            ),
        ),
        (
            '[cache]\ndirectory = "C:\\cache"',
            'line 2, column 18: has a lone backslash: directory = "C:\\cache"; write paths with /',
        ),
        ("= 3", 'line 1, column 1: is not TOML: = 3; write lines such as mode = "lan"'),
        ("\0", 'line 1, column 1: is not TOML; write lines such as mode = "lan"'),
        (
            '{"mode": "lan",}',
            (
                "line 1, column 16: has a key without double quotes, or a comma too many: "
                '{"mode": "lan",}; write keys as "mode"; JSON has no comments, and no comma after the '
                "last value"
            ),
        ),
        (
            '{\n"mode": lan\n}',
            (
                'line 2, column 9: has no value, or one without double quotes: "mode": lan; '
                'write it as "mode": "lan"'
            ),
        ),
        (
            '{"a": 1 "b": 2}',
            (
                'line 1, column 9: has no comma before this: {"a": 1 "b": 2}; '
                "write a comma between two values"
            ),
        ),
        (
            '{"a" 1}',
            'line 1, column 6: has no colon after its key: {"a" 1}; write it as "mode": "lan"',
        ),
        (
            "{} x",
            "line 1, column 4: goes on after the end: {} x; remove what stands after the last brace",
        ),
        (
            '{"a": "b',
            'line 1, column 7: has a string that is not closed: {"a": "b; write " at its end',
        ),
    ],
)
def test_faults_of_syntax(refuse: Refuse, text: str, problem: str) -> None:
    """One problem: line and column, the line itself, what to write."""
    lines = refuse(text)
    if "comma too many" in problem and lines != [problem]:  # Python 3.13 and later know better
        [line] = lines
        assert "has a comma too many" in line
        return
    assert lines == [problem]


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 100_000,
        f"{'{'}{'[' * 100_000}",
        f"a = {'[' * 100_000}",
        f"{'.'.join('a' * 300_000)} = 1",
        f"{'.'.join(['x', *['y z'.join(chr(34) * 2)] * 150])} = 1",
    ],
)
def test_depth_is_refused(refuse: Refuse, text: str) -> None:
    """Nesting beyond what a parser can walk, or walks in minutes, is one plain problem."""
    [line] = refuse(text)
    assert line == "is nested too deeply; a spec is two tables deep" or line.startswith("line 1")


def test_thousands_of_digits_are_refused(refuse: Refuse) -> None:
    """Python refuses to read such numbers, in both notations."""
    for text in (f"a = {'9' * 5000}", f'{{"a": {"9" * 5000}}}'):
        assert refuse(text) == ["holds a number of thousands of digits; write a smaller number"]


def test_repeated_keys_of_json_are_told(refuse: Refuse) -> None:
    """JSON's parser would take the last one, silently."""
    assert refuse('{"mode": "lan", "cache": {"size": "1G", "size": "2G"}, "mode": "local"}') == [
        "mode: is written twice; keep one of the two",
        "cache.size: is written twice; keep one of the two",
    ]
    assert refuse(
        '{"upstreams": [{"url": "https://a.org"}, {"url": "https://b.org", "url": 1}]}'
    ) == [
        "upstreams[1].url: is written twice; keep one of the two",
        'upstreams[1].url: expected a string, got a number; write "url": "https://cache.nixos.org"',
    ]


def test_long_lines_are_cut_around_the_fault(refuse: Refuse) -> None:
    """A spec in one line, as programs write JSON, shows what is near."""
    [line] = refuse(
        '{"peers": {"urls": [' + '"http://a.org", ' * 50 + "oops, " + '"x", ' * 50 + "]}}"
    )
    assert "oops" in line
    assert len(line) < 200


@pytest.mark.parametrize(
    "text",
    [
        "[[upstreams]]\nproxy = http://user:hunter2@proxy:1",
        '[[upstreams]]\nproxy = "http://user:hunter2',
        '[[upstreams]]\nproxy = "http://user:hunter2\n@proxy:1"',
        '[[upstreams]]\nproxy = "http://user:hunter2@proxy:1" x',
        "[[upstreams]]\npassword = hunter2",
        "[[upstreams]]\nurl = https://user:hunter2",
        '[[upstreams]]\nurl = "https://user:hunter2@a.org',
        "[[upstreams]]\nurl = https://user:hunter2@a.org",
        '{"upstreams": [{"proxy": "http://user:hunter2@proxy:1"} x]}',
        '{"upstreams": [{"url": "https://hunter2@a.org"}',
        "hunter2@proxy",
        "user:hunter2@proxy = 1",
    ],
)
def test_offending_lines_show_no_secret(refuse: Refuse, text: str) -> None:
    """A line that may hold a password is told by its place and key alone."""
    assert "hunter2" not in "".join(refuse(text))


@pytest.mark.parametrize(
    "text",
    [
        '[[upstreams]]\nurl = "https://user:hunter2@a.org"',
        '[[upstreams]]\nurl = "user:hunter2@a.org"',
        '[[upstreams]]\nurl = "https://user:hunter2"',
        '[[upstreams]]\nurl = "https://a.org"\nproxy = "socks4://user:hunter2@proxy:1"',
        '[[upstreams]]\nurl = "https://a.org"\nproxy = "http://user:hunter2@pro xy:1"',
        '[[upstreams]]\nurl = "https://a.org"\nproxy = "http://user:hun;ter2hunter2@proxy:1"',
        '[[upstreams]]\nurl = "https://a.org"\nproxy = "http://user:hunter2@proxy:1/x"',
        '[[upstreams]]\nurl = "https://a.org"\nproxy = ["http://user:hunter2@proxy:1"]',
        'host_name = "http://user:hunter2@a.org"',
        'mode = "http://user:hunter2@a.org"',
        'upstreams = ["http://user:hunter2@a.org"]',
        '[[upstreams]]\nurl = "http://localhost:8080"\nproxy = "http://user:hunter2@127.0.0.1:8080"',
    ],
)
def test_problems_show_no_secret(refuse: Refuse, text: str) -> None:
    """No problem repeats what may be a password."""
    assert "hunter2" not in "".join(refuse(text))
