"""The status page as HTML: what is on it, for whom, and that nothing of a stranger's acts."""

import re
from datetime import UTC
from itertools import pairwise
from typing import Final

import pytest

from passthru.stats import page as status_page
from passthru.stats import words
from passthru.stats.page import ASSETS, POLICY, asset, render_status
from passthru.stats.snapshot import Condition, UpstreamState
from tests.pages.document import Document, contrast, palette
from tests.pages.pictures import PICTURES, PLACE
from tests.stats.snapshots import SAMPLES, SNIPPETS, ailing, busy, fresh, hostile, private

ALL: Final = pytest.mark.parametrize("name", SAMPLES)
STYLE: Final = asset("status.css")[0].decode()
SCRIPT: Final = asset("status.js")[0].decode()


def rendered(name: str) -> str:
    """Return the page of one of the samples."""
    return render_status(SAMPLES[name](), base="/status", zone=UTC)


def document(name: str) -> Document:
    """Return the same, taken apart."""
    return Document(rendered(name))


@ALL
def test_page_is_well_formed_and_small(name: str) -> None:
    """Every element is closed, every id is there once, and the whole is under 110 KB."""
    page = rendered(name)
    ids = [element.get("id") for element in Document(page).elements if element.get("id")]

    assert len(ids) == len(set(ids))
    assert len(page.encode()) < 110_000


@ALL
def test_figures_are_those_of_the_snapshot(name: str) -> None:
    """Each figure has its exact value beside the one that is read, and both are the snapshot's."""
    shown, page = SAMPLES[name](), document(name)
    values = {element.get("value"): element.words for element in page.all("data")}
    rounded = {value: words.format_bytes(int(value)) for value in values}

    total = [shown.tallies.total.requests, shown.tallies.total.served_bytes]
    upstreams = [number for u in shown.upstreams for number in (u.requests, u.fetched_bytes)]
    assert {str(number) for number in total + upstreams} <= values.keys()
    for value, text in values.items():
        assert text in {rounded[value], f"{rounded[value]}/s", words.format_count(int(value))}


def test_tiles_say_the_four_things() -> None:
    """Saved, hits, served now, cache used: by hand from the sample."""
    shown, page = busy(), document("busy")
    today, total = shown.tallies.today, shown.tallies.total

    assert page.id("saved-today").words == words.format_bytes(today.saved_bytes)
    assert page.id("byte-hits").words == "91 %"
    assert page.id("served-now").words == "119 MiB/s"
    assert page.id("used").words == "151 GiB of 200 GiB"
    tiles = [element.words for element in page.within(page.id("tiles"), "dd")]
    assert tiles[1] == f"{words.format_bytes(total.saved_bytes)} since 13 November 2025"
    assert tiles[3] == "93 % by requests; 91 % in all"
    assert tiles[5] == "9.3 MiB/s fetched; 412 requests/s"
    assert tiles[7] == "full in 3 weeks at this rate"


@pytest.mark.parametrize(
    ("used", "to_full", "text"),
    [
        (None, None, "not looked at yet"),
        (0, None, "not growing"),
        (100, 7200.0, "full in 2 hours at this rate"),
        (195, 60.0, "full: the least wanted gives way"),
    ],
)
def test_tile_of_the_cache_knows_its_four_states(
    used: int | None, to_full: float | None, text: str
) -> None:
    """Unknown, still, growing and full."""
    shown = busy()
    changed = {"used_bytes": used, "max_bytes": 200, "seconds_to_full": to_full}
    store = shown.store.model_copy(update=changed)
    page = Document(render_status(shown.model_copy(update={"store": store}), base="/s", zone=UTC))

    assert page.within(page.id("tiles"), "dd")[7].words == text


@pytest.mark.parametrize("condition", Condition)
def test_condition_is_told_by_word_shape_and_colour(condition: Condition) -> None:
    """Each has its own word, its own sign and its own class."""
    shown = busy()
    headline = shown.headline.model_copy(update={"condition": condition})
    text = render_status(shown.model_copy(update={"headline": headline}), base="/status")
    page = Document(text)
    (told,) = page.all("p", "condition")

    assert (
        told.words
        == {"well": "Well", "attention": "Needs attention", "failing": "Failing"}[condition]
    )
    assert page.within(told, "use")[0].get("href") == f"#sign-{condition}"
    assert condition in page.id("headline").classes
    assert f'id="sign-{condition}"' in text
    assert page.all("title")[0].words.startswith(told.words)


def test_headline_speaks_and_lists() -> None:
    """The sentence is the h1, each thing that wants attention a line."""
    page, shown = document("ailing"), ailing()

    assert page.all("h1")[0].words == "Serving, but two upstreams do not answer well"
    (details,) = page.all("ul", "details")
    assert [item.words for item in page.within(details, "li")] == list(shown.headline.details)


@pytest.mark.parametrize("state", UpstreamState)
def test_every_state_of_an_upstream_has_word_and_sign(state: UpstreamState) -> None:
    """And the last error stands beside the states that are about errors."""
    shown = ailing()
    upstream = shown.upstreams[1].model_copy(update={"state": state})
    page = Document(
        render_status(shown.model_copy(update={"upstreams": (upstream,)}), base="/", zone=UTC)
    )
    (cell,) = page.within(page.id("upstreams"), "td")[:1]

    assert page.within(cell, "use")
    assert ("timeout: no answer within 60 s, 12 seconds ago" in cell.words) == (
        state in {UpstreamState.FAILING, UpstreamState.DOWN}
    )


def test_fresh_cache_invites() -> None:
    """Instead of zeros there is what to paste, and what will be seen then."""
    page, shown = document("fresh"), fresh()
    first, second, *_ = (element.words for element in page.all("h2"))

    assert (first, second) == ("Point a machine at it", "Then you will see here")
    assert not page.all("figure")
    assert not page.all("dl", "tiles")
    assert "not asked yet" in page.id("upstreams").words
    assert {code.text for code in page.all("code")} >= set(shown.snippets.values())


@ALL
def test_snippets_are_on_it_as_they_are_pasted(name: str) -> None:
    """To the letter, the first one open."""
    page, shown = document(name), SAMPLES[name]()
    (box,) = page.all("div", "snippets")
    texts = [element.text for element in page.within(box, "code")]
    folds = page.within(box, "details")

    assert sorted(texts) == sorted(shown.snippets.values())
    assert ["open" in fold.attributes for fold in folds] == [True] + [False] * (len(folds) - 1)


def test_snippets_of_unknown_names_are_shown_too() -> None:
    """A newer rendering may know more kinds than the page."""
    shown = busy().model_copy(update={"snippets": {"zz": "1", **SNIPPETS, "aa": "2"}})
    page = Document(render_status(shown, base="/status"))
    (box,) = page.all("div", "snippets")

    assert [element.words for element in page.within(box, "summary")] == [
        "NixOS",
        "Other Linux, macOS",
        "Just once",
        "aa",
        "zz",
    ]


def test_private_cache_tells_no_names() -> None:
    """Without `status.paths` there is no list of what was wanted, and no path."""
    page = document("private")

    assert private().wanted is None
    assert not [element for element in page.elements if element.get("id") == "wanted"]
    assert page.all("code", "path") == []
    assert "a file" in page.id("fills").words
    assert [e.get("id") for e in page.elements].count("neighbours") == 0


def test_lists_are_bounded() -> None:
    """A flood of neighbours, downloads, details or packages does not flood the page."""
    shown = busy()
    headline = shown.headline.model_copy(update={"details": ("x",) * 500})
    flooded = shown.model_copy(
        update={
            "neighbours": shown.neighbours * 500,
            "fills": shown.fills * 500,
            "wanted": (shown.wanted or ()) * 500,
            "headline": headline,
        }
    )
    page = render_status(flooded, base="/status")

    assert len(page) < 140_000
    assert "and 1480 more" in page


# --- strangers -----------------------------------------------------------------------------------


@ALL
def test_nothing_of_a_strangers_acts(name: str) -> None:
    """No script but ours, no handler, no inline style, and links only where they may lead."""
    page = document(name)
    names = {attribute for element in page.elements for attribute in element.attributes}
    links = [element.get("href") for element in page.all("a")]

    assert [element.get("src").partition("?")[0] for element in page.all("script")] == [
        "/status/static/theme.js",
        "/status/static/status.js",
    ]
    assert not [attribute for attribute in names if attribute.startswith("on")]
    assert "style" not in names
    assert page.all("style") == []
    assert not [link for link in links if not link.startswith(("/", "http://", "https://"))]
    assert {"iframe", "object", "embed", "form", "base"}.isdisjoint(e.tag for e in page.elements)


def test_strange_texts_are_neutral() -> None:
    """Controls and bidi marks are gone, names are cut, and stand apart from the text around."""
    text = render_status(hostile(), base="/status")
    page = Document(text)

    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\x00\x1b]", text)
    for element in page.all("bdi"):
        assert len(element.text) <= 200
    assert "<script>alert" not in text
    addresses = page.within(page.id("neighbours"), "a")
    assert addresses == []
    assert len(page.within(page.id("neighbours"), "tr")) == 5


def test_neighbours_links_tell_nothing_of_us() -> None:
    """Who follows one does not say where from."""
    page = document("busy")
    links = page.within(page.id("neighbours"), "a")

    assert [link.get("href") for link in links] == [n.url for n in busy().neighbours]
    assert {link.get("rel") for link in links} == {"noreferrer nofollow"}


def test_path_of_the_page_is_text_too() -> None:
    """A base that is none of ours breaks out of nothing."""
    page = Document(render_status(busy(), base='/"><script>alert(1)</script>'))

    assert len(page.all("script")) == 2


def test_policy_lets_in_what_the_page_needs() -> None:
    """Its own style and script, an icon in the page, requests to itself; and nothing else."""
    policy = dict(part.split(" ", 1) for part in POLICY.split("; "))

    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "script-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert not set(POLICY) & set('"$\\\n')


def test_assets_are_a_closed_set() -> None:
    """The names asked for on the page, and no path out of the directory."""
    page = document("busy")
    wanted = {e.get("src") or e.get("href") for e in page.all("script") + page.all("link")}
    names = {url.removeprefix("/status/static/").partition("?")[0] for url in wanted}

    assert names - {name for name in names if name.startswith("data:")} == set(ASSETS)
    for name in ("status.html.j2", "../nginx/nginx.conf.j2", "", "index.html.j2"):
        with pytest.raises(KeyError):
            asset(name)
    assert asset("status.css")[1] == "text/css; charset=utf-8"


def test_assets_have_a_name_that_changes_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a browser may keep them, and a page that runs notices others."""
    page = document("busy")
    before = page.all("html")[0].get("data-build")
    status_page._build.cache_clear()
    monkeypatch.setattr(status_page, "_asset_bytes", lambda name: name.encode())
    after = document("busy").all("html")[0].get("data-build")
    status_page._build.cache_clear()

    assert before != after
    assert all(f"?{before}" in e.get("src") for e in page.all("script"))


def test_assets_ask_for_nothing_elsewhere() -> None:
    """No address, no import, no font, no image."""
    for name in ASSETS:
        text = asset(name)[0].decode()
        assert not re.search(r"//[a-z0-9-]+\.|@import|url\(|@font-face|import\(", text)


def test_script_is_short_and_writes_no_markup() -> None:
    """Under 200 lines, and what it shows it sets as text or takes from the server's own page."""
    assert SCRIPT.count("\n") < 200
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", SCRIPT)


# --- readers of all kinds ------------------------------------------------------------------------


@ALL
def test_page_has_the_parts_that_screen_readers_go_by(name: str) -> None:
    """One h1, one main, headings without gaps, names for regions, tables with captions and scope."""
    page = document(name)
    ids = {element.get("id") for element in page.elements}
    ranks = [int(e.tag[1]) for e in page.elements if re.fullmatch("h[1-6]", e.tag)]

    assert page.all("html")[0].get("lang") == "en"
    assert (len(page.all("main")), ranks.count(1), ranks[0]) == (1, 1, 1)
    assert all(later - earlier <= 1 for earlier, later in pairwise(ranks))
    for element in page.elements:
        assert set(element.get("aria-labelledby").split()) <= ids
    for section in page.all("section"):
        assert section.get("aria-labelledby")
    for table in page.all("table"):
        assert page.within(table, "caption")[0].words
        assert all(cell.get("scope") in {"col", "row"} for cell in page.within(table, "th"))
        widths = {len(row.children) for row in page.within(table, "tr")}
        assert len(widths) == 1


@ALL
def test_only_the_headline_is_announced(name: str) -> None:
    """Figures that move every few seconds would talk without end."""
    live = [e for e in document(name).elements if e.get("aria-live")]

    assert [element.get("aria-live") for element in live] == ["polite"]
    assert any(parent.get("id") == "headline" for parent in live[0].parents)


@ALL
def test_controls_have_names(name: str) -> None:
    """Each input has a label, each group a legend, each scrolling block a name and a place."""
    page = document(name)

    labels = {label.get("for") for label in page.all("label")}
    for control in page.all("input"):
        assert control.get("id") in labels or any(p.tag == "label" for p in control.parents)
    for group in page.all("fieldset"):
        assert page.within(group, "legend")[0].words
    for element in page.elements:
        if element.get("tabindex"):
            assert (element.get("tabindex"), element.get("role")) == ("0", "region")
            assert element.get("aria-label")


def test_charts_are_pictures_with_words() -> None:
    """Each has a title, a description and a table; other drawings are hidden from readers."""
    page = document("busy")

    charts = page.all("svg", "chart")
    assert len(charts) == 3
    for chart in charts:
        named, described = chart.get("aria-labelledby").split()
        assert chart.get("role") == "img"
        assert page.id(named).words.startswith("Served against fetched, last ")
        assert page.id(described).words.startswith("Served ")
        assert len(page.within(chart, "rect")) in {60, 96, 120}
    assert len(page.all("figure")) == len(page.all("table")) - 4 == 3
    for drawing in page.all("svg"):
        inside = any(parent.get("role") == "img" for parent in drawing.parents)
        assert inside or drawing.get("role") == "img" or drawing.get("aria-hidden") == "true"


def test_without_script_it_renews_itself_and_has_no_dead_switch() -> None:
    """The switch of themes is hidden until the script shows it; copy buttons come with it."""
    page = document("busy")
    (meta,) = [e for e in page.all("meta") if e.get("http-equiv")]

    assert (meta.get("http-equiv"), meta.get("content")) == ("refresh", "30")
    assert meta.parents[-1].tag == "noscript"
    assert "hidden" in page.id("theme").attributes
    assert page.all("button") == []


@pytest.mark.parametrize(
    ("age", "span"), [(0, "hour"), (600, "hour"), (10_799, "hour"), (10_800, "day"), (1e8, "day")]
)
def test_the_chart_that_is_open_at_first(age: float, span: str) -> None:
    """A young cache opens on its last hour, for its day would be empty but for the edge."""
    shown = busy()
    instance = shown.instance.model_copy(update={"counting_since": shown.taken_at - age})
    page = Document(render_status(shown.model_copy(update={"instance": instance}), base="/status"))

    assert [e.get("id") for e in page.all("input") if "checked" in e.attributes] == [f"span-{span}"]


LIGHT, DARK, CHOSEN = (
    palette(block)
    for block in re.findall(r":root[^{]*\{([^{}]*)\}", STYLE)
)  # fmt: skip


def test_dark_is_the_same_however_it_was_chosen() -> None:
    """By the system or by the switch; and every colour of the one theme is there in the other."""
    assert DARK == CHOSEN
    assert DARK.keys() == LIGHT.keys()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "ground"),
        ("ink", "panel"),
        ("soft", "ground"),
        ("soft", "panel"),
        ("accent", "ground"),
        ("code", "panel"),
        ("on-accent", "accent"),
        ("served", "ground"),
        ("well", "ground"),
        ("attention", "ground"),
        ("attention", "panel"),
        ("failing", "ground"),
    ],
)
def test_text_can_be_read(theme: dict[str, str], text: str, ground: str) -> None:
    """Contrast is 4.5 to 1 or better, in both themes."""
    assert contrast(theme[text], theme[ground]) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("one", "other"),
    [("served", "ground"), ("served", "served-fill"), ("fetched", "served-fill")],
)
def test_curves_can_be_told_apart(theme: dict[str, str], one: str, other: str) -> None:
    """Lines stand off from what is around them by 3 to 1 (WCAG 1.4.11)."""
    assert contrast(theme[one], theme[other]) >= 3


def test_style_names_no_colour_outside_the_palette() -> None:
    """So that the checks above see all of them."""
    rest = re.sub(r":root[^{]*\{[^{}]*\}", "", STYLE)

    assert not re.search(r"#[0-9a-f]{3,8}\b|rgb|hsl", rest)
    assert "prefers-reduced-motion" in STYLE
    assert "tabular-nums" in STYLE


def test_pictures_of_the_docs_are_there_and_small() -> None:
    """Each that the script takes, none past 300 KB."""
    sizes = {name: (PLACE / f"{name}.png").stat().st_size for name in PICTURES}

    assert all(10_000 < size < 300_000 for size in sizes.values()), sizes
