"""The page over all tasks: what is done, what failed and what waits."""

import json

from reaper_aeq.batch.index import common_folder, write_index
from reaper_aeq.batch.inputs import PROJECT, SOUND, Task
from reaper_aeq.batch.task import TaskState, failed


def done(out, name, kind, **summary):
    files = {f"{name}.aeq{suffix}": 1 for suffix in (".RfxChain", ".html")}
    state = TaskState(
        f"{name}-id", f"/songs/a/{name}", kind, 1, outputs=files, seconds=1.25, result="r", summary=summary
    )
    (out / state.id).mkdir()
    state.write(out / state.id)


def test_all_that_is_known_is_on_the_page(tmp_path):
    done(tmp_path, "one.rpp", PROJECT, tracks=3, equalized=2, asked="", score=None, warnings=["a < b", "c"])
    done(tmp_path, "tom & <jerry>.wav", SOUND, asked="warm 70%", score=[0.25, 0.5], warnings=[])
    lost = Task("/songs/b/lost caf\udce9.rpp", PROJECT, "lost-id")
    failed(lost, tmp_path, 3, "no <media>", "trace")
    forgotten = Task("/songs/old.rpp", PROJECT, "old-id")
    failed(forgotten, tmp_path, 1, "not asked for any more", None)
    write_index([lost, Task("/songs/b/waits.rpp", PROJECT, "waits-id")], tmp_path)
    rows = json.loads((tmp_path / "index.json").read_text())["tasks"]
    assert [(row["state"], row["attempts"], row["seconds"]) for row in rows] == [
        ("done", 1, 1.25), ("done", 1, 1.25), ("failed", 3, None), ("waiting", 0, None),
    ]  # fmt: skip
    assert rows[2]["input"] == "/songs/b/lost caf?.rpp" and rows[2]["trace"] == "trace"
    assert rows[1]["files"][0] == "tom & <jerry>.wav-id/tom & <jerry>.wav.aeq.RfxChain"
    html = (tmp_path / "index.html").read_text("utf-8")
    for text in (
        '<p class="soft">/songs</p>', "<b>2</b><span>done", "<b>1</b><span>failed", "<b>1</b><span>not done yet",
        "<b>2</b><span>warnings", "width:50.00%", "2 of 3", "no &lt;media&gt;", '<td class="n">3</td>', "lost caf?.rpp",
        "tom%20%26%20%3Cjerry%3E.wav-id/tom%20%26%20%3Cjerry%3E.wav.aeq.html", "tom &amp; &lt;jerry&gt;.wav",
        'title="a &lt; b\nc"', "warm 70%", '<svg class="meter"', "0.25 → 0.50", "1.2</td>", "waits.rpp",
    ):  # fmt: skip
        assert text in html, text
    assert "old.rpp" not in html and "<jerry>" not in html and html.count("<h2>") == 4


def test_what_all_lie_in():
    assert common_folder(["/x/a/1.rpp", "/x/b/2.rpp"]) == "/x" and common_folder([]) == ""
