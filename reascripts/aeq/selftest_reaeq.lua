-- Self-test of ReaEQ's parameters: numbers of band types, value scales, missing bands, names, state bytes.

local guard = require("aeq.guard")
local reaeq = require("aeq.reaeq")
local reaeq_state = require("aeq.reaeq_state")
local reaeq_write = require("aeq.reaeq_write")
local render_state = require("aeq.render_state")

local EXAMPLE = {
  output_gain_db = -1.5,
  bands = {
    { kind = "low_shelf", freq_hz = 180, gain_db = 3.1, bandwidth_oct = 1.0, enabled = true },
    { kind = "band", freq_hz = 450, gain_db = -2.2, bandwidth_oct = 1.7, enabled = true },
    { kind = "band", freq_hz = 1200, gain_db = 1.4, bandwidth_oct = 0.6, enabled = true },
    { kind = "band", freq_hz = 3300, gain_db = -0.7, bandwidth_oct = 2.5, enabled = true },
    { kind = "high_shelf", freq_hz = 7000, gain_db = 4.4, bandwidth_oct = 1.0, enabled = true },
  },
}

local function describe(track, fx)
  local parts = {}
  for _, band in ipairs(reaeq.read(track, fx).bands) do
    parts[#parts + 1] = ("%s%s %.0f Hz %.1f oct"):format(band.kind or "type " .. tostring(band.state),
      band.enabled and "" or " (off)", band.freq_hz, band.bandwidth_oct)
  end
  return table.concat(parts, ", ")
end

local function places(track, report)
  local first, second = reaeq.add(track, 0), reaeq.add(track, 0)
  report:check("ReaEQ can be added at the front of a chain", first == 0 and second == 0)
  local last = reaeq.add(track, 2)
  report:check("and at its end", last == 2, tostring(last))
  report:check("it can be renamed", reaeq.rename(track, 0, "AEQ: warm 70%"))
  local found = reaeq.ours(track)
  report:check("and is found by its name", #found == 1 and found[1].index == 0)
  local ok, type_name = reaper.TrackFX_GetNamedConfigParm(track, 0, "fx_type")
  report:note("fx_type", ok and type_name or "unknown to this version")
end

local function kinds(track, report)
  for kind, numbers in pairs(reaeq.KINDS) do
    reaper.TrackFX_SetNamedConfigParm(track, 1, "BANDTYPE0", tostring(numbers.state))
    local ok, api, index, parameter = reaper.TrackFX_GetEQParam(track, 1, 0)
    local _, name = reaper.TrackFX_GetParamName(track, 1, 0)
    local fine = ok and api == numbers.api and parameter == reaeq.FREQ
    report:check(("BANDTYPE %d is %s"):format(numbers.state, kind), fine,
      ("type %d, number %d, %s"):format(api, index, name))
  end
end

local function scales(track, report)
  reaper.TrackFX_SetNamedConfigParm(track, 1, "BANDTYPE0", "8")
  local _, api, index = reaper.TrackFX_GetEQParam(track, 1, 0)
  local function set_and_read(parameter, value)
    reaper.TrackFX_SetEQParam(track, 1, api, index, parameter, value, false)
    return reaeq.band(track, 1, 0)
  end
  for _, freq_hz in ipairs({ 20, 100, 1000, 5000, 20000 }) do
    local is = set_and_read(reaeq.FREQ, freq_hz).freq_hz
    report:check(("%d Hz"):format(freq_hz), math.abs(is / freq_hz - 1) < 1e-3, ("%.2f"):format(is))
  end
  for _, gain_db in ipairs({ -12, -3, 0, 3, 12 }) do
    local is = set_and_read(reaeq.GAIN, reaeq.to_linear(gain_db)).gain_db
    report:check(("%d dB"):format(gain_db), math.abs(is - gain_db) < 0.01, ("%.3f"):format(is))
  end
  local capped = set_and_read(reaeq.GAIN, 8).gain_db
  report:note("a gain of +18 dB becomes", ("%.2f dB"):format(capped))
  for _, width in ipairs({ 0.1, 1, 2, 4 }) do
    local is = set_and_read(reaeq.WIDTH, width).bandwidth_oct
    report:check(("%g octaves"):format(width), math.abs(is - width) < 2e-3, ("%.4f"):format(is))
  end
end

local function missing_bands(track, report)
  for _, kind in ipairs({ "band", "notch", "low_pass" }) do
    local before = reaeq.count(track, 1)
    reaper.TrackFX_SetEQParam(track, 1, reaeq.KINDS[kind].api, 9, reaeq.FREQ, 1234, false)
    local by_number = reaeq.count(track, 1) - before
    local of_kind = 0
    for n = 0, reaeq.count(track, 1) - 1 do
      of_kind = of_kind + (reaeq.band(track, 1, n).kind == kind and 1 or 0)
    end
    reaper.TrackFX_SetEQParam(track, 1, reaeq.KINDS[kind].api, of_kind, reaeq.FREQ, 1234, false)
    report:note(("a missing %s"):format(kind), ("number 9 made %d, the next one made %d; now %s"):format(by_number,
      reaeq.count(track, 1) - before - by_number, describe(track, 1)))
  end
end

local function whole(track, report)
  local what = reaeq_write.eq(track, 1, EXAMPLE)
  report:check("a whole EQ arrives", what == nil, what or describe(track, 1))
  local ok, chunk = reaper.TrackFX_GetNamedConfigParm(track, 1, "vst_chunk")
  report:note("vst_chunk", ok and ("%d characters, begins %s"):format(#chunk, chunk:sub(1, 24)) or "cannot be read")
  local held = reaeq_state.read(track, 2)
  report:check("the state's bytes are as we know them", held ~= nil)
  local given = held and reaeq_state.put(track, 2, reaeq_state.text(EXAMPLE, held))
  what = reaeq_write.difference(track, 2, EXAMPLE)
  report:check("and are taken", given and what == nil, what)
end

return function(act, report)
  guard.run(function(later)
    local position = reaper.CountTracks(act.project)
    reaper.InsertTrackAtIndex(position, false)
    local track = reaper.GetTrack(act.project, position)
    later(function()
      render_state.delete_track(act.project, track)
    end)
    local from_s = reaper.time_precise()
    places(track, report)
    report:note("adding three", ("%.0f ms"):format((reaper.time_precise() - from_s) * 1000))
    report:note("a fresh ReaEQ", describe(track, 1))
    local output_db = reaeq.read(track, 1).output_gain_db
    report:check("its global gain is 0 dB", math.abs(output_db) < 0.01, ("%.2f"):format(output_db))
    kinds(track, report)
    scales(track, report)
    missing_bands(track, report)
    whole(track, report)
  end)
end
