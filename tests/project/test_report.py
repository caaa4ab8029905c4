"""Rows and their picture: loudness, odd results, the same bytes twice."""

import json
from pathlib import Path

import numpy as np
import pytest

from reaper_aeq.dsp.loudness import integrated_loudness
from reaper_aeq.dsp.spectrum import GRID_HZ, analyze_blocks
from reaper_aeq.eq import Band, Eq
from reaper_aeq.methods.reference.match import MatchResult
from reaper_aeq.project.page import PARTS
from reaper_aeq.project.picture import picture
from reaper_aeq.project.plan import Plan, read_plan
from reaper_aeq.project.report import Report
from reaper_aeq.project.rows import MASTER, Row, loudness_lufs, visible_share
from reaper_aeq.result.result import Result

RATE = 48_000


def result(heard=slice(None)) -> Result:
    eq = Eq((Band("low_shelf", 100.0, 30.0), Band("band", 1e3, -2.0)), -1.0)
    level = np.full(len(GRID_HZ), np.nan)
    level[heard] = -30 - 5 * np.log2(GRID_HZ[heard] / 100)
    return Result(
        "warm", 1.0, "adaptive", eq, 0.2, 0.7, 0.9, "why & <how>", RATE, level, level + 1, level - 3, level + 3
    )


def test_bands_without_a_gain_show_none_and_no_bands_make_no_table():
    told = PARTS.bands_table(Eq((Band("high_pass", 64.0, 0.0, 1.9), Band("band", 1e3, 0.0)))).replace("\n", "")
    assert '<td>high pass</td><td class="n">64</td><td class="n"></td>' in told and told.count("+0.0 dB") == 1
    assert PARTS.bands_table(Eq()) == ""


def test_loudness_is_what_the_meter_says():
    rng = np.random.default_rng(0)
    spectrum = np.fft.rfft(rng.standard_normal((2, 5 * RATE)))
    sound = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(spectrum.shape[1]), 200.0)), n=5 * RATE)
    sound = (0.1 * sound / sound.std()).astype(np.float32)
    eq = Eq((Band("high_shelf", 3000.0, 6.0), Band("low_shelf", 200, -4.0)), 2.0)
    analysis = analyze_blocks([sound], RATE)
    assert loudness_lufs(analysis) == pytest.approx(integrated_loudness(sound, RATE), abs=0.3)
    assert loudness_lufs(analysis, eq) == pytest.approx(integrated_loudness(eq.apply(sound, RATE), RATE), abs=0.3)
    assert loudness_lufs(analyze_blocks([np.zeros((1, RATE), np.float32)], RATE)) is None


@pytest.mark.parametrize("heard", [slice(None), slice(0, 0), slice(5, 6), slice(3, 60, 2), slice(20, 30)])
def test_any_spectrum_can_be_drawn(heard):
    drawn = picture(result(heard), 'a "track"')
    assert drawn.count("<svg") == drawn.count("</svg>") == 2 and "nan" not in drawn and "inf" not in drawn
    assert "a &quot;track&quot;" in drawn and len(drawn) < 25_000


def test_a_narrow_source_is_known():
    assert visible_share(result()) == 1.0 and visible_share(result(slice(0, 20))) < 0.5


def test_the_same_run_gives_the_same_page_and_json():
    matched = MatchResult(**vars(result()), references=("a",), by="posterior", distance_db=(5.0, 2.5))
    rows = [
        Row(1, "<b>", ("Drums & all",), kind="low", instance="AEQ: warm 100%", result=result(), lufs=(-20.0, -20.1)),
        Row(2, "", left="it is muted", warnings=["& so on"]),
        Row(MASTER, "MASTER", result=matched, instance="AEQ match: a 50%", duration_s=200.0),
    ]
    report = Report("song.rpp", "song.aeq.rpp", RATE, Plan(Path("p.toml"), text="# <plan>"), rows)
    html = report.html()
    assert html == report.html() and "<b>" not in html.replace("<b>Track 2</b>", "") and "&lt;plan&gt;" in html
    for words in ("2 of 3 got an EQ", "1 left alone", "1 warning", "5.0 → 2.5 dB", "3.3 min", "Drums &amp; all"):
        assert words in html
    tracks = json.loads(json.dumps(report.to_dict(), allow_nan=False))["tracks"]
    assert tracks[1]["left_alone"] == "it is muted" and tracks[2]["references"] == ["a"]
    assert tracks[2]["distance_db"] == {"before": 5.0, "after": 2.5} and tracks[0]["bands"][0]["gain_db"] == 30.0
    assert Report("a", "b", RATE, read_plan(), []).to_dict()["plan"] == "default"
