"""The picture: its size, that it follows the data, and that nothing half-written stays."""

import struct
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imread

from reaper_aeq import Band, Eq
from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.errors import OutputError
from reaper_aeq.result.plot import plot_adaptation
from reaper_aeq.result.result import Result

SOURCE_DB = -3 * np.log2(GRID_HZ / 20)
# A change in the middle leaves the axes as they are: what differs then is the curve itself.
MIDDLE = 1.0 * ((GRID_HZ > 300) & (GRID_HZ < 2000))


def data(**changes):
    titles = {"title": "voice.wav: warm"} | {
        name: changes.pop(name) for name in ("title", "subtitle") if name in changes
    }
    curves = {
        "source_db": SOURCE_DB,
        "target_low_db": SOURCE_DB - 3,
        "target_high_db": SOURCE_DB + 6,
        "eq": eq(Band("low_shelf", 300, 4.0), Band("band", 2000, -2.0, enabled=False)),
        "result_db": SOURCE_DB + 4 / (1 + (GRID_HZ / 300) ** 2),
    }
    said = ("warm", 1.0, "adaptive")
    scores = {"score_before": 0.3, "score_after": 0.6, "confidence": 0.9, "explanation": "", "sample_rate": 48_000}
    return {"result": Result(*said, **scores, **curves | changes), **titles}


def eq(*bands, output_gain_db=0.0):
    return Eq(bands, output_gain_db)


@pytest.fixture
def picture(tmp_path):
    def draw(**changes):
        path = tmp_path / "plot.png"
        plot_adaptation(path, **data(**changes))
        return imread(path)

    return draw


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "plot.png"
    plot_adaptation(path, **data())
    return imread(path)


def test_a_png_of_the_promised_size_and_nothing_else(tmp_path):
    path = tmp_path / "plot.png"
    plot_adaptation(path, **data())
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", head[16:]) == (1000, 800)
    assert [p.name for p in tmp_path.iterdir()] == ["plot.png"]


def test_same_data_same_picture(picture, plain):
    assert np.array_equal(picture(), plain)


@pytest.mark.parametrize(
    "changes, where",
    [
        ({"source_db": SOURCE_DB + MIDDLE}, "upper"),
        ({"result_db": SOURCE_DB + 3 * MIDDLE}, "upper"),
        ({"target_high_db": SOURCE_DB + 6 - MIDDLE}, "upper"),
        ({"target_low_db": SOURCE_DB - 3 + MIDDLE}, "upper"),
        ({"source_db": np.where(GRID_HZ < 60, np.nan, SOURCE_DB)}, "upper"),
        ({"eq": eq(Band("low_shelf", 300, 4.0), output_gain_db=-1.0)}, "lower"),
        ({"eq": eq(Band("low_shelf", 200, 4.0))}, "lower"),
        ({"eq": eq(Band("low_shelf", 300, 4.0), Band("band", 2000, -2.0))}, "lower"),
    ],
)
def test_each_datum_is_drawn_in_its_own_half(picture, plain, changes, where):
    differs = (plain != picture(**changes)).any(axis=(1, 2))
    upper, lower = differs[:480].any(), differs[480:].any()
    assert (upper, lower) == (where == "upper", where == "lower")


def test_title_and_subtitle_are_drawn(picture, plain):
    for changes in ({"title": "other"}, {"subtitle": "score 0.3 to 0.6"}):
        differs = (plain != picture(**changes)).any(axis=(1, 2))
        assert differs[:100].any() and not differs[100:].any()


def test_the_end_of_a_long_sentence_is_drawn(picture):
    """As long as those get that say what was done for a blend."""
    sentence = f"{'At 0.84 for crisp this sound has more of it than is usual and got less ' * 4}of the bass, to "
    assert (picture(subtitle=sentence + "0.97.") != picture(subtitle=sentence + "0.37.")).any()


def test_a_third_line_stands_clear_of_the_legend(picture, plain):
    differs = (plain != picture(subtitle="many gypsy words " * 80)).any(axis=(1, 2))
    drawn = np.flatnonzero((plain[60:] != 1).any(axis=(1, 2))) + 60  # without a sentence the legend is the first
    assert drawn[0] - np.flatnonzero(differs)[-1] > 6


@pytest.mark.parametrize("text", ["50 % $\\frac{$", "x" * 500, "W" * 200, "many words " * 80, ""])
def test_no_text_runs_off_the_picture_or_fails(picture, text):
    image = picture(title=text, subtitle=text)
    assert (image[:130, 985:] == 1).all()


def test_masked_and_missing_data_are_gaps(picture):
    nothing = np.full(len(GRID_HZ), np.nan)
    picture(source_db=nothing, result_db=nothing, target_low_db=nothing, target_high_db=nothing, eq=Eq())


def test_a_stop_band_does_not_hide_the_rest(picture):
    deep = eq(*[Band("high_pass", 400, bandwidth_oct=0.5)] * 4, Band("band", 2000, -2.0))
    assert deep.response_db(np.array([20.0]), 48_000)[0] < -100
    assert picture(eq=deep).shape == (800, 1000, 4)


def test_missing_folder_is_one_clear_error(tmp_path):
    with pytest.raises(OutputError):
        plot_adaptation(tmp_path / "missing" / "plot.png", **data())
    assert list(tmp_path.iterdir()) == []


def test_failure_while_drawing_keeps_the_old_picture(tmp_path, monkeypatch):
    path = tmp_path / "plot.png"
    path.write_bytes(b"old")

    def fail(self, target, **kwargs):
        with open(target, "wb") as file:
            file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
    with pytest.raises(OutputError):
        plot_adaptation(path, **data())
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["plot.png"]


def test_a_suffix_that_is_no_picture_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"\.png"):
        plot_adaptation(tmp_path / "plot.docx", **data())
    assert list(tmp_path.iterdir()) == []


def test_vector_formats_by_suffix(tmp_path):
    plot_adaptation(tmp_path / "plot.SVG", **data())
    assert b"<svg" in (tmp_path / "plot.SVG").read_bytes()


def test_pyplot_is_never_loaded():
    code = "import sys, reaper_aeq.result.plot; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
