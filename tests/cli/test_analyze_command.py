"""`analyze` and `words`: figures for people and for machines; one bad file does not stop the others."""

import json

import numpy as np
import pytest
from sounds import noise, store


def test_each_file_gets_its_words_and_a_suggestion(run, song):
    code, out, err = run("analyze", song, "--top", "3")
    assert (code, err) == (0, "")
    assert "song.wav (1.0 s, 44100 Hz, stereo)" in out and "try " in out
    assert sum("█" in line or "░" in line for line in out.splitlines()) == 3


def test_files_that_fail_are_told_of_and_the_others_go_on(tmp_path, run, song):
    silent = store(tmp_path / "silent.wav", np.zeros((1, 44_100)))
    code, out, err = run("analyze", tmp_path / "no.wav", song, silent, "--json")
    assert code == 2
    first, second, third = json.loads(out)["files"]
    assert "does not exist" in first["error"] and "silent" in third["error"]
    assert set(second) == {"file", "duration_s", "sample_rate", "channels", "profile", "suggestion"}
    scores = list(second["profile"].values())
    assert scores == sorted(scores, reverse=True) and all(0 <= score <= 1 for score in scores)
    lines = err.splitlines()
    assert len(lines) == 2 and all(line.startswith("error: ") for line in lines)


def test_a_bright_sound_is_called_bright_and_a_dull_one_warm(tmp_path, run):
    sound = noise(1, 2)
    dull = np.cumsum(sound, axis=1) - np.mean(np.cumsum(sound, axis=1))
    paths = [store(tmp_path / "bright.wav", np.diff(sound)), store(tmp_path / "dull.wav", 0.01 * dull)]
    bright, dull = (file["profile"] for file in json.loads(run("analyze", *paths, "--json")[1])["files"])
    assert bright["bright"] > 0.8 > 0.2 > bright["warm"]
    assert dull["warm"] > 0.8 > 0.2 > dull["bright"]


def test_words_with_their_evidence(run):
    code, out, err = run("words")
    assert (code, err) == (0, "")
    assert out.index("warm") < out.index("airy") < out.index("dulce")  # best known first
    assert "brighter (bright)" in out and "dulce" in out and "weak" in out


def test_words_as_json_and_by_language(run):
    answer = json.loads(run("words", "--json")[1])
    assert answer["aliases"]["unmuddy"] == "less muddy"
    row = answer["words"][0]
    known = {"settings", "people", "agreement", "cross", "sources", "charts", "charted", "kinds"}
    assert {"name", "language", "confidence", "weak"} | known == set(row)
    assert [word["name"] for word in json.loads(run("words", "--language", "es", "--json")[1])["words"]] == ["dulce"]


@pytest.mark.parametrize("language", ["fr", ""])
def test_a_language_without_words(run, language):
    code, out, err = run("words", "--language", language)
    assert (code, out) == (2, "") and "there are words in en, es" in err
