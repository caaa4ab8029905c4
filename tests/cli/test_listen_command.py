"""`reaper-aeq evaluate listen`: a study made with real models, gone on with, its result printed."""

import json

import pytest
import soundfile
from sounds import noise, store

from reaper_aeq.evaluation.listening import app as app_module
from reaper_aeq.evaluation.listening.store import Store
from reaper_aeq.evaluation.listening.study import load_study

URL = "http://127.0.0.1:1/?token=x"


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch):
    """The server tells its address and ends."""
    monkeypatch.setattr(app_module, "serve", lambda study, port, ready: ready(URL))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "my study"


@pytest.fixture
def made(run, folder, tmp_path):
    songs = tmp_path / "songs"
    songs.mkdir()
    for n in range(2):
        store(songs / f"song{n}.wav", noise(seconds=1.5, seed=n))
    return run("evaluate", "listen", folder, "--audio", songs, "--word", "warm", "--word", "less muddy", "--json")


def test_a_study_is_made_of_real_answers_of_the_methods(made, folder):
    code, out, err = made
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "url": URL, "words": ["warm", "less muddy"], "methods": ["original", "fixed", "adaptive"],
        "excerpts": 4, "pairs": 12, "ratings": 4,
    }  # fmt: skip
    study = load_study(folder)
    for item in study.items:
        assert set(item.eqs) == {"fixed", "adaptive"} and item.eqs["fixed"]["bands"] and item.duration_s == 1.5
        contents = {soundfile.read(study.sound(item.id, name))[0].tobytes() for name in item.sounds}
        assert len(contents) >= 3  # of a noise nothing is known: its answer may be the fixed one, or none


def test_it_goes_on_without_audio_and_never_over_itself(made, run, folder, song):
    before = (folder / "study.json").read_bytes()
    code, out, err = run("evaluate", "listen", folder)
    assert (code, err) == (0, "")
    assert f"Open {URL}" in out and "12 pairs and 4 pages of ratings" in out and "0 answers of 0 listeners" in out
    code, out, err = run("evaluate", "listen", folder, "--audio", song, "--word", "warm")
    assert (code, out) == (2, "") and "holds a study already" in err
    assert (folder / "study.json").read_bytes() == before


def test_the_result_is_printed_as_tables_and_as_json(made, run, folder):
    assert run("evaluate", "listen", folder, "--result")[1] == "0 listeners, 0 of them to the end; 0 answers.\n"
    rank = {"original": 0, "fixed": 1, "adaptive": 2}
    ratings = {"original": 100, "fixed": 60, "adaptive": 80, "anchor": 10}
    store_ = Store(load_study(folder))
    for name, reference in (("ann", 100), ("ben", 100), ("deaf", 50)):
        token = store_.join(name)
        while page := store_.session(token).trial:
            conditions = {sound: store_.sound(token, sound)[1] for sound in page.sounds}
            if page.kind == "pair":
                best = max(page.sounds, key=lambda sound: rank[conditions[sound]])
                store_.answer(token, page.position, "more", best)
                store_.answer(token, page.position, "prefer", "neither")
            for sound, condition in conditions.items() if page.kind == "rating" else ():
                rating = reference if condition == "original" else ratings[condition]
                store_.answer(token, page.position, sound, rating)
            store_.finish(token, page.position)
    code, out, err = run("evaluate", "listen", folder, "--result", "--json")
    report = json.loads(out)
    assert (code, err) == (0, "")
    assert (report["listeners"], report["finished"], report["answers"]) == (3, 3, 3 * (24 + 16))
    overall = [row for row in report["more"] if row["word"] is None]
    assert [(row["first"], row["second"], row["for_second"]) for row in overall] == [
        ("original", "fixed", 12), ("original", "adaptive", 12), ("fixed", "adaptive", 12),
    ]  # fmt: skip
    assert overall[0]["share"] == 0.0 and overall[0]["p"] == pytest.approx(2 / 2**12)
    assert all(row["share"] is None and row["ties"] == row["answers"] for row in report["prefer"])
    assert report["left_out"] == [{"listener": 2, "below_90": 4, "pages": 4}]
    assert {row["condition"]: row["median"] for row in report["ratings"] if row["word"] is None} == ratings

    code, out, err = run("evaluate", "listen", folder, "--result")
    assert (code, err) == (0, "")
    assert "3 listeners, 3 of them to the end; 120 answers." in out and "about 20 listeners" in out
    assert "Listener 3 is left out of the ratings" in out and "4 of 4 pages" in out
    line = next(line for line in out.splitlines() if line.startswith("original / fixed") and " all " in line)
    assert line.split()[4:] == ["0", "12", "0", "0", "%", "(0", "to", "24)", "<", ".001", "0.001", "0:3:0", "0.250"]
    line = next(line for line in out.splitlines() if line.startswith("adaptive ") and " all " in line)
    assert line.split()[2:] == ["8", *["80.0", "(80.0", "to", "80.0)"] * 2]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "holds no study yet"),
        (["--result"], "holds no study yet"),
        (["--audio", "song.wav"], "needs both --audio and --word"),
        (["--word", "warm"], "needs both --audio and --word"),
        (["--audio", "song.wav", "--word", "warm", "--result"], "leave out --audio and --word"),
        (["--audio", "song.wav", "--word", "wrm"], "did you mean 'warm'"),
        (["--audio", "song.wav", "--word", "warm", "--methods", "original,magic"], "unknown method 'magic'"),
        (["--audio", "song.wav", "--word", "warm", "--methods", "original"], "at least two"),
        (["--audio", "song.wav", "--word", "warm", "--intensity", "9"], "intensity must lie between"),
        (["--audio", "gone.wav", "--word", "warm"], "gone.wav does not exist"),
        (["--audio", "empty", "--word", "warm"], "holds no recordings"),
        (["--audio", "song.wav", "--word", "warm", "--excerpt", "0.1"], "--excerpt"),
    ],
)
def test_mistakes_are_told_in_one_sentence(run, folder, song, arguments, sentence, monkeypatch):
    monkeypatch.chdir(song.parent)
    (song.parent / "empty").mkdir()
    code, out, err = run("evaluate", "listen", folder, *arguments)
    assert (code, out) == (2, "") and sentence in err and err.count("\n") == 1
    assert not (folder / "study.json").exists()
