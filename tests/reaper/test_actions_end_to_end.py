"""The actions, the real backend process and the model: what the user hears and sees of a press.

One backend serves all tests of this file, started by the first press, as a user's first press starts it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import standin.commands
import torch
from actions_kit import TONE, Clip, Session, Strip, ours, reaeq
from standin.envelopes import Envelope
from standin.envelopes import lanes as lanes_of
from standin.fx_chain import fx_list
from standin.injection import turn_band

from reaper_aeq import AdaptiveEQ
from reaper_aeq.demo.song import make_song
from reaper_aeq.dsp.spectrum import GRID_HZ
from reaper_aeq.eq import Band, Eq
from reaper_aeq.model.curves import center
from reaper_aeq.model.profile_store import ProfileStore
from reaper_aeq.reaper.reaeq.instance import to_eq

ALREADY_WARM = 0.95
SECONDS = 4.0


class Studio:
    """Opens songs beside one backend; `heard` has what each track's EQ hears: its file, or what was rendered."""

    def __init__(self, folder: Path):
        self.folder, self.sessions, self.heard = folder, [], {}
        self.engine = AdaptiveEQ.load(device="cpu")

    def open(self, tmp_path: Path, strips, **options) -> Session:
        command = [sys.executable, "-m", "reaper_aeq"]
        state_file = self.folder / "backend.json"
        session = Session(tmp_path, strips, backend=False, command=command, state_file=state_file, **options)
        session.reaper.ext_state.values[("reaper-aeq", "settings")] = '{"start_timeout_s": 120}'
        self.sessions.append(session)
        for strip in strips:
            for clip in strip.clips:
                if isinstance(clip.source, Path):
                    audio, rate = soundfile.read(clip.source, always_2d=True)
                    self.heard[strip.name] = soxr.resample(audio[: round(clip.length * rate)], rate, 48_000).T
        return session

    def keep(self, project, paths) -> None:
        for path in paths:
            number = int(path.stem.split("-")[1]) if "-" in path.stem else 0
            self.heard[project.tracks[number - 1].name if number else "Master"] = soundfile.read(path)[0].T

    def warmth(self, track: str, eq: Eq | None = None) -> float:
        audio = self.heard[track]
        return self.engine.score(eq.apply(audio, 48_000) if eq else audio, 48_000, "warm")

    def assert_as_adapted(self, session: Session, request, intensity: float = 1.0) -> None:
        """Every instance holds what `adapt` says for the sound that was rendered."""
        found = ours(session.project)
        assert found
        for track, [(_, state)] in found.items():
            eq = self.engine.adapt(self.heard[track], 48_000, request, intensity=intensity, name=track).eq
            held = to_eq(state)
            # Neighboring bands may share a curve in more ways than one: what counts is the curve.
            curves = [e.response_db(GRID_HZ, 48_000) for e in (held, eq)]
            print(f"{track}: within {np.abs(curves[0] - curves[1]).max():.4f} dB of adapt")
            assert np.abs(curves[0] - curves[1]).max() < 0.05
            assert [b.kind for b in held.bands if b.enabled] == [b.kind for b in eq.bands if b.enabled]
            assert held.output_gain_db == pytest.approx(eq.output_gain_db, abs=0.05)


def _db(gains) -> list[float]:
    return list(20 * np.log10(np.asarray(gains)))


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    studio = Studio(tmp_path_factory.mktemp("studio"))
    real = standin.commands.render

    def render(reaper, project):
        paths = real(reaper, project)
        studio.keep(project, paths)
        return paths

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(standin.commands, "render", render)
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("AEQ_PROFILES", str(studio.folder / "own.sqlite"))
        yield studio
        if studio.sessions and (studio.folder / "backend.json").exists():
            studio.sessions[-1].press("Stop backend")
    for session in studio.sessions:
        session.close()


@pytest.fixture
def song(studio, tmp_path, monkeypatch):
    """(strips -> session) beside the backend."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temp"))
    studio.heard.clear()
    return lambda strips, **options: studio.open(tmp_path, strips, **options)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> dict[str, Path]:
    """The demo's six tracks, and two of them again at another balance: eight."""
    folder = tmp_path_factory.mktemp("recordings")
    files = {}
    for track in make_song(sample_rate=48_000):
        files[track.name] = folder / f"{track.name}.wav"
        soundfile.write(files[track.name], track.audio[:, : int(SECONDS * 48_000)].T, 48_000, subtype="FLOAT")
    for name, gain in (("pad", 2.0), ("keys", -2.0)):
        audio = soundfile.read(files[name])[0]
        files[f"{name} again"] = folder / f"{name} again.wav"
        tilted = np.diff(audio, axis=0, prepend=0.0) if gain > 0 else np.cumsum(audio, axis=0) * 0.02
        soundfile.write(files[f"{name} again"], tilted, 48_000, subtype="FLOAT")
    return files


def strips_of(recordings, **options) -> list[Strip]:
    return [Strip(name, [Clip(path, length=SECONDS, selected=True)], **options) for name, path in recordings.items()]


def select_tracks(session) -> None:
    with session.reaper.as_user() as project:
        for track in project.tracks:
            track.select(True)
        for item in project.items:
            item.select(False)


def check_eight_tracks(studio, s: Session) -> None:
    began = time.monotonic()
    s.press("Make warmer", timeout_s=180)
    print(f"8 tracks, the start of the backend included: {time.monotonic() - began:.1f} s")
    assert s.said == [] and s.left_behind() == []
    assert {name for found in ours(s.project).values() for name, _ in found} == {"AEQ: warm 100%"}
    assert len(ours(s.project)) == 8 and len(s.project.undo_points) == 1 and s.reaper.renders == []
    studio.assert_as_adapted(s, "warm")
    before = {name: studio.warmth(name) for name in studio.heard}
    after_first = s.project.bytes()
    s.press("Make warmer")
    assert s.project.bytes() == after_first, "the same sound, the same bands"
    for name, score in before.items():
        [(_, state)] = ours(s.project)[name]
        assert score > ALREADY_WARM or studio.warmth(name, to_eq(state)) > score, name
    select_tracks(s)
    s.press("Analyze")
    assert s.reaper.ui.console.count("(heard from its files)") == 8 and s.reaper.renders == []
    for label in s.project.undo_points:
        assert label.label.startswith("AEQ: make warmer")


def test_eight_tracks(studio, song, recordings):
    check_eight_tracks(studio, song(strips_of(recordings)))


@pytest.mark.shared
def test_eight_recordings(studio, song, shared_dir):
    names = ("mdn_mt", "ichbin_", "coulton", "ehlers", "brid", "cmt", "bevy", "dunston")
    files = [next(p for p in sorted((shared_dir / "audio").iterdir()) if p.name.startswith(name)) for name in names]
    recordings = {path.stem: path for path in files}
    check_eight_tracks(studio, song(strips_of(recordings)))


def test_one_undo_takes_everything_back(studio, song, recordings):
    s = song(strips_of(recordings))
    s.press("Make warmer")
    assert s.reaper.undo() == "AEQ: make warmer (8 tracks)" and s.project.bytes() == s.before


def test_airier_makes_the_blend_and_the_rest_needs_no_rendering(studio, song, recordings):
    s = song(strips_of(dict(list(recordings.items())[:2])))
    s.press("Make warmer")
    s.press("Make airier")
    assert {n for f in ours(s.project).values() for n, _ in f} == {"AEQ: warm 100% + airy 100%"}
    studio.assert_as_adapted(s, {"warm": 1.0, "airy": 1.0})
    blend, renders = s.project.bytes(), len(s.reaper.renders)
    gains = {t: [b.gain for b in f[0][1].bands] for t, f in ours(s.project).items()}
    s.press("More")
    assert {n for f in ours(s.project).values() for n, _ in f} == {"AEQ: warm 125% + airy 125%"}
    for track, [(_, state)] in ours(s.project).items():
        assert _db([b.gain for b in state.bands]) == pytest.approx([1.25 * g for g in _db(gains[track])], abs=0.01)
    s.press("Less")
    for track, [(_, state)] in ours(s.project).items():
        assert _db([b.gain for b in state.bands]) == pytest.approx(_db(gains[track]), abs=0.01)
    s.reaper.undo()
    s.reaper.undo()
    assert s.project.bytes() == blend
    s.press("Compare")
    s.press("Compare")
    assert s.project.bytes() == blend
    s.press("Remove")
    assert ours(s.project) == {} and len(s.reaper.renders) == renders and s.said == []


def test_tracks_with_the_users_own_eqs_in_a_folder(studio, song, recordings):
    before, after = reaeq(Band("low_shelf", 150, -6)), reaeq(Band("high_shelf", 6000, 3))
    clip = Clip(recordings["voice"], length=SECONDS)
    strips = [Strip("Bus", folder=1), Strip("voice", [clip], fx=[before, after], selected=True, folder=-1)]
    s = song(strips)
    s.press("Make warmer")
    assert s.said == [] and list(ours(s.project)) == ["voice"]
    studio.assert_as_adapted(s, "warm")
    assert all(line.encode() in s.project.bytes() for line in before[1:-1] + after[1:-1])
    first = s.project.bytes()
    s.press("Make warmer")
    assert s.project.bytes() == first


def test_a_midi_track_and_take_fx(studio, song, recordings):
    fx = [reaeq(Band("low_shelf", 200, 9))]
    s = song(
        [
            Strip("Synth", [Clip("MIDI", 0, SECONDS, selected=True)], fx=[TONE]),
            Strip("Take", [Clip(recordings["keys"], length=SECONDS, selected=True, take_fx=fx)]),
        ]
    )
    s.press("Make brighter")
    assert s.said == [] and sorted(ours(s.project)) == ["Synth", "Take"]
    studio.assert_as_adapted(s, "bright")


def test_master_project(studio, song, recordings):
    s = song(strips_of(dict(list(recordings.items())[:3])))
    s.press("Master project")
    assert s.said == [] and len(ours(s.project)) == 4 and "Master" in ours(s.project)
    s.reaper.undo()
    assert s.project.bytes() == s.before


def test_match_to_a_file(studio, song, recordings):
    """The reference is the keys with a known EQ: the answer is that EQ."""
    audio = soundfile.read(recordings["keys"])[0].T
    wanted = Eq((Band("low_shelf", 300.0, 5.0), Band("high_shelf", 3000.0, -5.0)))
    reference = recordings["keys"].with_name("keys wanted.wav")
    soundfile.write(reference, wanted.apply(audio, 48_000).T, 48_000, subtype="FLOAT")
    s = song(strips_of({"keys": recordings["keys"]}))
    with s.reaper.as_user() as project:
        project.items[0].select(False)
    s.reaper.ui.files.append(str(reference))
    s.press("Set reference")
    with s.reaper.as_user() as project:
        project.items[0].select(True)
    s.press("Match to reference")
    [(name, state)] = ours(s.project)["keys"]
    assert name == "AEQ match: keys wanted.wav 100%"
    # what a ReaEQ does, its level apart, where the keys have sound
    inside = (GRID_HZ > 150) & (GRID_HZ < 5000)
    differ = (to_eq(state).response_db(GRID_HZ, 48_000) - wanted.response_db(GRID_HZ, 48_000))[inside]
    assert np.std(differ) < 0.5
    s.reaper.undo()
    assert s.project.bytes() == s.before


def test_a_word_that_nobody_knows(studio, song, recordings):
    s = song(strips_of({"voice": recordings["voice"]}))
    s.reaper.ui.inputs.append("blorpy|1")
    s.press("Ask for a word")
    assert len(s.said) == 1 and "blorpy" in s.said[0] and s.unchanged and s.left_behind() == []


def test_a_press_along_the_song_moves_the_gains_where_its_balance_changes(studio, tmp_path):
    """Real backend and models: the envelopes are what `adapt` says of the same file, at the project's times."""
    rng = np.random.default_rng(3)
    halves = []
    for slope in (1.0, 3.2):
        spectrum = np.fft.rfft(rng.standard_normal((2, 10 * 48_000)))
        spectrum /= np.maximum(np.fft.rfftfreq(10 * 48_000, 1 / 48_000), 25.0) ** (slope / 3)
        half = np.fft.irfft(spectrum)
        halves.append(0.05 * half / half.std())
    path = tmp_path / "song.wav"
    soundfile.write(path, np.concatenate(halves, 1).T, 48_000, "FLOAT")
    s = studio.open(tmp_path, [Strip("Song", [Clip(path, 2.0, 20.0)], selected=True)])
    s.press("Make warmer along the song", timeout_s=150)
    assert s.said == []
    [fx] = fx_list(s.project.tracks[0])
    lanes = {number: Envelope(s.project.tracks[0], node).values for number, node in lanes_of(fx)}
    wanted = studio.engine.adapt(np.concatenate(halves, 1), 48_000, "warm", name="Song", sections=True).moving
    assert wanted is not None and wanted.moving
    for which in wanted.moving:
        last = which == len(wanted.bands)
        values = lanes[3 * len(fx.eq.state.bands) if last else 3 * which + 1]
        scale = 1 if last else 4
        for at_s in (1.0, 5.0, 9.0, 13.0, 18.0):
            now = wanted.at(at_s)
            gain_db = now.output_gain_db if last else now.bands[which].gain_db
            value = np.interp(at_s + 2.0, *zip(*values, strict=True))
            assert 20 * np.log10(scale * value) == pytest.approx(gain_db, abs=0.1), (which, at_s)


def test_an_edit_is_learned_and_the_next_press_does_not_add_it_twice(studio, song, recordings, tmp_path):
    """The real backend hears, keeps and learns; the EQ stays what the hand made of it, and the word has moved."""
    name = "voice"
    s = song([Strip(name, [Clip(recordings[name], length=SECONDS, selected=True)])])
    s.press("Make warmer", timeout_s=120)
    assert s.said == []
    [(_, first)] = ours(s.project)[name]
    band = next(n for n, one in enumerate(first.bands) if one.enabled and one.type in (0, 1, 8))
    with s.reaper.as_user() as project:
        turn_band(project.tracks[0], 0, band, gain_db=20 * np.log10(first.bands[band].gain) + 4.0)
    [(_, turned)] = ours(s.project)[name]
    store = ProfileStore(studio.folder / "own.sqlite")
    try:
        s.press("More", timeout_s=120)
        s.press("Less", timeout_s=120)
        s.press("Learn from my edits", timeout_s=120)
        assert s.said[-1].startswith(f"Learned from your change on '{name}'. Now known of you: 1 setting of 'warm'.")
        (edit,) = store.edits()
        change = np.array(edit.made_db) - np.array(edit.computed_db)
        assert (edit.word, len(edit.heard)) == ("warm", 59) and np.abs(change).max() == pytest.approx(4.0, abs=0.3)
        s.press("Make warmer", timeout_s=120)
        [(shown, last)] = ours(s.project)[name]
        curves = [to_eq(one).response_db(GRID_HZ, 48_000) for one in (turned, last)]
        assert shown == "AEQ: warm 100% (edited)" and np.abs(curves[0] - curves[1]).max() < 0.02
        s.press("Start afresh")
        [(_, own)] = ours(s.project)[name]
        after, before = (to_eq(one).response_db(GRID_HZ, 48_000) for one in (own, first))
        # a shelf down and a bell up may differ by a level alone
        moved, change = (center(torch.from_numpy(one)).numpy() for one in (after - before, change))
        share = float(moved @ change / (change @ change))
        print(f"the next answer has {share:.2f} of the edit by itself")
        assert 0.02 < share < 0.6
    finally:
        store.erase()
