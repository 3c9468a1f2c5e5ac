"""The status page in a real Chromium: with and without script, light and dark, wide and narrow."""

import re
from collections.abc import Iterator
from datetime import UTC
from typing import Final

import pytest

from passthru.stats.page import render_status
from passthru.stats.snapshot import Snapshot
from tests.pages.browser import Browser, Page
from tests.pages.document import Document, contrast
from tests.pages.stage import Stage, staged
from tests.stats.snapshots import SAMPLES, busy, fresh, later

SPEED: Final = "window.setTimeout = ((real) => (f, ms) => real(f, ms / 50))(window.setTimeout)"
"""Lets the page's five seconds pass in a tenth of one."""

SEEN: Final = "getComputedStyle(document.body)"


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Serve the busy sample."""
    with staged(busy()) as stage:
        yield stage


def opened(page: Page, stage: Stage, *, is_quick: bool = False) -> None:
    """Load the page, its clock sped up if asked for."""
    if is_quick:
        page.call("Page.addScriptToEvaluateOnNewDocument", source=SPEED)
    page.goto(stage.url)


def figures(html: str) -> list[str]:
    """Return what is read in the figures, exact values with it."""
    page = Document(re.sub(r"<button\b.*?</button>", "", html))
    main = page.all("main")[0]
    values = [element.get("value") for element in page.within(main, "data")]
    paths = [element.get("d") for element in page.within(main, "path")]
    widths = [element.get("width") for element in page.within(main, "rect")]
    return [main.words.replace("every 30 s", "every 5 s"), *values, *paths, *widths]


def expected(snapshot: Snapshot) -> list[str]:
    """Return the same of what the server draws."""
    return figures(render_status(snapshot, base="/status", zone=UTC))


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize("name", SAMPLES)
def test_page_is_whole_and_quiet(browser: Browser, name: str, *, has_script: bool) -> None:
    """It reads as it was drawn; no complaint, no violated policy, no request to anybody else."""
    with staged(SAMPLES[name]()) as stage, browser.page(has_script=has_script) as page:
        opened(page, stage)

        assert figures(page.html()) == expected(stage.snapshot)
        assert page.complaints() == []
        asked = [url for url in page.asked() if not url.startswith("data:")]
        assert asked
        assert [url for url in asked if not url.startswith(f"{stage.url}")] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_nobody_scrolls_to_the_side(browser: Browser, name: str) -> None:
    """From 360 pixels on, with names and numbers of any length, tables open."""
    with staged(SAMPLES[name]()) as stage, browser.page() as page:
        opened(page, stage)
        page.run("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        too_wide = []
        for width in (360, 480, 705, 768, 961, 1200, 2400):
            page.resize(width)
            too_wide += [width] if page.is_too_wide() else []

    assert too_wide == []


def test_page_moves(browser: Browser, stage: Stage) -> None:
    """New figures and curves come by themselves, and are those that the server draws."""
    with browser.page() as page:
        opened(page, stage, is_quick=True)
        before = page.run("document.querySelector('#picture-hour .served-line').outerHTML")
        stage.snapshot = later(stage.snapshot)
        page.wait("document.querySelector('#taken').textContent === '14:03:27'")

        assert figures(page.html()) == expected(stage.snapshot)
        after = page.run("document.querySelector('#picture-hour .served-line').outerHTML")
        assert before != after
        assert page.complaints() == []


@pytest.mark.parametrize("name", SAMPLES)
def test_page_becomes_any_other(browser: Browser, name: str) -> None:
    """From the invitation of the first minute to whatever comes, and on to less, part by part."""
    with staged(fresh()) as stage, browser.page() as page:
        opened(page, stage, is_quick=True)
        for moment, sample in ((9, name), (19, "private"), (29, "fresh")):
            at = fresh().taken_at + moment
            stage.snapshot = SAMPLES[sample]().model_copy(update={"taken_at": at})
            page.wait(f"document.querySelector('#taken').textContent === '14:03:{22 + moment}'")

            # The snippets stay as they were, for somebody may be copying them.
            assert figures(page.html())[1:] == expected(stage.snapshot)[1:]
            assert len(Document(page.html()).all("section")) == len(
                Document(render_status(stage.snapshot, base="/status")).all("section")
            )
        assert page.complaints() == []


def test_reader_is_not_disturbed(browser: Browser, stage: Stage) -> None:
    """Focus, open parts, the span that was chosen and a selection outlast the new figures."""
    with browser.page() as page:
        opened(page, stage, is_quick=True)
        page.run("document.querySelector('#span-month').click()")
        page.run("document.querySelector('#table-month').open = true")
        page.run("document.querySelector('#table-month summary').focus()")
        page.run("getSelection().selectAllChildren(document.querySelector('#upstreams .url'))")
        fuller = later(stage.snapshot)
        young = fuller.instance.model_copy(update={"counting_since": fuller.taken_at})
        stage.snapshot = fuller.model_copy(update={"instance": young})  # opens on the hour
        page.wait("document.querySelector('#taken').textContent === '14:03:27'")

        assert page.run("document.querySelector('#table-month').open") is True
        assert page.run("document.activeElement.matches('#table-month summary')") is True
        assert page.run("getSelection().toString()") == "https://cache.nixos.org"
        shown = "getComputedStyle(document.querySelector('#picture-month')).display"
        assert page.run(shown) == "block"


def test_page_says_when_it_has_lost_touch(browser: Browser, stage: Stage) -> None:
    """The exporter is away: it is said, with the time of the last figures; and it comes back."""
    with browser.page() as page:
        opened(page, stage, is_quick=True)
        stage.is_down = True
        page.wait("document.querySelector('#lost').textContent !== ''")
        said = page.text("#lost")
        assert said == (
            "Lost touch (the answer was 503): these are the last figures, from 14:03:22. "
            "Trying again."
        )
        assert page.run("document.querySelector('#lost').closest('[aria-live]') !== null")
        assert page.text("#saved-today") == "1.7 TiB"
        assert page.run("document.title") == "Lost touch · cache.local"
        assert page.run("document.querySelector('.condition').checkVisibility()") is False

        stage.snapshot = later(stage.snapshot)
        stage.is_down = False
        page.wait("document.querySelector('#lost').textContent === ''")
        assert page.text("#taken") == "14:03:27"
        assert page.run("document.documentElement.className") == ""
        assert page.run("document.title") == "Well · cache.local"


def test_hidden_page_asks_for_nothing(browser: Browser, stage: Stage) -> None:
    """A tab in the background costs nothing, and looks at once when it is seen again."""
    hide = "Object.defineProperty(document, 'hidden', {{value: {}, configurable: true}})"
    tell = "document.dispatchEvent(new Event('visibilitychange'))"
    with browser.page() as page:
        opened(page, stage, is_quick=True)
        page.run(f"{hide.format('true')}; {tell}")
        page.run("new Promise((done) => setTimeout(done, 20 * 50))")
        looks = stage.looks
        page.run("new Promise((done) => setTimeout(done, 400 * 50))")
        assert stage.looks == looks

        page.run(f"{hide.format('false')}; {tell}")
        stage.snapshot = later(stage.snapshot)
        page.wait("document.querySelector('#taken').textContent === '14:03:27'")
        assert stage.looks > looks


def test_page_with_other_assets_is_loaded_anew(browser: Browser, stage: Stage) -> None:
    """After an upgrade the old script does not patch the new page."""
    with browser.page() as page:
        opened(page, stage, is_quick=True)
        page.run("document.documentElement.dataset.build = 'older'; window.mark = true")
        page.wait("window.mark === undefined && document.readyState === 'complete'")

        assert page.run("document.documentElement.dataset.build") != "older"


def test_theme_is_the_systems_until_one_is_chosen(browser: Browser, stage: Stage) -> None:
    """Three ways by keyboard, kept for the next visit, and in force before the first paint."""
    with browser.page(is_dark=True) as page:
        opened(page, stage)
        dark = page.run(f"{SEEN}.backgroundColor")
        page.prefer("light")
        light = page.run(f"{SEEN}.backgroundColor")
        assert dark != light

        page.run("document.querySelector('#theme input:checked').focus()")
        page.press("ArrowRight", code=39)
        page.press("ArrowRight", code=39)
        assert page.run("document.querySelector('#theme input:checked').value") == "dark"
        assert page.run(f"{SEEN}.backgroundColor") == dark

        page.call(
            "Page.addScriptToEvaluateOnNewDocument",
            source="addEventListener('DOMContentLoaded', () => {"
            "window.first = document.documentElement.dataset.theme })",
        )
        page.goto(stage.url)
        assert page.run("window.first") == "dark"
        assert page.run(f"{SEEN}.backgroundColor") == dark
        assert page.run("document.querySelector('#theme input:checked').value") == "dark"

        page.press("Tab", code=9)
        page.run("document.querySelector('#theme input[value=auto]').click()")
        assert page.run(f"{SEEN}.backgroundColor") == light


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no-script"])
def test_span_is_chosen_by_keyboard(browser: Browser, stage: Stage, *, has_script: bool) -> None:
    """The three charts are behind one group of switches, which needs no script."""
    with browser.page(has_script=has_script, height=2000) as page:
        opened(page, stage)
        tabs = 2 if has_script else 1  # the name, then the themes
        for _ in range(tabs + 1):
            page.press("Tab", code=9)
        before = page.picture(is_whole=False)
        page.press("ArrowRight", code=39)

        assert page.picture(is_whole=False) != before
        if has_script:
            assert page.run("document.activeElement.id") == "span-month"
            assert page.run("document.querySelector('#picture-day').checkVisibility()") is False
            assert page.run("document.querySelector('#picture-month').checkVisibility()") is True
            page.goto(stage.url)
            assert page.run("document.querySelector('#span-month').checked") is True


def test_snippet_is_copied(browser: Browser, stage: Stage) -> None:
    """By a button that says what it did."""
    with browser.page() as page:
        opened(page, stage)
        page.run("document.querySelector('.copy button').click()")
        page.wait("document.querySelector('.copy button').textContent !== 'Copy'")

        assert page.text(".copy button") in {"Copied", "Selected"}
        assert page.run("getSelection().toString().trim()") == busy().snippets["nixos"].strip()


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["busy", "ailing", "failing", "fresh"])
def test_every_text_can_be_read(browser: Browser, name: str, *, is_dark: bool) -> None:
    """As computed by the browser, each text has 4.5 to 1 against what is behind it."""
    script = """[...document.querySelectorAll('main *, header *, footer *')].filter((element) =>
        element.checkVisibility() && [...element.childNodes].some((node) =>
            node.nodeType === 3 && node.data.trim())
    ).map((element) => {
        let behind = element;
        while (behind && getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)')
            behind = behind.parentElement;
        const { color, fill } = getComputedStyle(element);
        return [element.textContent.trim().slice(0, 40), element.closest('svg') ? fill : color,
            getComputedStyle(behind ?? document.body).backgroundColor];
    })"""
    with staged(SAMPLES[name]()) as stage, browser.page(is_dark=is_dark) as page:
        opened(page, stage)
        page.run("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        seen = page.run(script)

    assert len(seen) > 30
    poor = [text for text, color, behind in seen if contrast(hexed(color), hexed(behind)) < 4.5]
    assert poor == []


def hexed(color: str) -> str:
    """Return `rgb(1, 2, 3)` as `#010203`."""
    parts = re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", color)
    assert parts, color
    return "#" + "".join(f"{int(part):02x}" for part in parts.groups())
