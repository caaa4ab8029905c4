"""What the stand-in renders equals a mix worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from standin import Disputed, Preferences, Reaper, StandInError
from standin.example import ItemSpec, TrackSpec, project, reaeq, synth, tone
from standin.injection import media_file, offline

from reaper_aeq import Band, Eq
from reaper_aeq.dsp.response import apply_eq

RATE = 48_000
MASTER, TWO_ALONE, STEMS, ITEMS, TRACKS_VIA_MASTER, PRE_FADER = 0, 2, 3, 32, 128, 8192
EQ = Eq((Band("band", 1000.0, 9.0, 1.0),), output_gain_db=-3.0)
VOLUME_ENVELOPE = ["<VOLENV2", "ACT 1 -1", "PT 0 1 0", "PT 1 0.5 0", ">"]
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

    def run(tracks, settings=MASTER, bounds=0, start=0.0, end=1.0, channels=2, pattern="$track", disputed=None, **more):
        data = tracks if isinstance(tracks, bytes | Path) else project(tracks, **more)
        folder = tmp_path / "rendered"
        source = RENDER % (settings, bounds, start, end, channels, folder, pattern)
        reaper = run_lua(source, data, disputed=disputed)
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


def in_a_circle(path: Path) -> list[TrackSpec]:
    """A click on a track that sends to a second one (0.5), which sends back (0.25) and has a ReaEQ."""
    send = "AUXRECV {} 0 {} 0 0 0 0 0 0 -1:U 0 -1 ''"
    return [
        TrackSpec("first", [ItemSpec(path, selected=True)], extra=[send.format(1, 0.25)], selected=True),
        TrackSpec("second", extra=[send.format(0, 0.5)], fx=[reaeq(Eq((), 20 * np.log10(0.5)))], selected=True),
    ]


def test_sends_in_a_circle_come_round_a_block_later(render, tmp_path):
    path = tmp_path / "click.wav"
    soundfile.write(path, np.eye(RATE, 1), RATE, subtype="FLOAT")
    got = render(in_a_circle(path), STEMS, feedback=True)
    round_trip = 0.5 * 0.5 * 0.25
    want = np.zeros((RATE, 2))
    want[: 47 * 1024 : 1024] = round_trip ** np.arange(47)[:, None]
    late = 0.25 * np.vstack([np.zeros((1024, 2)), want[:-1024]])
    assert close(got["first"], want) and close(got["second"], late)
    assert close(render(in_a_circle(path), feedback=True, pattern="mix")["mix"], want + late)


def test_a_circle_in_a_project_without_feedback_is_not_modeled(render, tmp_path):
    path = tmp_path / "click.wav"
    soundfile.write(path, np.eye(RATE, 1), RATE, subtype="FLOAT")
    with pytest.raises(StandInError, match="sends in a circle"):
        render(in_a_circle(path), STEMS)


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


def test_a_stem_is_behind_fader_pan_and_envelope_but_not_its_folder_or_the_master(render, noise):
    """As measured: A at half volume and hard left, B with an FX and an envelope, an FX on the master."""
    path, audio = noise
    part, times = audio[:RATE], np.arange(RATE) / RATE
    tracks = [
        TrackSpec("bus", folder=1, volume=0.1),
        TrackSpec("a", [ItemSpec(path)], volume=0.5, pan=-1.0, selected=True),
        TrackSpec("b", [ItemSpec(path)], [reaeq(EQ)], selected=True, folder=-1, extra=VOLUME_ENVELOPE),
    ]
    got = render(tracks, STEMS, master_fx=[reaeq(EQ)])
    assert set(got) == {"a", "b"} and close(got["a"], part * [0.5, 0])
    assert close(got["b"], apply_eq(EQ, part.T, RATE).T * (1 - 0.5 * times)[:, None], 1e-5)


def test_two_alone_is_the_master_mix_or_stems_that_are_the_mix_where_a_track_has_no_items(render, noise):
    path, audio = noise
    part = audio[:RATE]
    tracks = [
        TrackSpec("bus", folder=1, selected=True, volume=0.5),
        TrackSpec("a", [ItemSpec(path)], folder=-1),
        TrackSpec("b", [ItemSpec(path)], selected=True),
    ]
    assert [close(got, 1.5 * part) for got in render(tracks, TWO_ALONE).values()] == [True]
    got = render(tracks, TWO_ALONE, pattern="other-$track", disputed=Disputed(source_2="stems"))
    assert close(got["other-bus"], 1.5 * part) and close(got["other-b"], part)


@pytest.mark.parametrize("settings", [STEMS | PRE_FADER, 3 | 4, ITEMS | 2, 16384])
def test_what_nobody_measured_of_the_source_is_an_error(render, noise, settings):
    with pytest.raises(StandInError, match="not modeled"):
        render([TrackSpec("a", [ItemSpec(noise[0])], selected=True)], settings)


def test_items_of_a_lane_that_does_not_play_are_silent(render, noise):
    path, audio = noise
    items = [ItemSpec(path, extra=["YPOS 0 0.5 2"], volume=0.25), ItemSpec(path, extra=["YPOS 0.5 0.5 2"])]
    lanes = ["FREEMODE 2", "ITEMLANES 2", "LANESOLO 1"]
    assert close(render([TrackSpec("a", items, extra=lanes)], pattern="x")["x"], 0.25 * audio[:RATE])
    lanes = ["FREEMODE 2", "ITEMLANES 2", "LANESOLO 3"]
    assert close(render([TrackSpec("a", items, extra=lanes)], pattern="y")["y"], 1.25 * audio[:RATE])


def test_solo_silences_the_others(render, noise):
    path, audio = noise
    tracks = [TrackSpec("a", [ItemSpec(path)]), TrackSpec("b", [ItemSpec(path, volume=0.5)], solo=True)]
    assert close(render(tracks, MASTER, pattern="mix")["mix"], 0.5 * audio[:RATE])


@pytest.mark.parametrize("with_take_fx", [True, False])
def test_items_are_heard_through_their_track_but_not_the_master(render, noise, with_take_fx):
    path, audio = noise
    cut = Eq((Band("band", 500.0, -9.0, 1.0),))
    items = [
        ItemSpec(path, position=1.0, length=0.5, selected=True, fx=[reaeq(EQ)], name="x"),
        ItemSpec(path, position=2.0, length=0.25, selected=True, name="y"),
    ]
    tracks = [TrackSpec("a", items, [reaeq(cut)], volume=0.1)]
    disputed = Disputed(items_hold_take_fx=with_take_fx)
    got = render(tracks, ITEMS, bounds=4, pattern="$item", master_fx=[reaeq(EQ)], disputed=disputed)
    first = audio[: RATE // 2]
    if with_take_fx:
        first = apply_eq(EQ, first.T, RATE).T
    assert list(got) == ["x", "y"]
    assert close(got["x"], 0.1 * apply_eq(cut, first.T, RATE).T.astype(float), 1e-5)
    assert close(got["y"], 0.1 * apply_eq(cut, audio[: RATE // 4].T, RATE).T.astype(float), 1e-5)


def test_files_of_one_name_are_numbered(render, noise):
    items = [ItemSpec(noise[0], position=p, length=0.1, selected=True) for p in (0.0, 0.5, 1.0)]
    got = render([TrackSpec("a", items)], ITEMS, bounds=4, pattern="same")
    assert list(got) == ["same-001", "same-002", "same-003"]


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
        TrackSpec("a", [ItemSpec("noise.wav")], extra=["<PANENV2", "ACT 1 -1", "PT 0 0.5 0", ">"]),
        TrackSpec("a", [ItemSpec("noise.wav")], extra=["<VOLENV2", "ACT 1 -1", "VOLTYPE 1", "PT 0 0.5 0", ">"]),
        TrackSpec("a", [ItemSpec("noise.wav", extra=["SM 0 0 0.5 0.6"])]),
        TrackSpec("a", fx=[[*reaeq(EQ), "<PARMENV 0:_Freq_Low_Shelf 0 1 0.5", "ACT 1 -1", ">"]]),
    ],
    ids=[
        "stretched, pitch kept",
        "channels 1 and 2 of many",
        "pan envelope",
        "fader scaling",
        "stretch markers",
        "automated FX",
    ],
)
def test_what_is_not_modeled_is_an_error(render, noise, track):
    data = project([track]).replace(b"PLAYRATE 2.0 0", b"PLAYRATE 2.0 1")
    data = data.replace(b"noise.wav", str(noise[0]).encode())
    with pytest.raises(StandInError) as caught:
        render(data, pattern="x")  # the master mix, one second
    assert caught.value.rule == "not modeled"


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


def waiting(folder) -> str:
    """Renders in one cycle, then prints the file's size in each cycle until 20 have gone; puts back as it begins."""
    return (
        RENDER % (STEMS, 0, 0, 1, 2, folder, "x")
        + f"""
local n = 0
local function wait()
  local file = io.open("{folder}/x.wav", "rb")
  reaper.ShowConsoleMsg((file and file:seek("end") or "none") .. " ")
  if file then file:close() end
  n = n + 1
  if n < 20 then reaper.defer(wait) end
end
wait()
"""
    )


def test_in_the_background_the_file_is_empty_at_first_and_grows(run_lua, noise, tmp_path):
    data = project([TrackSpec("a", [ItemSpec(noise[0])], selected=True)])
    reaper = run_lua(waiting(tmp_path / "out"), data, preferences=Preferences(background_render=True))
    sizes = [int(word) for word in reaper.ui.console.removeprefix(str(tmp_path / "out" / "x.wav")).split()]
    assert sizes[0] == 0 and len(set(sizes)) == 5 and sizes == sorted(sizes)
    assert all(sizes.count(size) > 1 for size in sizes), "a size that stays for a cycle is not the end"
    assert close(soundfile.read(reaper.renders[0][0])[0], noise[1][:RATE])


def test_in_the_background_what_is_put_back_too_early_is_heard(run_lua, noise, tmp_path):
    data = project([TrackSpec("a", [ItemSpec(noise[0])], [reaeq(EQ)], selected=True)])
    source = """
    local track = reaper.GetTrack(0, 0)
    local bypass = reaper.TrackFX_GetParamFromIdent(track, 0, ":bypass")
    reaper.TrackFX_SetParam(track, 0, bypass, 1)
    """ + waiting(tmp_path / "out")
    source += "reaper.defer(function() reaper.TrackFX_SetParam(track, 0, bypass, 0) end)"
    reaper = run_lua(source, data, preferences=Preferences(background_render=True))
    got, want = soundfile.read(reaper.renders[0][0])[0], apply_eq(EQ, noise[1][:RATE].T, RATE).T.astype(float)
    assert close(got, want, 1e-5)


def test_media_is_silent_where_the_window_is_inactive_or_minimized(run_lua, noise, tmp_path):
    data = project([TrackSpec("a", [ItemSpec(noise[0])], selected=True)])

    def peak(name, window, before="", **options):
        source = RENDER % (STEMS, 0, 0, 1, 2, tmp_path / "out", name)
        reaper = run_lua("", data, **options)
        reaper.window = window
        script = tmp_path / f"{name}.lua"
        script.write_text(before + "reaper.defer(function() end)\n" + source)
        reaper.run_script(script)
        reaper.run_until()
        return np.abs(soundfile.read(reaper.renders[0][0])[0]).max()

    offline_inactive = Preferences(offline_when_inactive=True)
    assert peak("a", "inactive", preferences=offline_inactive) == 0
    assert peak("b", "inactive", "reaper.Main_OnCommand(40101, 0) ", preferences=offline_inactive) > 0.1
    assert peak("c", "inactive") > 0.1 and peak("d", "minimized") > 0.1
    assert peak("e", "minimized", os_name="Win64") == 0


def test_a_copy_of_the_project_and_names_that_count_up(run_lua, noise, tmp_path):
    data = project([TrackSpec("a", [ItemSpec(noise[0])], selected=True)])
    preferences = Preferences(save_project_copy=True, increment_names=True)
    for _ in range(2):
        run_lua(RENDER % (STEMS, 0, 0, 1, 2, tmp_path / "out", "x"), data, preferences=preferences)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["x-001.wav", "x-001.wav.RPP", "x.wav", "x.wav.RPP"]


def test_an_empty_project_renders_nothing_without_a_question(run_lua, tmp_path):
    reaper = run_lua(RENDER % (MASTER, 1, 0, 0, 2, tmp_path / "out", "x"), project([TrackSpec("a")]))
    assert reaper.renders == [[]]


def test_targets_are_empty_while_the_range_is_and_statistics_are_never_asked(run_lua, noise):
    data = project([TrackSpec("a", [ItemSpec(noise[0])], selected=True)])
    ask = 'reaper.ShowConsoleMsg(tostring(#select(2, reaper.GetSetProjectInfo_String(0, "RENDER_%s", "", false))))'
    put = 'reaper.GetSetProjectInfo_String(0, "RENDER_PATTERN", "%s", true)'
    bounds = 'reaper.GetSetProjectInfo(0, "RENDER_BOUNDSFLAG", %d, true)'
    around = bounds % 0 + put % "x" + "%s " + bounds % 1 + put % ""
    assert run_lua(around % (ask % "TARGETS"), data).ui.console == "0"
    with pytest.raises(StandInError, match="RENDER_STATS"):
        run_lua(ask % "STATS", data)


def test_ignored_bounds_read_back_as_they_were(run_lua):
    source = 'reaper.GetSetProjectInfo(0, "RENDER_ENDPOS", 5, true) '
    source += 'reaper.ShowConsoleMsg(tostring(reaper.GetSetProjectInfo(0, "RENDER_ENDPOS", 0, false)))'
    assert run_lua(source, disputed=Disputed(custom_bounds="ignored")).ui.console == "0.0"


def test_a_source_that_was_offline_tells_no_rate_any_more(run_lua, noise, tmp_path):
    """Its length comes back, and a source made anew tells both."""
    ask = """
    local take = reaper.GetActiveTake(reaper.GetMediaItem(0, 0))
    local source = reaper.GetMediaItemTake_Source(take)
    local fresh = reaper.PCM_Source_CreateFromFile(reaper.GetMediaSourceFileName(source))
    for _, one in ipairs({ source, fresh }) do
      local rate, channels = reaper.GetMediaSourceSampleRate(one), reaper.GetMediaSourceNumChannels(one)
      local length = reaper.GetMediaSourceLength(one) > 0 and "long" or "none"
      reaper.ShowConsoleMsg(("%d %d %s "):format(rate, channels, length))
    end
    reaper.defer(function() end)
    """
    reaper = run_lua(ask, project([TrackSpec("a", [ItemSpec(noise[0])])]),
                     preferences=Preferences(offline_when_inactive=True))  # fmt: skip
    assert reaper.ui.console == "48000 2 long 48000 2 long "
    script = tmp_path / "again.lua"
    script.write_text(ask)
    for window, said in (("inactive", "0 0 none 0 0 none "), ("front", "0 0 long 48000 2 long ")):
        reaper.window, reaper.ui.console = window, ""
        reaper.run_script(script)
        reaper.run_until()
        assert reaper.ui.console == said
