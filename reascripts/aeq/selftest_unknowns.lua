-- What nobody has measured and the actions have to cope with either way: a gain's envelope when its band becomes one of
-- another type, and what REAPER's own ":delta" is called and keeps.

local reaeq = require("aeq.reaeq")

local unknowns = {}

local OTHER = 0.5 -- written to a gain of which the envelope says 0.25, 0 dB

--- What stands in a gain some cycles after something else was written to it: its envelope has had time to take it back.
local function after_writing(act, track, value)
  reaper.TrackFX_SetParam(track, 0, reaeq.GAIN, value)
  act:wait()
  act:wait()
  return (reaper.TrackFX_GetParam(track, 0, reaeq.GAIN))
end

--- Does the envelope of a band's gain go on when the band's type changes, which is in the name that REAPER gives it?
function unknowns.retyped_lane(act, track, report)
  local name = "a gain's envelope goes on when its band becomes another"
  local envelope = reaper.APIExists("GetFXEnvelope") and reaper.GetFXEnvelope(track, 0, reaeq.GAIN, false)
  if not envelope then
    return report:unknown(name, "there is no envelope")
  end
  local taken_back = after_writing(act, track, OTHER)
  if math.abs(taken_back - OTHER) < 1e-3 then
    return report:unknown(name, ("with the old type %.3f stays as it is written, too"):format(taken_back))
  end
  local type_was = select(2, reaper.TrackFX_GetNamedConfigParm(track, 0, "BANDTYPE0"))
  reaper.TrackFX_SetNamedConfigParm(track, 0, "BANDTYPE0", type_was == "1" and "0" or "1")
  local now = after_writing(act, track, OTHER)
  local there = reaper.GetFXEnvelope(track, 0, reaeq.GAIN, false) ~= nil
  reaper.TrackFX_SetNamedConfigParm(track, 0, "BANDTYPE0", type_was)
  report:check(name, there and math.abs(now - taken_back) < 1e-3,
    ("%.3f, with the old type %.3f; %s"):format(now, taken_back, there and "it is there" or "it is gone"))
end

--- The first line of a text that another one has not in its place.
local function changed_line(before, after)
  local was = before:gmatch("[^\n]*")
  for line in after:gmatch("[^\n]*") do
    if line ~= was() then
      return line:gsub("^%s+", ""):sub(1, 60)
    end
  end
end

--- What is ":delta" called here, does it take a value, and in which line of the track is it kept?
function unknowns.delta(track, report)
  local name = "only an FX's change can be heard (:delta)"
  local number = reaper.TrackFX_GetParamFromIdent(track, 0, ":delta")
  if number < 0 then
    return report:unknown(name, "this REAPER has no such parameter")
  end
  local _, shown = reaper.TrackFX_GetParamName(track, 0, number)
  local _, before = reaper.GetTrackStateChunk(track, "", false)
  reaper.TrackFX_SetParam(track, 0, number, 1)
  local held = (reaper.TrackFX_GetParam(track, 0, number))
  local _, after = reaper.GetTrackStateChunk(track, "", false)
  reaper.TrackFX_SetParam(track, 0, number, 0)
  local back = (reaper.TrackFX_GetParam(track, 0, number))
  report:check(name, held >= 0.5 and back < 0.5, ("parameter %d, shown as '%s', %.1f then %.1f, kept as %s"):format(
    number, shown, held, back, changed_line(before, after) or "nothing in the track's chunk"))
end

return unknowns
