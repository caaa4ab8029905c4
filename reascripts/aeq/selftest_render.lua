-- Self-test of rendering: the keys, the files, and ReaEQ's sound, from an impulse through a track of its own.

local guard = require("aeq.guard")
local capture = require("aeq.capture")
local reaeq = require("aeq.reaeq")
local reaeq_write = require("aeq.reaeq_write")
local render_state = require("aeq.render_state")
local response = require("aeq.response")
local selection = require("aeq.selection")
local wav = require("aeq.wav")

local RENDER_AND_CLOSE = 42230
local count = 0
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

--- The impulse's response in a rendered file, and its rate.
local function response_in(path)
  local info = wav.info(path)
  -- A project at another rate than 48 kHz moves the impulse, and its resampler rings before it.
  local from = math.floor(AT * info.sample_rate / RATE) - 256
  return response.read(path, info, from, 8192, 0.5), info.sample_rate
end

--- dB of a file at `FREQS_HZ`, against `dry` if that is given.
local function levels_in(act, path, dry)
  local samples, sample_rate = response_in(path)
  local levels = {}
  for i, freq_hz in ipairs(FREQS_HZ) do
    levels[i] = response.measured_db(samples, freq_hz, sample_rate) - (dry and dry[i] or 0)
    act:breathe()
  end
  return levels, sample_rate
end

--- The same of a target: as it sounds now, or (`bare`) as what reaches the EQ.
local function levels_of(act, target, dry, bare)
  return levels_in(act, capture.paths(act, { target }, not bare)[1], dry)
end

--- Renders from 0 to 1 s with a value of RENDER_SETTINGS that the actions may not even use. Returns the files that are
--- there afterwards; none, and nothing rendered, where REAPER names none: it would open a box.
local function files_of(act, value)
  count = count + 1
  local stem, found = ("source%d"):format(count), {}
  guard.run(function(later)
    later(render_state.transport(act.project))
    later(render_state.keys(act.project))
    local numbers = {
      RENDER_SETTINGS = value, RENDER_BOUNDSFLAG = 0, RENDER_STARTPOS = 0, RENDER_ENDPOS = FRAMES / RATE,
      RENDER_CHANNELS = 2, RENDER_SRATE = 0, RENDER_TAILFLAG = 0, RENDER_ADDTOPROJ = 0, RENDER_NORMALIZE = 0,
    }
    local strings = { RENDER_FILE = act:folder().path, RENDER_PATTERN = stem .. "-$track", RENDER_FORMAT2 = "",
      RENDER_FORMAT = "ZXZhdyAAAQ==" }
    for key, text in pairs(strings) do
      reaper.GetSetProjectInfo_String(act.project, key, text, true)
    end
    for key, number in pairs(numbers) do
      reaper.GetSetProjectInfo(act.project, key, number, true)
    end
    local _, list = reaper.GetSetProjectInfo_String(act.project, "RENDER_TARGETS", "", false)
    if list == "" then
      return
    end
    reaper.Main_OnCommandEx(RENDER_AND_CLOSE, 0, act.project)
    local until_s = reaper.time_precise() + 5
    for name in list:gmatch("[/\\](" .. stem .. "[^;/\\]*)") do
      local path = act:folder():file(name)
      repeat
        act:wait()
        local info = wav.info(path)
      until info and info.seconds > 0.9 * FRAMES / RATE or reaper.time_precise() > until_s
      found[#found + 1] = wav.info(path) and path or nil
    end
  end)
  return found
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

--- How many files each value of RENDER_SETTINGS writes, with two tracks and an item selected.
local function source_values(act, report)
  for _, case in ipairs({ { 0, 1 }, { 3, 2 }, { 32, 1 } }) do
    local found = #files_of(act, case[1])
    report:check(("render source %d writes %d"):format(case[1], case[2]), found == case[2], found .. " files")
  end
  report:note("render source 3 | 8192 (not used)", #files_of(act, 3 | 8192) .. " files")
end

--- What source 32 plays of an item: take FX and fades, which nobody has measured.
local function item_source(act, item, report)
  local plain = files_of(act, 32)[1]
  if not plain then
    return report:unknown("what render source 32 holds", "it wrote nothing")
  end
  local dry, take = levels_in(act, plain), reaper.GetActiveTake(item)
  reaper.SetMediaItemInfo_Value(item, "D_FADEINLEN", 2 * AT / RATE)
  local faded = files_of(act, 32)[1]
  reaper.SetMediaItemInfo_Value(item, "D_FADEINLEN", 0)
  report:note("render source 32 holds fades", faded and levels_in(act, faded, dry)[5] < -1 and "yes" or "no")
  local fx = reaper.TakeFX_AddByName(take, "ReaEQ (Cockos)", -1)
  if fx < 0 then
    return report:unknown("render source 32 holds take FX", "no take FX could be added")
  end
  reaper.TakeFX_SetParam(take, fx, 4, 0.5) -- the second band, 300 Hz: twice the amplitude
  local with_fx, stem = files_of(act, 32)[1], files_of(act, 3)[1]
  report:note("render source 32 holds take FX", with_fx and levels_in(act, with_fx, dry)[4] > 2 and "yes" or "no")
  report:check("render source 3 holds take FX", stem and levels_in(act, stem, dry)[4] > 2)
  reaper.TakeFX_Delete(take, fx)
end

local function sources(act, track, item, report)
  local dry = levels_of(act, selection.of_item(act, item))
  local eq = { bands = SHAPES[3][2], output_gain_db = 0 }
  reaeq_write.eq(track, reaeq.add(track, 0), eq)
  local bare = levels_of(act, selection.of_item(act, item), dry, true)
  report:check("an item is heard without the FX of its track", math.abs(bare[5]) < 0.05, ("%.2f dB"):format(bare[5]))
  local all = levels_of(act, selection.of_item(act, item), dry)
  report:check("and with them where they are on", math.abs(all[5] - 9) < 0.05, ("%.2f dB"):format(all[5]))
  reaper.SetMediaTrackInfo_Value(track, "D_VOL", 0.5)
  local stem = levels_of(act, selection.of_track(act, track, "none"), dry)
  report:check("stems are rendered behind FX and fader", math.abs(stem[5] - 9 + 6.02) < 0.2,
    ("%.2f dB"):format(stem[5]))
  reaper.SetMediaTrackInfo_Value(track, "D_VOL", 1)
  return dry
end

local selftest_render = { insert_item = insert_item }

function selftest_render.run(act, report)
  guard.run(function(later)
    local position = reaper.CountTracks(act.project)
    for n = 0, 1 do
      reaper.InsertTrackAtIndex(position + n, false)
    end
    local track, other = reaper.GetTrack(act.project, position), reaper.GetTrack(act.project, position + 1)
    later(function()
      render_state.delete_track(act.project, other)
      render_state.delete_track(act.project, track)
    end)
    local item = insert_item(act, track)
    reaper.SetMediaItemSelected(insert_item(act, other), false)
    reaper.SetMediaItemSelected(item, true)
    reaper.SetTrackSelected(track, true)
    reaper.SetTrackSelected(other, true)
    keys_come_back(act, report)
    report:part("render sources", function() source_values(act, report) end)
    report:part("the item source", function() item_source(act, item, report) end)
    shapes(act, track, sources(act, track, item, report), report)
  end)
end

return selftest_render
