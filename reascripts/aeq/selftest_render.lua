-- Self-test of rendering: the keys, the files, and ReaEQ's sound, from an impulse through a track of its own.

local guard = require("aeq.guard")
local capture = require("aeq.capture")
local reaeq = require("aeq.reaeq")
local reaeq_write = require("aeq.reaeq_write")
local render_state = require("aeq.render_state")
local response = require("aeq.response")
local selection = require("aeq.selection")
local wav = require("aeq.wav")

local RATE, FRAMES, AT = 48000, 48000, 4800
local FREQS_HZ = { 40, 90, 180, 400, 1000, 2500, 6000, 12000 }
local TOLERANCE_DB = 0.1 -- the laws reproduce real renders far better; a short impulse response costs a little
local SHAPES = {
  { "low shelf", { { kind = "low_shelf", freq_hz = 180, gain_db = 6, bandwidth_oct = 1, enabled = true } } },
  { "high shelf", { { kind = "high_shelf", freq_hz = 5000, gain_db = -6, bandwidth_oct = 1, enabled = true } } },
  { "band of 1 octave", { { kind = "band", freq_hz = 1000, gain_db = 9, bandwidth_oct = 1, enabled = true } } },
  { "band of 2.5 octaves", { { kind = "band", freq_hz = 3000, gain_db = -7, bandwidth_oct = 2.5, enabled = true } } },
}

local function insert_item(act, track)
  act:folder():write("impulse.wav", response.impulse_wav(FRAMES, AT, RATE))
  local source = reaper.PCM_Source_CreateFromFile(act:folder():file("impulse.wav"))
  local item = reaper.AddMediaItemToTrack(track)
  local take = reaper.AddTakeToMediaItem(item)
  reaper.SetMediaItemTake_Source(take, source)
  reaper.SetMediaItemInfo_Value(item, "D_POSITION", 0)
  reaper.SetMediaItemInfo_Value(item, "D_LENGTH", FRAMES / RATE)
  -- A fade-in or fade-out by the user's preferences would not touch the impulse, but let the item be plain.
  reaper.SetMediaItemInfo_Value(item, "D_FADEINLEN", 0)
  reaper.SetMediaItemInfo_Value(item, "D_FADEOUTLEN", 0)
  return item
end

local function sound_of(act, target)
  local path = capture.paths(act, { target }, true)[1]
  local info = wav.info(path)
  -- A project at another rate than 48 kHz moves the impulse, and its resampler rings before it.
  local from = math.floor(AT * info.sample_rate / RATE) - 256
  return response.read(path, info, from, 8192, 0.5), info.sample_rate
end

--- dB of a target at `FREQS_HZ`, against `dry` if that is given.
local function levels_of(act, target, dry)
  local samples, sample_rate = sound_of(act, target)
  local levels = {}
  for i, freq_hz in ipairs(FREQS_HZ) do
    levels[i] = response.measured_db(samples, freq_hz, sample_rate) - (dry and dry[i] or 0)
    act:breathe()
  end
  return levels, sample_rate
end

local function keys_come_back(act, report)
  local restore = render_state.keys(act.project)
  local before = reaper.GetSetProjectInfo(act.project, "RENDER_SETTINGS", 0, false)
  reaper.GetSetProjectInfo(act.project, "RENDER_SETTINGS", before == 2 and 32 or 2, true)
  local changed = reaper.GetSetProjectInfo(act.project, "RENDER_SETTINGS", 0, false)
  restore()
  local after = reaper.GetSetProjectInfo(act.project, "RENDER_SETTINGS", 0, false)
  report:check("render settings can be set and put back", changed ~= before and after == before,
    ("%d, %d, %d"):format(before, changed, after))
end

local function worst_difference(levels, eq, sample_rate)
  local worst = 0
  for i, freq_hz in ipairs(FREQS_HZ) do
    worst = math.max(worst, math.abs(levels[i] - response.expected_db(eq, freq_hz, sample_rate)))
  end
  return worst
end

local function shapes(act, track, dry, report)
  for _, shape in ipairs(SHAPES) do
    local eq = { bands = shape[2], output_gain_db = -2 }
    local what = reaeq_write.eq(track, 0, eq)
    local levels, sample_rate = levels_of(act, selection.of_track(act, track, "none"), dry)
    local worst = worst_difference(levels, eq, sample_rate)
    report:check(shape[1] .. " sounds as computed", not what and worst < TOLERANCE_DB,
      what or ("at most %.3f dB off at %d Hz"):format(worst, math.floor(sample_rate)))
  end
end

local function sources(act, track, item, report)
  local dry = levels_of(act, selection.of_item(act, item))
  local eq = { bands = SHAPES[3][2], output_gain_db = 0 }
  reaeq_write.eq(track, reaeq.add(track, 0), eq)
  local again = levels_of(act, selection.of_item(act, item), dry)
  report:check("items are rendered before the track's FX", math.abs(again[5]) < 0.05, ("%.2f dB"):format(again[5]))
  reaper.SetMediaTrackInfo_Value(track, "D_VOL", 0.5)
  local stem = levels_of(act, selection.of_track(act, track, "none"), dry)
  report:check("stems are rendered behind them", math.abs(stem[5] - stem[1] - 9) < 0.2, ("%.2f dB"):format(stem[5]))
  report:note("before the fader", math.abs(stem[5] - 9) < 0.2 and "yes" or "no, which changes nothing for the EQ")
  reaper.SetMediaTrackInfo_Value(track, "D_VOL", 1)
  return dry
end

return function(act, report)
  guard.run(function(later)
    local position = reaper.CountTracks(act.project)
    reaper.InsertTrackAtIndex(position, false)
    local track = reaper.GetTrack(act.project, position)
    later(function()
      reaper.DeleteTrack(track)
    end)
    local item = insert_item(act, track)
    keys_come_back(act, report)
    shapes(act, track, sources(act, track, item, report), report)
  end)
end
