"""What listeners hear: equally loud, cut alike, the part that is most active; what a study refuses."""

import json
import os

import numpy as np
import pyloudnorm
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from listening_kit import METHODS, Engine, make, noise, store
from scipy.signal import correlate, freqz

from reaper_aeq.dsp.audio import AudioFile
from reaper_aeq.dsp.peaks import true_peak_db
from reaper_aeq.errors import AeqError
from reaper_aeq.evaluation.listening.stimuli import (
    FADE_S,
    StudyRequest,
    alike_in_loudness,
    anchor,
    make_study,
    most_active,
    recordings_in,
)
from reaper_aeq.evaluation.listening.study import SOUNDS, check_methods, load_study


def sounds_of(study, item):
    read = {name: soundfile.read(study.sound(item.id, name), dtype="float64") for name in item.sounds}
    assert len({rate for _, rate in read.values()}) == len({audio.shape for audio, _ in read.values()}) == 1
    return {name: audio for name, (audio, _) in read.items()}, next(iter(read.values()))[1]


def clicks(seconds, rate):
    """Little loudness, high peaks."""
    sound = 1e-3 * noise(seconds, rate, channels=1)
    sound[:, :: rate // 3] = 0.9
    return sound


@pytest.fixture(scope="module")
def various(tmp_path_factory):
    folder = tmp_path_factory.mktemp("various")
    recordings = [
        store(folder / "stereo.wav", noise(4.0)),
        store(folder / "mono.wav", 0.01 * noise(3.0, 48_000, channels=1), 48_000),
        store(folder / "clicks.wav", clicks(3.0, 44_100)),
        store(folder / "short.wav", noise(1.2, 22_050), 22_050),
    ]
    return make(folder / "study", recordings, seconds=2.0)


def test_all_sounds_of_an_item_are_equally_loud_and_none_clips(various):
    assert len(various.items) == 8
    for item in various.items:
        sounds, rate = sounds_of(various, item)
        assert set(sounds) == {*METHODS, "anchor"}
        meter = pyloudnorm.Meter(rate)
        lufs = [meter.integrated_loudness(audio) for audio in sounds.values()]
        assert max(lufs) - min(lufs) <= 0.2, (item.recording, lufs)
        peaks = [true_peak_db(audio.reshape(len(audio), -1).T) for audio in sounds.values()]
        assert max(peaks) <= -0.99
        if "clicks" in item.recording:
            assert max(peaks) == pytest.approx(-1.0, abs=0.05) and item.lufs < -24, "turned down by what is needed"
        else:
            assert np.mean(lufs) == pytest.approx(-23.0, abs=0.3)


def test_a_sound_is_the_whole_recordings_own_one_cut_at_the_same_samples(various):
    for item in various.items[:2]:
        recording, rate = soundfile.read(item.recording, dtype="float32", always_2d=True)
        sounds, _ = sounds_of(various, item)
        start, length = round(item.start_s * rate), len(sounds["original"])
        assert length == 2.0 * rate and start > 0
        fade = round(FADE_S * rate)
        for method in METHODS:
            whole = recording.T
            if method != "original":
                eq = Engine().adapt_analysis(None, item.word, method=method, intensity=1.0).eq
                assert item.eqs[method] == eq.to_dict()
                whole = eq.apply(whole, rate)
            expected = whole.T[start + fade : start + length - fade].astype(np.float64)
            heard = sounds[method][fade : length - fade]
            gain = np.vdot(expected, heard) / np.vdot(expected, expected)
            # the filter began up to a second earlier, not at the recording's start: that is forgotten
            assert np.abs(heard - gain * expected).max() < 2e-6 * np.abs(heard).max(), method
            assert np.abs(sounds[method][[0, -1]]).max() < 1e-3


def test_the_anchor_is_in_step_and_keeps_what_the_recommendation_asks():
    for rate in (22_050, 44_100, 96_000):
        impulse = np.zeros((1, rate))
        impulse[0, rate // 2] = 1.0
        freqs, response = freqz(anchor(impulse, rate)[0], worN=np.arange(0, 6000, 10.0), fs=rate)
        level_db = 20 * np.log10(np.maximum(np.abs(response), 1e-9))
        assert np.abs(level_db[freqs <= 3500]).max() <= 0.1
        assert level_db[freqs >= 4000].max() <= -25 and level_db[freqs >= 4500].max() <= -50
        sound = noise(0.5, rate, channels=1)[0]
        lag = np.argmax(correlate(anchor(sound[None], rate)[0], sound)) - (len(sound) - 1)
        assert lag == 0


@pytest.mark.parametrize("begin_s", [0.0, 3.0, 6.0])
def test_the_most_active_part_is_found_and_one_blow_does_not_win(tmp_path, begin_s):
    sound = 0.03 * noise(8.0, channels=1)
    at = round(begin_s * 44_100)
    sound[:, at : at + 2 * 44_100] *= 10
    blow = round(((begin_s + 4.5) % 8.0) * 44_100)
    sound[:, blow : blow + 2000] = 0.9
    with AudioFile(store(tmp_path / "a.wav", sound)) as file:
        start, length = most_active(file, 2.0)
    assert length == 2 * 44_100 and start / 44_100 == pytest.approx(begin_s, abs=0.11)


@settings(max_examples=15, deadline=None)
@given(seconds=st.floats(1.0, 5.0), asked=st.floats(1.0, 6.0), rate=st.sampled_from([11_025, 44_100]))
def test_an_excerpt_lies_inside_and_is_as_long_as_asked_or_as_there_is(tmp_path_factory, seconds, asked, rate):
    path = store(tmp_path_factory.mktemp("any") / "a.wav", noise(seconds, rate, channels=1), rate)
    with AudioFile(path) as file:
        start, length = most_active(file, asked)
        assert length == min(round(asked * rate), file.frames)
        assert 0 <= start <= file.frames - length


def test_of_equals_the_first_is_taken(tmp_path):
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(5 * 44_100) / 44_100)[None]
    with AudioFile(store(tmp_path / "a.wav", tone)) as file:
        assert most_active(file, 1.0)[0] <= 0.3 * 44_100  # the filter settles in the first tenths


def test_loudness_of_what_is_silent_cannot_be_matched():
    with pytest.raises(AeqError, match="silent"):
        alike_in_loudness({"a": noise(1.0), "b": np.zeros((2, 44_100))}, 44_100)


def test_names_say_nothing_and_the_token_is_the_owners(made):
    study = load_study(made)
    assert oct(os.stat(made / "study.json").st_mode)[-3:] == "600"
    sounds = [name for item in study.items for name in item.sounds.values()]
    assert len(set(sounds)) == len(sounds) == len(list((made / "stimuli").iterdir())) == 2 * 4
    sizes = {item.id: {study.sound(item.id, name).stat().st_size for name in item.sounds} for item in study.items}
    assert all(len(found) == 1 for found in sizes.values())
    told = " ".join([*sounds, *(item.id for item in study.items)])
    assert not [word for word in ("secret", *METHODS, "anchor", "warm", "bright") if word in told]


def test_aliases_are_one_word_and_folders_are_read(tmp_path):
    store(tmp_path / "b.wav", noise(1.5))
    store(tmp_path / "a.WAV", noise(1.5))
    (tmp_path / "notes.txt").write_text("no sound")
    found = recordings_in([tmp_path, tmp_path / "b.wav"])
    assert [path.name for path in found] == ["a.WAV", "b.wav"]
    study = make(tmp_path / "study", found, words=("bright", "brighter"))
    assert study.words == ["bright"] and len(study.items) == 2 == len(load_study(study.folder).items)


@pytest.mark.parametrize(
    ("audio", "words", "sentence"),
    [
        (noise(0.5), ("warm",), "shorter than 1 s"),
        (noise(2.0, channels=6), ("warm",), "6 channels"),
        (np.zeros((1, 90_000)), ("warm",), "silent"),
        (noise(2.0), ("warmth",), "unknown word"),
    ],
)
def test_what_cannot_be_heard_is_refused_and_leaves_nothing(tmp_path, audio, words, sentence):
    good, bad = store(tmp_path / "good.wav", noise(2.0)), store(tmp_path / "bad.wav", audio)
    with pytest.raises(AeqError, match=sentence):
        make(tmp_path / "study", [good, bad], words)
    assert not (tmp_path / "study" / "study.json").exists() and not (tmp_path / "study" / SOUNDS).exists()


def test_two_studies_made_at_once_in_one_folder_do_not_mix(tmp_path):
    recording = store(tmp_path / "a.wav", noise(2.0))
    refused = []

    def meanwhile(*_):
        if not refused:
            with pytest.raises(AeqError, match="another run is writing it just now") as caught:
                make(tmp_path / "study", [recording])
            refused.append(caught)

    wanted = StudyRequest(("warm",), METHODS, 2.0)
    study = make_study(tmp_path / "study", [recording], wanted, Engine(), meanwhile)
    assert refused and len(load_study(study.folder).items) == 1
    names = {sound for item in study.items for sound in item.sounds.values()}
    assert {path.name for path in (tmp_path / "study" / SOUNDS).iterdir()} == names


def test_companions_of_the_operating_system_are_no_recordings(tmp_path):
    store(tmp_path / "a.wav", noise(1.5))
    for name in ("._a.wav", "__MACOSX/a.wav", ".Trash-1000/b.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"companion")
    assert recordings_in([tmp_path]) == [tmp_path / "a.wav"]


def test_a_study_is_never_made_over_another(made, tmp_path):
    with pytest.raises(AeqError, match="holds a study already"):
        make(made, [store(tmp_path / "a.wav", noise(2.0))])


def test_a_folder_that_is_no_study_is_told_of(study, tmp_path):
    with pytest.raises(AeqError, match="no study yet"):
        load_study(tmp_path / "nowhere")
    study.sound(study.items[0].id, "fixed").unlink()
    with pytest.raises(AeqError, match="1 sounds are missing"):
        load_study(study.folder)
    path = study.folder / "study.json"
    for broken in ("{", "[]", "{}", '{"version": 1}', json.dumps(json.loads(path.read_text()) | {"more": 1})):
        path.write_text(broken)
        with pytest.raises(AeqError, match="damaged"):
            load_study(study.folder)
    path.write_text('{"version": 2}')
    with pytest.raises(AeqError, match="another version"):
        load_study(study.folder)


@pytest.mark.parametrize("methods", [["original"], ["fixed", "fixed"], ["original", "best"], [""]])
def test_methods_that_make_no_comparison_are_refused(methods):
    with pytest.raises(AeqError):
        check_methods(methods)
