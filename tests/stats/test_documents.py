"""The page that tells what is in the log, held to the log."""

import re

from tests.checkout import ROOT


def format_in(template: str) -> str:
    """Return what a log_format is made of."""
    return "".join(re.findall(r"^    '(.*)';?$", template, re.MULTILINE))


def test_the_table_of_fields_is_the_format() -> None:
    """Every field of the log is in its table, in its place and under nginx's name for it."""
    template = (ROOT / "templates/nginx/http/50-log.j2").read_text(encoding="utf-8")
    contacts = re.search(r'default "\\t(.*)";', template)
    usual, _, hot = template.partition("{% if plan.hot %}")
    line = format_in(usual)
    assert contacts
    head, end = line.split("$passthru_contacts\\t")
    written = [*head.split("\\t"), *contacts[1].split("\\t")]

    page = (ROOT / "docs/reference/files.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+|last) \| `(.*?)` \|", page, re.MULTILINE)

    expected = [(str(number), name) for number, name in enumerate(written, 1)] + [("last", end)]
    assert sorted(expected) == sorted(rows)
    known = {
        "$upstream_cache_status": "HIT",
        "$passthru_turn": "narinfo/{{ turn }}",
        "$passthru_contacts": "",
    }
    for variable, value in known.items():
        line = line.replace(variable, value)
    assert format_in(hot) == line
