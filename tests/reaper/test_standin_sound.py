"""What the stand-in renders equals a mix worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from standin import Reaper, StandInError
from standin.example import ItemSpec, TrackSpec, project, reaeq, synth, tone
from standin.injection import media_file, offline

from reaper_aeq import Band, Eq
from reaper_aeq.dsp.response import apply_eq

RATE = 48_000
MASTER, STEMS, ITEMS, TRACKS_VIA_MASTER, PRE_FADER = 0, 2, 32, 128, 8192
EQ = Eq((Band("band", 1000.0, 9.0, 1.0),), output_gain_db=-3.0)
RENDER = """
local set, text = reaper.GetSetProjectInfo, reaper.GetSetProjectInfo_String
local function key(name, value)
  local was = set(0, name, 0, false)
  set(0, name, value, true)
  return function() set(0, name, was, true) end
end
local function word(name, value)
  local _, was = text(0, name, "", false)
  text(0, name, value, true)
  return function() text(0, name, was, true) end
end
local undo = {
  key("RENDER_SETTINGS", %d), key("RENDER_BOUNDSFLAG", %d), key("RENDER_STARTPOS", %f), key("RENDER_ENDPOS", %f),
  key("RENDER_CHANNELS", %d), key("RENDER_TAILFLAG", 0),
  word("RENDER_FILE", "%s"), word("RENDER_PATTERN", "%s"), word("RENDER_FORMAT", "ZXZhdyAAAA=="),
}
local _, targets = text(0, "RENDER_TARGETS", "", false)
reaper.ShowConsoleMsg(targets)
reaper.Main_OnCommandEx(42230, 0, 0)
for _, restore in ipairs(undo) do restore() end
"""


@pytest.fixture
def render(run_lua, tmp_path):
    """render(tracks, ...) -> {file name: (samples, channels)} of one render through the keys."""

    def run(tracks, settings=MASTER, bounds=0, start=0.0, end=1.0, channels=2, pattern="$track", **more):
        data = tracks if isinstance(tracks, bytes | Path) else project(tracks, **more)
        folder = tmp_path / "rendered"
        source = RENDER % (settings, bounds, start, end, channels, folder, pattern)
        reaper = run_lua(source, data)
        assert reaper.project.bytes() == (data if isinstance(data, bytes) else data.read_bytes())
        assert reaper.ui.console == ";".join(str(path) for path in reaper.renders[-1])
        return {path.stem: soundfile.read(path, always_2d=True)[0] for path in reaper.renders[-1]}

    return run


def one(render, item: ItemSpec, **more) -> np.ndarray:
    [audio] = render([TrackSpec("a", [item])], **more).values()
    return audio


def close(a: np.ndarray, b: np.ndarray, tolerance: float = 1e-6) -> bool:
    return a.shape == b.shape and bool(np.max(np.abs(a - b)) < tolerance)


def test_position_offset_and_length(render, noise):
    path, audio = noise
    got = one(render, ItemSpec(path, position=0.25, length=0.5, offset=0.1))
    want = np.zeros((RATE, 2))
    want[12_000:36_000] = audio[4800:28_800]
    assert close(got, want)


def test_volumes_and_pan(render, noise):
    path, audio = noise
    got = one(render, ItemSpec(path, volume=0.5, take_volume=-0.5, pan=0.25))
    assert close(got, audio[:RATE] * [-0.25 * 0.75, -0.25])


def test_what_lies_behind_the_end_is_silence_or_the_loop(render, noise):
    path, audio = noise
    got = one(render, ItemSpec(path, length=2.5), end=2.5)
    assert close(got[: 2 * RATE], audio) and not got[2 * RATE :].any()


def test_loop_starts_over(render, noise):
    path, audio = noise
    got = one(render, ItemSpec(path, length=2.5, loop=True), end=2.5)
    assert close(got, np.vstack((audio, audio[: RATE // 2])))


def test_rate_resamples(render, noise):
    path, audio = noise
    got = one(render, ItemSpec(path, rate=1.25))
    want = soxr.resample(audio[: RATE * 5 // 4 + 1], RATE * 1.25, RATE)[:RATE]
    assert close(got, want)


def test_a_rate_moves_a_tone(render, tmp_path):
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE), RATE, subtype="FLOAT")
    got = one(render, ItemSpec(path, rate=0.5))
    assert np.argmax(np.abs(np.fft.rfft(got[:, 0]))) == 500


def test_section_and_reverse(render, noise):
    path, audio = noise
    got = one(render, ItemSpec(path, section=(0.5, 0.75), offset=0.25, length=1.0))
    want = np.zeros((RATE, 2))
    want[: RATE // 2] = audio[36_000:60_000]
    assert close(got, want)


def test_reverse_counts_the_offset_from_the_back(render, noise):
    path, audio = noise
    assert close(one(render, ItemSpec(path, reverse=True, offset=0.5)), audio[::-1][24_000:72_000])


def test_reversed_section(render, noise):
    path, audio = noise
    got = one(render, ItemSpec(path, section=(0.5, 1.0), reverse=True))
    assert close(got, audio[24_000:72_000][::-1])


def test_linear_fades(render, noise):
    path, audio = noise
    got = one(render, ItemSpec(path, fade_in=0.1, fade_out=0.25))
    gain = np.ones(RATE)
    gain[:4800] = np.arange(4800) / 4800
    gain[-12_000:] = np.arange(12_000)[::-1] / 12_000
    assert close(got, audio[:RATE] * gain[:, None])


@pytest.mark.parametrize("mode, pick", [(1, [1, 0]), (3, [0, 0]), (4, [1, 1])])
def test_channel_modes(render, noise, mode, pick):
    path, audio = noise
    assert close(one(render, ItemSpec(path, channel_mode=mode)), audio[:RATE][:, pick])


def test_mono_render_and_mono_downmix_are_means(render, noise):
    path, audio = noise
    mean = audio[:RATE].mean(axis=1, keepdims=True)
    assert close(one(render, ItemSpec(path), channels=1), mean)


def test_other_rates_and_formats(render, tmp_path):
    path = tmp_path / "low.flac"
    t = np.arange(44_100) / 44_100
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 440 * t), 44_100)
    got = one(render, ItemSpec(path))
    want = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    assert np.max(np.abs(got[500:-500, 0] - want[500:-500])) < 1e-3 and close(got[:, 0], got[:, 1])


def test_folders_sum_into_their_parent_and_stems_stand_alone(render, noise):
    path, audio = noise
    part = audio[:RATE]
    tracks = [
        TrackSpec("bus", folder=1, volume=0.5, selected=True),
        TrackSpec("left", [ItemSpec(path)], pan=-1.0, selected=True),
        TrackSpec("inner", [ItemSpec(path)], folder=1),
        TrackSpec("deep", [ItemSpec(path)], volume=0.25, folder=-2),
        TrackSpec("beside", [ItemSpec(path)], muted=True),
    ]
    left = part * [1, 0]
    bus = 0.5 * (left + part + 0.25 * part)
    got = render(tracks, STEMS)
    assert set(got) == {"bus", "left"}
    assert close(got["bus"], bus) and close(got["left"], left)
    assert close(render(tracks, MASTER, pattern="mix")["mix"], bus)


def test_pre_fader_stems(render, noise):
    path, audio = noise
    tracks = [TrackSpec("a", [ItemSpec(path)], volume=0.5, pan=1.0, selected=True)]
    assert close(render(tracks, STEMS | PRE_FADER)["a"], audio[:RATE])


def test_solo_silences_the_others(render, noise):
    path, audio = noise
    tracks = [TrackSpec("a", [ItemSpec(path)]), TrackSpec("b", [ItemSpec(path, volume=0.5)], solo=True)]
    assert close(render(tracks, MASTER, pattern="mix")["mix"], 0.5 * audio[:RATE])


def test_items_come_before_track_fx_and_after_take_fx(render, noise):
    path, audio = noise
    items = [
        ItemSpec(path, position=1.0, length=0.5, selected=True, fx=[reaeq(EQ)], name="x"),
        ItemSpec(path, position=2.0, length=0.25, selected=True, name="y"),
    ]
    got = render([TrackSpec("a", items, [reaeq(EQ)], volume=0.1)], ITEMS, bounds=4, pattern="$item")
    assert list(got) == ["x", "y"]
    assert close(got["x"], apply_eq(EQ, audio[: RATE // 2].T, RATE).T.astype(float), 1e-5)
    assert close(got["y"], audio[: RATE // 4])


def test_files_of_one_name_are_numbered(render, noise):
    items = [ItemSpec(noise[0], position=p, length=0.1, selected=True) for p in (0.0, 0.5, 1.0)]
    got = render([TrackSpec("a", items)], ITEMS, bounds=4, pattern="same")
    assert list(got) == ["same", "same-001", "same-002"]


def test_track_fx_bypass_offline_and_the_unknown(render, noise):
    path, audio = noise
    fx = [reaeq(EQ), reaeq(EQ, bypassed=True), ["BYPASS 0 1 0", *reaeq(EQ)[1:]]]
    got = render([TrackSpec("a", [ItemSpec(path)], fx, selected=True)], STEMS)["a"]
    assert close(got, apply_eq(EQ, audio[:RATE].T, RATE).T.astype(float), 1e-5)


def test_tracks_via_master_have_its_fx(render, noise):
    path, audio = noise
    tracks = [TrackSpec("a", [ItemSpec(path)], selected=True), TrackSpec("b", [ItemSpec(path)])]
    got = render(tracks, TRACKS_VIA_MASTER, master_fx=[reaeq(EQ)])["a"]
    assert close(got, apply_eq(EQ, audio[:RATE].T, RATE).T.astype(float), 1e-5)


def test_midi_is_silent_without_an_instrument(render):
    item = ItemSpec(length=1.0, notes=[(69, 0.25, 0.5)])
    assert not render([TrackSpec("a", [item], selected=True)], STEMS)["a"].any()


def test_an_instrument_sounds_while_notes_are_held(render):
    item = ItemSpec(length=1.0, notes=[(69, 0.25, 0.5)])
    got = render([TrackSpec("a", [item], [synth()], selected=True)], STEMS)["a"]
    assert got[12_000:24_000].any() and not got[:12_000].any() and not got[24_000:].any()
    assert np.argmax(np.abs(np.fft.rfft(got[12_000:24_000, 0]))) * 4 == 440


def test_the_tone_sounds_all_the_time(render):
    got = render([TrackSpec("a", fx=[tone(-12, 200)], selected=True)], STEMS)["a"]
    assert np.argmax(np.abs(np.fft.rfft(got[:, 0]))) == 200


def test_missing_and_offline_media_are_silent(run_lua, noise):
    path, _ = noise
    reaper = run_lua("", project([TrackSpec("a", [ItemSpec(path)])]))
    from standin.item_audio import item_audio

    item = reaper.project.items[0]
    assert item_audio(item, RATE).any()
    with reaper.as_user():
        offline(item)
    assert not item_audio(item, RATE).any()
    reaper.undo()
    media_file(item).unlink()
    assert not item_audio(reaper.project.items[0], RATE).any()


def test_relative_media_paths_count_from_the_project(render, noise, tmp_path):
    path, audio = noise
    song = tmp_path / "song" / "song.rpp"
    song.parent.mkdir()
    song.write_bytes(project([TrackSpec("a", [ItemSpec("../" + path.name)], selected=True)]))
    assert close(render(song, STEMS)["a"], audio[:RATE])


@pytest.mark.parametrize(
    "track",
    [
        TrackSpec("a", [ItemSpec("noise.wav", rate=2.0)]),
        TrackSpec("a", [ItemSpec("noise.wav", channel_mode=67)]),
        TrackSpec("a", [ItemSpec("noise.wav")], extra=["<VOLENV2", "ACT 1 -1", "PT 0 0.5 0", ">"]),
        TrackSpec("a", [ItemSpec("noise.wav", extra=["SM 0 0 0.5 0.6"])]),
        TrackSpec("a", fx=[[*reaeq(EQ), "<PARMENV 0:_Freq_Low_Shelf 0 1 0.5", "ACT 1 -1", ">"]]),
    ],
    ids=["stretched, pitch kept", "channels 1 and 2 of many", "volume envelope", "stretch markers", "automated FX"],
)
def test_what_is_not_modelled_is_an_error(render, noise, track):
    data = project([track]).replace(b"PLAYRATE 2.0 0", b"PLAYRATE 2.0 1")
    data = data.replace(b"noise.wav", str(noise[0]).encode())
    with pytest.raises(StandInError) as caught:
        render(data, pattern="x")  # the master mix, one second
    assert caught.value.rule == "not modelled"


def test_an_existing_file_would_be_asked_about(render, noise):
    tracks = [TrackSpec("a", [ItemSpec(noise[0])], selected=True)]
    render(tracks, STEMS)
    with pytest.raises(StandInError, match="overwrites"):
        render(tracks, STEMS)


def test_rendering_stops_the_transport(tmp_path, noise):
    reaper = Reaper(project([TrackSpec("a", [ItemSpec(noise[0])], selected=True)]), tmp_path)
    script = tmp_path / "r.lua"
    script.write_text("reaper.defer(function() end)" + RENDER % (STEMS, 0, 0, 1, 2, tmp_path / "out", "x"))
    with reaper.as_user():
        reaper.project.play_state = 1
    with pytest.raises(StandInError, match="play state"):
        reaper.run_script(script)
        reaper.run_until()


def test_an_accessor_hears_the_take_before_fx(run_lua, noise):
    path, audio = noise
    data = project([TrackSpec("a", [ItemSpec(path, fx=[reaeq(EQ)])], [reaeq(EQ)])])
    reaper = run_lua(
        """
        local take = reaper.GetActiveTake(reaper.GetMediaItem(0, 0))
        local accessor = reaper.CreateTakeAudioAccessor(take)
        local buffer = reaper.new_array(8)
        assert(reaper.GetAudioAccessorSamples(accessor, 48000, 2, 0.5, 4, buffer) == 1)
        reaper.DestroyAudioAccessor(accessor)
        reaper.ShowConsoleMsg(table.concat(buffer.table(), " "))
        """,
        data,
    )
    got = [float(word) for word in reaper.ui.console.split()]
    assert np.allclose(got, audio[24_000:24_004].reshape(-1))
