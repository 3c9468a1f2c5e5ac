"""All models at once: what holds for each of them, and for each of their keys."""

import json
from collections.abc import Callable, Iterator
from enum import EnumType
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, ValidationError
from pydantic.fields import FieldInfo

from passthru.errors import SpecError
from passthru.spec import Mode, OnOutage, Spec, Upstream, parse_spec
from passthru.spec.outline import (
    Section,
    field_at,
    find_kind,
    find_table,
    is_list,
    list_sections,
    table_at,
)
from passthru.spec.text import FORBIDDEN, check_text, is_forbidden

Field = tuple[Section, str, FieldInfo]

FIELDS = [
    (section, key, field)
    for section in list_sections()
    for key, field in section.table.model_fields.items()
]
VALUES = [
    (section, key, field) for section, key, field in FIELDS if not find_table(field.annotation)
]


def name_field(value: object) -> str | None:
    """Name a test after the key it is about."""
    if isinstance(value, Section):
        return value.path or "top"
    return value if isinstance(value, str) else ""


def wrap(section: Section, key: str, value: object) -> dict[str, Any]:
    """Return the least data that gives one key a value."""
    if not section.path:
        return {key: value}
    companions: dict[str, object] = {}
    if section.path == "tls":
        companions = {"certificate": "/run/a", "certificate_key": "/run/b"}
    if section.path.endswith("[]"):
        return {"upstreams": [{"url": "https://cache.nixos.org", key: value}]}
    return {section.path: companions | {key: value}}


def leaves(
    annotation: object, metadata: tuple[object, ...]
) -> Iterator[tuple[type, tuple[object, ...]]]:
    """Yield the plain types within a type, each with all that is said about it."""
    if hasattr(annotation, "__metadata__"):
        yield from leaves(get_args(annotation)[0], (*annotation.__metadata__, *metadata))
    elif get_args(annotation):
        for arg in get_args(annotation):
            yield from leaves(arg, ())
    elif isinstance(annotation, type):
        yield annotation, metadata


def test_the_walk_finds_all_tables() -> None:
    """The tests below look at every table of the design."""
    assert [section.path for section in list_sections()] == [
        "",
        "listen",
        "tls",
        "cache",
        "upstreams[]",
        "nix_cache_info",
        "mdns",
        "lan",
        "peers",
        "status",
    ]


@pytest.mark.parametrize("section", list(list_sections()), ids=name_field)
def test_tables_are_frozen_and_closed(section: Section) -> None:
    """No table changes after validation, takes unknown keys, or shows its input in an error."""
    assert section.table.model_config["frozen"]
    assert section.table.model_config["extra"] == "forbid"
    assert section.table.model_config["hide_input_in_errors"]
    assert section.table.__doc__


@pytest.mark.parametrize(("section", "key", "field"), FIELDS, ids=name_field)
def test_keys_are_explained(section: Section, key: str, field: FieldInfo) -> None:
    """Each key has a description that ends as a sentence, and a key of a value has an example."""
    assert field.description, f"{section.path}.{key}"
    assert field.description[0].isupper()
    assert field.description.endswith(".")
    if find_table(field.annotation) is None:
        assert field.examples
        assert isinstance(field.annotation, EnumType) or find_kind(field)


@pytest.mark.parametrize(("section", "key", "field"), VALUES, ids=name_field)
def test_examples_are_valid(section: Section, key: str, field: FieldInfo) -> None:
    """Each example can be written as it stands."""
    for example in field.examples or ():
        if (section.path, key, example) == ("mdns", "enable", True):
            continue  # with the mode of the whole example below
        parse_spec(json.dumps(wrap(section, key, example)))


def test_all_examples_together_are_valid() -> None:
    """A spec that gives every key its first example is one."""
    data: dict[str, Any] = {}
    for section, key, field in VALUES:
        table = data if not section.path else data.setdefault(section.path.removesuffix("[]"), {})
        table[key] = (field.examples or [None])[0]
    data["upstreams"] = [data["upstreams"]]
    spec = parse_spec(json.dumps(data))
    assert spec.mode is Mode.LAN
    assert spec.upstreams[0].name == "nixos"


@pytest.mark.parametrize(("section", "key", "field"), VALUES, ids=name_field)
def test_every_string_is_checked_text(section: Section, key: str, field: FieldInfo) -> None:
    """No string of any model escapes the one check against injection."""
    for leaf, metadata in leaves(field.annotation, tuple(field.metadata)):
        if leaf is not str:
            continue
        checks = [mark.func for mark in metadata if isinstance(mark, AfterValidator)]
        assert checks[:1] == [check_text], f"{section.path}.{key} is not Text"


def examples_of_strings() -> list[tuple[Section, str, str]]:
    """Return each key that takes strings, with a string it accepts."""
    found = []
    for section, key, field in VALUES:
        example = (field.examples or [None])[0]
        text = example[0] if isinstance(example, list) else example
        if isinstance(text, str):
            found.append((section, key, text))
    return found


@settings(deadline=None, max_examples=400)
@given(
    place=st.sampled_from(examples_of_strings()),
    character=st.sampled_from(sorted(FORBIDDEN))
    | st.characters(categories=["Cc", "Cf", "Zl", "Zp"])
    | st.characters().filter(is_forbidden),
    data=st.data(),
)
def test_no_forbidden_character_is_accepted_anywhere(
    place: tuple[Section, str, str], character: str, data: st.DataObject
) -> None:
    """A character that could end a word of nginx's configuration is refused at every place of every string."""
    section, key, text = place
    at = data.draw(st.integers(0, len(text)))
    field = section.table.model_fields[key]
    injected = text[:at] + character + text[at:]
    value = [injected] if is_list(field.annotation) else injected
    with pytest.raises(SpecError) as caught:
        parse_spec(json.dumps(wrap(section, key, value)))
    assert all(key in problem.where for problem in caught.value.problems)


@settings(deadline=None, max_examples=300)
@given(place=st.sampled_from(examples_of_strings()), text=st.text(max_size=30))
def test_what_is_accepted_holds_nothing_forbidden(
    place: tuple[Section, str, str], text: str
) -> None:
    """Any text is refused with problems, or becomes a value without a forbidden character."""
    section, key, _ = place
    field = section.table.model_fields[key]
    value = [text] if is_list(field.annotation) else text
    try:
        spec = parse_spec(json.dumps(wrap(section, key, value)))
    except SpecError as error:
        assert error.problems  # noqa: PT017 (both outcomes are right)
        return
    for string in strings_of(spec.model_dump(mode="json")):
        assert not any(is_forbidden(character) for character in string)


def strings_of(value: object) -> Iterator[str]:
    """Yield all strings within plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings_of(item)


@pytest.mark.parametrize(
    "value", [None, True, 3, 1.5, "text", [], [3], {}, {"a": 1}, [[]], 10**400]
)
@pytest.mark.parametrize(("section", "key", "field"), FIELDS, ids=name_field)
def test_any_type_is_accepted_or_explained(
    section: Section, key: str, field: FieldInfo, value: object
) -> None:
    """A value of any type is right, or refused in words of JSON that name the key."""
    try:
        parse_spec(json.dumps(wrap(section, key, value)))
    except SpecError as error:
        for problem in error.problems:
            assert key in problem.where
            line = str(problem).lower()
            for word in ("python", "pydantic", "input should", "valid ", "dict", "tuple", "none"):
                assert word not in line.replace("is none of its choices", "")
    else:
        assert field.description


def test_a_spec_never_changes() -> None:
    """A spec is a value."""
    with pytest.raises(ValidationError, match="frozen"):
        Spec().mode = Mode.LAN  # type: ignore[misc]
    assert hash(Spec()) == hash(Spec())


def test_the_empty_spec() -> None:
    """Nothing at all means a local cache of cache.nixos.org, as the design says."""
    spec = Spec()
    assert (spec.mode, spec.on_outage) == (Mode.LOCAL, OnOutage.ERROR)
    assert (spec.cache.size, spec.cache.min_free) == (200 << 30, 5 << 30)
    assert (spec.cache.inactive, spec.cache.narinfo_ttl) == (365 * 86400, 86400)
    assert (spec.cache.missing_ttl, spec.nix_cache_info.priority) == (30, 30)
    assert [upstream.url for upstream in spec.upstreams] == ["https://cache.nixos.org"]
    assert spec.upstreams[0].public_keys[0].startswith("cache.nixos.org-1:")
    assert (spec.upstreams[0].connect_timeout, spec.upstreams[0].read_timeout) == (5, 60)
    assert (spec.status.path, spec.mdns.name) == ("/status", "Nix cache on %h")
    assert (spec.tls, spec.host_name, spec.listen.addresses) == (None, None, None)


def test_an_upstream_has_parts() -> None:
    """A plan reads an upstream's URL by its parts."""
    upstream = Upstream(url="http://[::1]:5000/team/")
    assert upstream.name == "1-5000-team"
    assert (upstream.scheme, upstream.host, upstream.port) == ("http", "::1", 5000)
    assert (upstream.path, upstream.authority) == ("/team", "[::1]:5000")
    assert Upstream(url="https://a.org").authority == "a.org"
    assert Upstream(url="https://a.org").port == 443


def test_a_given_name_stays() -> None:
    """Only a name that is not given is made."""
    assert Upstream(url="https://a.org", name="b").name == "b"


def test_passwords_are_not_shown() -> None:
    """Neither repr nor str of a spec or of an upstream shows a proxy's password."""
    text = '[[upstreams]]\nurl = "https://a.org"\nproxy = "http://user:hunter2@proxy:1"'
    spec = parse_spec(text)
    assert spec.upstreams[0].proxy == "http://user:hunter2@proxy:1"
    for shown in (repr(spec), str(spec), repr(spec.upstreams[0]), str(spec.upstreams[0])):
        assert "hunter2" not in shown


def test_an_empty_proxy_is_none(refuse: Callable[[str], list[str]]) -> None:
    """As in nix-binary-cache, and nothing else that is empty is left out."""
    spec = parse_spec('[[upstreams]]\nurl = "https://a.org"\nproxy = ""')
    assert spec.upstreams[0].proxy is None
    assert refuse('host_name = ""') == [
        (
            "host_name: the host name is empty; write a name such as cache.example.org: "
            "letters, digits, - and dots"
        )
    ]


def test_repeats_in_lists_are_dropped() -> None:
    """What stands twice counts once, in the order of the first."""
    spec = parse_spec(
        '[listen]\naddresses = ["::1", "127.0.0.1", "[::1]"]\n[peers]\n'
        'urls = ["http://a", "http://b", "http://a/"]'
    )
    assert spec.listen.addresses == ("::1", "127.0.0.1")
    assert spec.peers.urls == ("http://a", "http://b")
    assert parse_spec('[listen]\naddresses = ["::1", "*"]').listen.addresses == ("*",)


def test_the_outline_follows_places() -> None:
    """A place in the data leads to its table and its key."""
    assert table_at(("upstreams", 1)) is Upstream
    assert table_at(("upstreams", 1, "url")) is None
    assert table_at(("nothing", "here")) is None
    assert field_at(("upstreams", 1, "public_keys", 0)) is Upstream.model_fields["public_keys"]
    assert field_at(()) is None
