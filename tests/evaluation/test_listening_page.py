"""The listeners' page in a real Chromium, from the first page to the last."""

import re
import sqlite3
import threading
from collections import Counter
from contextlib import closing

import pytest
import uvicorn
from browsing import contrast, focused_by_tab, launched, page_at, texts
from listening_kit import METHODS, make, noise, store

from reaper_aeq.evaluation.listening.app import create_app
from reaper_aeq.evaluation.listening.study import ANSWERS
from reaper_aeq.server.state import listening_socket

pytestmark = pytest.mark.browser
NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1100, "height": 850}
# What the page does with Web Audio, and what is let through to the listener.
SPY = """
window.spy = { starts: [], gains: [] };
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, offset) {
  spy.starts.push([when, offset, this.loop, this.buffer.length]);
  start.call(this, when, offset);
};
window.GainNode = class extends GainNode {
  constructor(...given) { super(...given); spy.gains.push(this); }
};
"""


@pytest.fixture(scope="module")
def browser():
    with launched() as running:
        yield running


@pytest.fixture(scope="module")
def served(browser, tmp_path_factory):
    """A study of one recording and one word: three pairs, one page of ratings. Gives it and its address."""
    folder = tmp_path_factory.mktemp("page")
    study = make(folder / "study", [store(folder / "secret.wav", noise(1.5))], words=("warm",), seconds=1.2)
    with listening_socket(0) as sock:
        port = sock.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(create_app(study, port), log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        yield study, f"http://127.0.0.1:{port}/?token={study.token}"
        server.should_exit = True
        thread.join(20)


def stored(study, table):
    with closing(sqlite3.connect(study.folder / ANSWERS)) as db:
        return db.execute(f"select * from {table} where listener = (select max(number) from listeners)").fetchall()


def begin(page, name):
    page.get_by_label("Your name or a pseudonym").fill(name)
    page.get_by_label("I take part").check()
    page.get_by_role("button", name="Begin").click()
    at(page, 1)


def at(page, number):
    """Waits for a page whose sounds are there."""
    page.wait_for_selector(f"#progress-text:text-is('{number} of 4')")
    page.wait_for_selector("#play:not([disabled])")


def plays(page):
    page.wait_for_selector("#play:text-is('Pause')")


def gains(page):
    """Of the sounds that are playing, once a switch is over."""
    page.wait_for_timeout(100)
    return [round(value, 2) for value in page.evaluate("spy.gains.slice(-2).map((node) => node.gain.value)")]


def saved(page):
    page.wait_for_selector("#status-text:text-is('Stored')")


def pair_by_keys(page, answers="15"):
    page.keyboard.press("a")
    plays(page)
    page.keyboard.press("b")
    page.wait_for_selector("fieldset:not([disabled])")
    for key in answers:
        page.keyboard.press(key)
    page.wait_for_selector("#next:not([disabled])")
    page.keyboard.press("Enter")


def test_a_whole_session_with_mouse_and_keys(browser, served):
    study, url = served
    with page_at(browser, url, viewport=WIDE) as page:
        page.add_init_script(SPY)
        page.reload()
        begin(page, "session")
        token = page.url.split("#")[1]

        # first pair, by mouse: nothing can be answered before both were heard
        radios = page.locator("input[type=radio]")
        assert radios.count() == 6 and not any(radios.nth(n).is_enabled() for n in range(6))
        assert page.locator("legend").all_inner_texts() == ["Which is warmer?", "Which do you prefer?"]
        page.get_by_role("button", name="Play").click()
        plays(page)
        assert gains(page) == [1, 0]
        page.get_by_role("button", name="B", exact=True).click()
        assert gains(page) == [0, 1]
        first, second = page.evaluate("spy.starts")  # switching started nothing anew
        assert first == second and first[2] is True and first[1] == 0
        assert page.get_by_role("button", name="B", exact=True).get_attribute("aria-pressed") == "true"
        page.get_by_role("group", name="Which is warmer?").get_by_label("B").check()
        saved(page)
        assert len(stored(study, "choices")) == 1, "an answer is stored at once"
        assert page.locator("#next").is_disabled()

        # a reload goes on at the same page with what was answered
        page.reload()
        at(page, 1)
        assert page.url.endswith(f"#{token}")
        assert page.get_by_role("group", name="Which is warmer?").get_by_label("B").is_checked()
        assert page.locator("input:checked").count() == 1
        page.keyboard.press("a")
        plays(page)
        page.keyboard.press("b")
        page.get_by_role("group", name="Which do you prefer?").get_by_label("no difference").check()
        page.wait_for_selector("#next:not([disabled])")
        page.get_by_role("button", name="Next").click()

        # two pairs by keys alone
        for number in (2, 3):
            at(page, number)
            pair_by_keys(page)
        assert Counter(row[2] for row in stored(study, "choices")) == {"more": 3, "prefer": 3}

        # ratings: by arrows, by mouse, and 0 where the handle does not move
        at(page, 4)
        sliders = page.get_by_role("slider", name=re.compile("Rating of"))
        assert sliders.count() == 4 and page.locator("input.unset").count() == 4
        assert not any(sliders.nth(n).is_enabled() for n in range(4))
        page.keyboard.press("0")
        plays(page)
        page.keyboard.press("1")
        page.wait_for_selector("input[aria-label='Rating of 1']:focus")
        page.keyboard.press("End")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("2")
        page.wait_for_selector("input[aria-label='Rating of 2']:focus")
        for _ in range(6):
            page.keyboard.press("PageUp")
        for n in (3, 4):
            page.get_by_role("button", name=str(n), exact=True).click()
            box = page.wait_for_selector(f"input[aria-label='Rating of {n}']:not([disabled])").bounding_box()
            page.mouse.click(box["x"] + (box["width"] / 2 if n == 3 else 4), box["y"] + box["height"] / 2)
        page.wait_for_selector("#next:not([disabled])")
        values = [sliders.nth(n).get_attribute("aria-valuetext") for n in range(4)]
        assert values[:2] == ["99, excellent", "60, good"] and values[2:] == ["50, fair", "0, bad"]
        assert sorted(row[3] for row in stored(study, "ratings")) == [0, 50, 60, 99]
        assert {row[2] for row in stored(study, "ratings")} == {*METHODS, "anchor"}
        page.get_by_role("button", name="Next").click()
        page.get_by_role("heading", name="Thank you").wait_for()
        page.reload()
        page.get_by_role("heading", name="Thank you").wait_for()


def test_nothing_on_the_page_says_which_sound_is_which(browser, served):
    _, url = served
    secret = re.compile(r"secret|\b(original|fixed|adaptive|anchor)\b")
    with page_at(browser, url, viewport=WIDE) as page:
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        begin(page, "suspicious")
        for number in (1, 2, 3, 4):
            at(page, number)
            told = page.content() + page.evaluate("JSON.stringify([localStorage, sessionStorage, history.state])")
            assert secret.findall(told.lower()) == []
            if number < 4:
                pair_by_keys(page)
        assert len([address for address in asked if "/sounds/" in address]) == 3 * 2 + 5
        assert secret.findall(" ".join(asked)) == []


def test_two_listeners_at_once_and_one_who_comes_back(browser, served):
    _, url = served
    with page_at(browser, url) as first, page_at(browser, url) as second:
        begin(first, "first")
        begin(second, "second")
        pair_by_keys(first)
        at(first, 2)
        second.reload()
        at(second, 1)
        assert first.url != second.url
        # the page is closed and opened again without the address that ends in the token
        first.goto(url)
        first.get_by_role("button", name="Go on as first").click()
        at(first, 2)
        # a name that is taken
        second.goto(url)
        second.get_by_label("Your name").fill("FIRST")
        second.get_by_label("I take part").check()
        second.get_by_role("button", name="Begin").click()
        assert "takes part already" in second.get_by_role("alert").inner_text()
        second.faults[:] = [fault for fault in second.faults if "409" not in fault]


def test_playing_on_from_where_it_was(browser, served):
    _, url = served
    with page_at(browser, url) as page:
        page.add_init_script(SPY)
        page.reload()
        begin(page, "seeker")
        page.keyboard.press("Space")
        plays(page)
        page.wait_for_timeout(400)
        page.keyboard.press("Space")
        page.wait_for_selector("#play:text-is('Play')")
        page.keyboard.press("b")
        plays(page)
        starts = page.evaluate("spy.starts")
        assert len(starts) == 4 and starts[2] == starts[3] and 0.2 < starts[2][1] < 1.2
        box = page.locator("#seek").bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        starts = page.evaluate("spy.starts")
        assert starts[-1] == starts[-2] and starts[-1][1] == pytest.approx(0.6, abs=0.05)
        assert gains(page) == [0, 1]
        # it loops: after more than its length it still plays, inside of it
        page.wait_for_timeout(1300)
        assert 0 <= float(page.locator("#seek").input_value()) <= 1 and page.locator("#play").inner_text() == "Pause"
        # both keys before the sounds are decoded must not decode them twice
        page.reload()
        at(page, 1)
        page.keyboard.press("a")
        page.keyboard.press("b")
        plays(page)
        assert len(page.evaluate("spy.starts")) == 2


def test_an_answer_that_could_not_be_sent_is_sent_again(browser, served):
    study, url = served
    with page_at(browser, url) as page:
        begin(page, "patient")
        page.route("**/trials/**", lambda route: route.abort())
        page.keyboard.press("a")
        plays(page)
        page.keyboard.press("b")
        page.wait_for_selector("fieldset:not([disabled])")
        page.keyboard.press("1")
        page.wait_for_selector("#status-text:text-is('Not stored')")
        assert "sent again" in page.get_by_role("alert").inner_text()
        page.keyboard.press("4")
        assert page.locator("#next").is_disabled() and stored(study, "choices") == []
        page.unroute("**/trials/**")
        page.wait_for_selector("#next:not([disabled])")
        assert len(stored(study, "choices")) == 2 and page.get_by_role("alert").count() == 0
        page.faults[:] = [fault for fault in page.faults if "ERR_FAILED" not in fault]  # the browser's words for it


def test_a_second_window_of_the_same_listener_is_told_to_reload(browser, served):
    _, url = served
    with page_at(browser, url) as page, page_at(browser, url) as other:
        begin(page, "twice")
        other.goto(page.url)  # another address behind the #: the page loads anew by itself
        at(other, 1)
        pair_by_keys(page)
        at(page, 2)
        sent = []
        other.on("request", lambda request: sent.append(request.url))
        other.keyboard.press("a")
        plays(other)
        other.keyboard.press("b")
        other.wait_for_selector("fieldset:not([disabled])")
        other.keyboard.press("1")
        other.get_by_role("alert").wait_for()
        assert "reload to go on" in other.get_by_role("alert").inner_text()
        other.wait_for_timeout(200)
        assert len([address for address in sent if "/trials/" in address]) == 1 and other.locator("#next").is_disabled()
        other.faults[:] = [fault for fault in other.faults if "409" not in fault]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_and_can_be_read(browser, served, theme):
    _, url = served
    with page_at(browser, url, viewport=WIDE, color_scheme=theme) as page:
        page.get_by_label("Your name").wait_for()
        assert "3 pairs" in page.locator("#overview").inner_text()
        fits_and_reads(page, theme)
        begin(page, f"reader {theme}")
        fits_and_reads(page, theme)
        for number in (1, 2, 3):
            at(page, number)
            pair_by_keys(page)
        at(page, 4)
        page.locator(".keys summary").click()
        fits_and_reads(page, theme)


def fits_and_reads(page, theme):
    for size in (NARROW, WIDE):
        page.set_viewport_size(size)
        width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width[0] <= width[1]
    found = texts(page)
    assert len(found) >= 6
    for text, ground, what in found:
        assert contrast(text, ground) >= 4.5, what
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) > 384) == (theme == "light")


def test_the_keyboard_reaches_everything_and_shows_where_it_is(browser, served):
    _, url = served
    with page_at(browser, url, viewport=WIDE) as page:
        begin(page, "keys only")
        page.keyboard.press("a")
        plays(page)
        page.keyboard.press("b")
        page.wait_for_selector("fieldset:not([disabled])")
        for key in "26":
            page.keyboard.press(key)
        page.wait_for_selector("#next:not([disabled])")
        page.locator("#question").focus()
        focused = [name for _, name in focused_by_tab(page, "e.id || e.innerText", 12)]
        assert focused == ["play", "seek", "A", "B", "more-1", "prefer-2", "next", "Keys"]
        unnamed = page.evaluate(
            "[...document.querySelectorAll('button, input, progress')].filter((e) => e.offsetWidth"
            " && !e.ariaLabel && !e.labels?.length && !e.innerText.trim()).length"
        )
        assert unnamed == 0
