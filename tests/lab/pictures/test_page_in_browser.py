"""The page in a real browser: what a reader does, and that nothing goes wrong on the console."""

import pytest
from browser import Browser, installed
from picture_runs import NASTY, everything, many

from trivet.lab.pictures.page import draw_page

pytestmark = [
    pytest.mark.skipif(not installed(), reason="chromium and chromedriver are not installed"),
    pytest.mark.xdist_group("browser"),
]

SETTLED = "return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture(scope="module")
def browser():
    window = Browser()
    yield window
    window.close()


@pytest.fixture
def page(browser, tmp_path):
    """Opens a recording's page; in the end the console must have stayed silent."""

    def show(recording, *arguments, **named):
        path = tmp_path / "page.html"
        path.write_text(draw_page(recording, *arguments, **named), encoding="utf-8")
        browser.open(path)
        return browser

    yield show
    assert browser.complaints() == []


def step_of(browser):
    return browser.text("#count"), browser.text("#words")


def test_stepping_with_buttons_and_keys(page):
    browser = page(everything(), ["A story."])
    assert "Step through" in browser.text("#words")
    browser.click("#next")
    first = step_of(browser)
    assert first[0].startswith("1 of ")
    for _ in range(4):
        browser.click("#next")
    assert step_of(browser)[0].startswith("5 of ")
    browser.click("#prev")
    browser.press("\ue014", "\ue014", "\ue012")  # right, right, left
    assert step_of(browser)[0].startswith("5 of ")
    seen = []
    for _ in range(60):
        browser.press("\ue014")
        seen.append(browser.text("#words"))
    for sentence in [
        "node 1 sends RequestVote t1 to node 3, but it is lost on the way",
        "node 2 receives RequestVote t1 from node 1",
        "node 1 is now leader in term 1",
        "A partition stops AppendEntries t1 #1 commit 0 from node 1 to node 2",
        "Client 2 has for GET x: nil",
        "node 3: power cut",
    ]:
        assert sentence in seen
    assert browser.run("return document.getElementById('next').disabled")


def test_jumping_to_the_complaint(page):
    browser = page(everything())
    browser.click("#jump")
    assert browser.text("#words") == "linearizability: client 2 read nothing after client 1 had written"
    assert "client 2: GET x" in browser.text("#fields")


def test_filtering_by_kind_node_and_routine(page):
    browser = page(everything())

    def events():
        return int(browser.text("#count").split(" of ")[1])

    whole = events()
    browser.click("#routine")
    assert events() == whole + 8
    browser.click("#routine")
    browser.click("#filter summary")
    browser.click("#kinds label:nth-of-type(1) input")
    assert browser.text("#kinds label:nth-of-type(1)").strip() == "AppendEntries (6)"
    assert events() == whole - 11  # six are sent; three arrive, one is blocked, one lost, one still under way
    browser.click("#none")
    without = events()
    browser.click("#all")
    assert events() == whole > without
    browser.click("#lanes label:nth-of-type(3) input")
    assert events() < whole
    browser.click("#lanes label:nth-of-type(3) input")
    assert events() == whole


def test_pointing_at_a_message_shows_its_content_and_a_click_selects_it(page):
    browser = page(everything())
    middle = browser.run(
        SETTLED.replace(
            "done)",
            "() => { const m = document.getElementById('scroller').getBoundingClientRect(); done([m.left, m.top]); })",
        )
    )
    # Look for an arrow where the first one must be: between the first two lanes.
    found = ""
    for y in range(40, 300, 4):
        browser.point(middle[0] + 190, middle[1] + y)
        found = browser.text("#tip")
        if "RequestVote t1" in found:
            browser.point(middle[0] + 190, middle[1] + y, click=True)
            break
    assert "node 1 → node" in found and "holds" in found
    assert "RequestVote t1" in browser.text("#words")


def test_zooming_even_time_and_the_whole_run(page):
    browser = page(everything())
    height = "return document.getElementById('sizer').offsetHeight"
    natural = browser.run(height)
    browser.click("#in")
    assert browser.run(height) > natural
    browser.click("#one")
    assert browser.run(height) == natural
    browser.click("#fit")
    assert browser.run(height) <= 1
    browser.click("#even")
    assert browser.run(height) > natural
    browser.run(SETTLED)


def test_nasty_texts_are_shown_as_they_are(page):
    browser = page(everything(NASTY), [NASTY], NASTY, title=NASTY)
    assert browser.text("h1") == NASTY
    assert browser.text("#story p") == NASTY
    browser.click("#jump")
    assert NASTY in browser.text("#words")


def test_twenty_thousand_messages(page):
    browser = page(many(20_000))
    events = int(browser.text("#count").split(" of ")[1].replace(",", ""))
    assert events > 31_000
    browser.click("#routine")
    browser.press("\ue014")
    for where in (0.2, 0.5, 0.9):
        browser.run(
            "const s = document.getElementById('scroller'); s.scrollTop = arguments[0] * s.scrollHeight",
            where,
        )
        browser.run(SETTLED)
    drawn = browser.run(
        "const c = document.getElementById('canvas'), p = c.getContext('2d').getImageData(0, 40, c.width, 400).data;"
        "return new Set(new Uint32Array(p.buffer)).size"
    )
    assert drawn > 20  # the view is not empty
    browser.click("#fit")
    browser.click("#jump")
    assert "something that cannot be" in browser.text("#words")


@pytest.mark.parametrize(("width", "height", "dark"), [(390, 844, False), (1280, 860, True)])
def test_nothing_spills_over_on_a_phone_or_in_the_dark(tmp_path, width, height, dark):
    window = Browser(width, height, dark)
    try:
        path = tmp_path / "page.html"
        path.write_text(draw_page(everything(), ["A story."], "a verdict"), encoding="utf-8")
        window.open(path)
        window.click("#next")
        assert window.run("return document.documentElement.scrollWidth") <= width
        background = window.run("return getComputedStyle(document.body).backgroundColor")
        assert background == ("rgb(20, 24, 29)" if dark else "rgb(255, 255, 255)")
        assert window.complaints() == []
    finally:
        window.close()
