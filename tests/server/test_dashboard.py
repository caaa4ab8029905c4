"""The dashboard in a real Chromium, on a real backend."""

import re

import pytest
from backends import Process, task, wait_until
from browser import opened
from browsing import contrast, focused_by_tab, launched, texts

pytestmark = pytest.mark.browser
EVIL = "<img src=x onerror=\"window.broken=1;fetch('https://evil.example')\">"
THEMES = ("light", "dark")
NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1200, "height": 900}


@pytest.fixture(scope="module")
def browser():
    with launched() as running:
        yield running


@pytest.fixture(scope="module")
def backend(browser, tmp_path_factory, sounds):
    """With three jobs done: one of every kind of answer, one with evil names, one analysis."""
    process = Process(tmp_path_factory.mktemp("dashboard") / "backend.json").answering().ready()
    tasks = [
        {**task(sounds[0]), "name": "Vocals"},
        {**task(sounds[1], "airy"), "name": "Bass"},
        task("/nowhere/gone.wav"),
    ]
    post(process, "Make warmer", tasks)
    evil = sounds[0].with_name("<img src=x onerror=alert(1)>.wav")
    evil.write_bytes(sounds[0].read_bytes())
    post(process, EVIL, [{**task(evil), "name": EVIL, "id": EVIL}, {**task("/<b>gone.wav"), "name": EVIL}])
    analysis = {"tasks": [{"id": "a", "name": "Mix", "path": str(sounds[2])}]}
    process.http.post("/v1/analyze?wait=30", json=analysis)
    yield process
    process.end()


def post(process, label, tasks, wait=30):
    return process.http.post(f"/v1/jobs?wait={wait}", json={"label": label, "tasks": tasks}).json()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_it_fits_shows_its_plots_and_asks_nobody_else(browser, backend, theme, size):
    with opened(browser, backend, viewport=size, color_scheme=theme) as page:
        page.locator("summary", has_text="Vocals").click()
        picture = page.locator("figure img").first
        picture.scroll_into_view_if_needed()
        wait_until(lambda: page.evaluate("document.querySelector('figure img')?.naturalWidth > 0"))
        narrow = str(size is NARROW).lower()
        assert f"theme={theme}&narrow={narrow}" in picture.evaluate("image => image.currentSrc")
        page.get_by_role("button", name="Show all").click()
        width = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width[0] <= width[1]
        beyond = page.evaluate(
            "[...document.querySelectorAll('main *, header *, footer *')].filter(element => element.offsetWidth &&"
            " !element.closest('.unseen, thead, .scale') && element.getBoundingClientRect().right > innerWidth + 1)"
            ".map(element => element.outerHTML.slice(0, 80))"
        )
        assert beyond == []
        told = page.locator("details[open] .detail").inner_text().replace("\xa0", " ")
        assert "This sound" in told and "shelf" in told and "Output gain" in told
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", background))) > 384) == (theme == "light")


@pytest.mark.parametrize("theme", THEMES)
def test_all_text_can_be_read(browser, backend, theme):
    with opened(browser, backend, viewport=WIDE, color_scheme=theme) as page:
        page.locator("summary", has_text="Vocals").click()
        colors = texts(page)
        assert len(colors) > 100
        for text, ground, what in colors:
            assert contrast(text, ground) >= 4.5, what


def test_names_are_text_never_markup(browser, backend):
    with opened(browser, backend, viewport=WIDE) as page:
        job = page.locator("article", has_text="img src=x")
        assert job.locator("h2").inner_text() == EVIL
        assert job.locator(".name").all_inner_texts() == [EVIL, EVIL]
        job.locator("summary").click()
        wait_until(lambda: page.evaluate("document.querySelector('figure img')?.naturalWidth > 0"))
        assert "<b>gone.wav does not exist" in job.locator(".failed").inner_text()
        assert job.locator("img").count() == 1 and job.locator("b:not(.scale b)").count() == 0
        assert EVIL in job.locator("figure img").get_attribute("alt")
        assert page.evaluate("window.broken") is None


def test_the_keyboard_reaches_everything_and_shows_where_it_is(browser, backend):
    with opened(browser, backend, viewport=WIDE) as page:
        focused = focused_by_tab(page, "e.innerText || e.id, e.getBoundingClientRect().top", 40)
        assert all(top >= 0 for *_, top in focused)
        texts = [str(text).split("\n")[0] for _, text, _ in focused]
        assert texts[:5] == ["Skip to results", "Results", "Words", "Log", texts[4]]
        assert sum(tag == "SUMMARY" for tag, *_ in focused) == 4
        assert "search" in texts and "Show all 128 words" in texts and "Log of the backend" in texts
        # what a mouse can open, Enter opens
        page.locator("summary", has_text="Bass").focus()
        page.keyboard.press("Enter")
        page.locator(".told").wait_for()
        page.keyboard.press("Space")
        page.locator(".told").wait_for(state="hidden")
        page.locator(".skip").focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_a_job_shows_up_while_it_runs_and_can_be_cancelled(browser, backend, sounds):
    with opened(browser, backend, viewport=WIDE) as page:
        assert page.locator("#running").is_hidden()
        before = page.locator("article:visible").count()
        job = post(backend, "Make clearer", [task(path, "clear") for path in sounds * 30], wait=0)
        run = page.locator("#running li", has_text="Make clearer")
        run.wait_for()
        wait_until(lambda: page.evaluate("document.querySelector('#running progress').value > 0"))
        assert re.fullmatch(r"\d+ of 240", run.locator(".count").inner_text())
        page.get_by_role("button", name="Cancel Make clearer").focus()
        page.keyboard.press("Enter")
        run.wait_for(state="detached")
        assert page.evaluate("document.activeElement.id") == "main"  # the button is gone, the focus is not lost
        first = page.locator("article:visible").first
        assert re.search(r"cancelled after \d+ of 240", first.inner_text())
        assert page.locator("article:visible").count() == before + 1
        assert "Make clearer" in page.locator("#live").inner_text()
        assert backend.http.get(f"/v1/jobs/{job['id']}").json()["state"] == "cancelled"


def test_what_is_open_stays_open_and_focused_when_something_new_comes(browser, backend, sounds):
    with opened(browser, backend, viewport=WIDE) as page:
        summary = page.locator("summary", has_text="Vocals")
        summary.click()
        summary.focus()
        post(backend, "Another", [{**task(sounds[3]), "name": "Newcomer"}])
        page.locator("summary", has_text="Newcomer").wait_for()
        assert page.evaluate("document.activeElement.innerText").startswith("Vocals")
        assert summary.locator("..").get_attribute("open") is not None
        assert page.locator("article:visible h2").first.inner_text() == "Another"


def test_each_result_says_how_it_was_heard(browser, backend, sounds):
    item = {"file": str(sounds[4]), "position_s": 0.0, "length_s": 1.0}
    described = {**task(sounds[4]), "name": "By files", "sound": {"sample_rate": 48_000, "tracks": [{"items": [item]}]}}
    del described["path"]
    rendered = {**task(sounds[5]), "name": "By render", "rendered_because": "<i>an instrument</i> plays on it"}
    post(backend, "Both ways", [described, rendered])
    with opened(browser, backend, viewport=WIDE) as page:
        for name, told in (
            ("By files", "Heard from its files."),
            ("By render", "Rendered, because <i>an instrument</i> plays on it."),
        ):
            page.locator("summary", has_text=name).click()
            details = page.locator("details", has_text=name)
            details.locator(".facts").last.wait_for()  # they come with a second request
            assert details.locator(".facts").all_inner_texts()[-1] == told
        page.locator("summary", has_text="Vocals").click()  # a file that somebody named
        page.locator("details", has_text="Vocals").locator(".facts").first.wait_for()
        assert page.locator("details", has_text="Vocals").locator(".facts").count() == 1


def test_words_are_found_by_name_and_by_other_names(browser, backend):
    with opened(browser, backend, viewport=WIDE) as page:
        assert page.locator("#found").inner_text() == "128 words"
        assert page.locator("#word-rows tr:visible").count() == 12
        for text, word in (("warm", "warm"), ("BRIGHTER", "bright"), ("less muddy", "muddy")):
            page.fill("#search", text)
            assert word in page.locator("#word-rows tr:visible td:first-child").first.inner_text()
            assert "found" in page.locator("#found").inner_text()
        page.fill("#search", "no such word")
        assert page.locator("#word-rows tr:visible").count() == 0
        assert page.locator("#found").inner_text() == "0 words found"
        page.fill("#search", "")
        page.get_by_role("button", name="Show all 128 words").click()
        assert page.locator("#word-rows tr:visible").count() == 128
        assert page.locator("tr.weak", has_text="weak").count() > 3


def test_each_word_is_drawn_with_its_spread_and_says_what_stands_behind_it(browser, backend):
    with opened(browser, backend, viewport=WIDE) as page:
        page.fill("#search", "presence")
        row = page.locator("#word-rows tr:visible").first
        row.locator(".drawn svg.curve").wait_for()
        mean = row.locator(".drawn polyline").get_attribute("points").split()
        spread = row.locator(".drawn polygon").get_attribute("points").split()
        assert len(spread) == 2 * len(mean) > 80 and len({point.split(",")[1] for point in mean}) > 5
        assert re.fullmatch(r"\+\d\.\d dB at 3\.\d\d kHz", row.locator(".drawn figcaption").inner_text())
        assert "charts" in row.locator("td").last.inner_text()
        assert int(row.locator("td").nth(5).inner_text()) > 50
        row.get_by_role("button", name="otherwise for").click()
        bass = row.locator(".kinds > div", has_text="bass")
        assert re.search(r"\+\d\.\d dB at ([89]\d\d Hz|1\.0\d kHz)", bass.inner_text())


def test_an_empty_page_says_what_to_do_and_a_stopped_backend_is_told_of(browser, process):
    backend = process()
    with opened(browser, backend, viewport=NARROW) as page:
        assert "AEQ: Make warmer" in page.locator("#empty").inner_text()
        wait_until(lambda: page.locator("#status").inner_text().startswith("Ready"))
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        backend.http.post("/v1/shutdown")
        page.get_by_role("alert").wait_for()
        assert "AEQ: Start backend" in page.get_by_role("alert").inner_text()
        assert page.locator("#status").inner_text() == "Not running"
        refused = [fault for fault in page.faults if "ERR_CONNECTION_REFUSED" in fault]
        page.faults[:] = [fault for fault in page.faults if fault not in refused]  # the browser's own words for it
