-- An EQ that follows the song: envelopes of our ReaEQ's gains. Which are ours is kept with the instance; a lane cannot
-- be deleted by any call, so whoever wants to be rid of them inserts the EQ afresh.

local edits = require("aeq.edits")
local envelopes = require("aeq.envelopes")
local reaeq = require("aeq.reaeq")

local moving = {}

local RAMP_S = 0.5 -- before each cut, as the backend renders it (eq.py)
local MOVES_DB = 0.005
local SHOWN_DB = 0.06 -- ReaEQ shows a gain with one decimal
local SAME = 1e-5
local SECTION = "reaper-aeq-lanes" -- of the master, beside which nothing else can be kept

--- Points are on the parameter's native scale: a band's gain is amplitude / 4, the global one the amplitude itself.
local function native(parameter, count, gain_db)
  return reaeq.to_linear(gain_db) / (parameter == 3 * count and 1 or 4)
end

local function in_db(parameter, count, value)
  return reaeq.to_db(value * (parameter == 3 * count and 1 or 4))
end

local function is_master(track)
  return reaper.GetMediaTrackInfo_Value(track, "IP_TRACKNUMBER") == -1
end

--- The parameters of an instance whose lanes are ours, {parameter, ...}.
function moving.lanes(project, track, instance)
  local kept = instance and instance.record and instance.record.lanes
  if instance and is_master(track) then
    local _, text = reaper.GetProjExtState(project, SECTION, instance.guid)
    kept = {}
    for number in text:gmatch("%d+") do
      kept[#kept + 1] = tonumber(number)
    end
  end
  local lanes = {}
  for _, parameter in ipairs(type(kept) == "table" and kept or {}) do
    parameter = math.tointeger(parameter)
    if parameter and reaper.GetFXEnvelope(track, instance.index, parameter, false) then
      lanes[#lanes + 1] = parameter
    end
  end
  return lanes
end

--- Keeps which lanes of the master's FX are ours; those of tracks are in their record.
function moving.keep(project, track, fx, lanes)
  if is_master(track) then
    local guid, text = reaper.TrackFX_GetFXGUID(track, fx), table.concat(lanes, " ")
    local _, is = reaper.GetProjExtState(project, SECTION, guid)
    if is ~= text then
      reaper.SetProjExtState(project, SECTION, guid, text)
    end
  end
end

--- Does an FX have lanes that are not among `ours`? Those of the user's, which nothing may take away.
function moving.has_others(track, fx, ours)
  local known = {}
  for _, parameter in ipairs(ours) do
    known[parameter] = true
  end
  for parameter = 0, reaper.TrackFX_GetNumParams(track, fx) - 1 do
    if not known[parameter] and reaper.GetFXEnvelope(track, fx, parameter, false) then
      return true
    end
  end
  return false
end

--- {{time, dB}, ...} between which a gain moves, in the project's time.
local function points_of(sections, gain_of)
  local points = { { sections[1].start_s, gain_of(sections[1]) } }
  for n = 2, #sections do
    local before, after = sections[n - 1], sections[n]
    local was, is = gain_of(before), gain_of(after)
    if math.abs(is - was) > MOVES_DB then
      local ramp_s = math.min(RAMP_S, 0.5 * (after.start_s - before.start_s))
      points[#points + 1] = { after.start_s - ramp_s, was }
      points[#points + 1] = { after.start_s, is }
    end
  end
  points[1][1] = 0 -- REAPER likes a point there, and before the song nothing plays
  return points
end

local function clear(envelope)
  for n = reaper.CountEnvelopePoints(envelope) - 1, 0, -1 do
    reaper.DeleteEnvelopePointEx(envelope, -1, n)
  end
end

--- Is the parameter's scale what we take it for? Each gain is set, and what ReaEQ shows for it read back.
local function scale_is_known(track, fx, parameter, count, points)
  local was, fine = (reaper.TrackFX_GetParam(track, fx, parameter)), true
  for _, point in ipairs(points) do
    reaper.TrackFX_SetParam(track, fx, parameter, native(parameter, count, point[2]))
    local _, shown = reaper.TrackFX_GetFormattedParamValue(track, fx, parameter)
    local number = tonumber((shown:match("^%s*[-+]?[%d.]+")))
    fine = fine and number ~= nil and math.abs(number - point[2]) < SHOWN_DB
  end
  reaper.TrackFX_SetParam(track, fx, parameter, was)
  return fine
end

local function arrived(envelope, points)
  if reaper.CountEnvelopePoints(envelope) ~= #points then
    return false
  end
  for n, point in ipairs(points) do
    local ok, time, value = reaper.GetEnvelopePoint(envelope, n - 1)
    if not ok or math.abs(time - point[1]) > SAME or math.abs(value - point[2]) > SAME then
      return false
    end
  end
  return true
end

--- Draws one lane; true if it is as it should be.
local function draw(track, fx, parameter, points)
  local envelope = reaper.GetFXEnvelope(track, fx, parameter, true)
  if not envelope then
    return false
  end
  clear(envelope) -- REAPER puts a point at 0 into a new one
  for _, point in ipairs(points) do
    reaper.InsertEnvelopePoint(envelope, point[1], point[2], 0, 0, false, true)
  end
  reaper.Envelope_SortPoints(envelope)
  -- a new lane is armed and shown: five of them would fill the arrange view, and a fader moved in touch would write
  for _, what in ipairs({ "ARM", "VISIBLE" }) do
    reaper.GetSetEnvelopeInfo_String(envelope, what, "0", true)
  end
  return arrived(envelope, points)
end

--- Makes the gains of an EQ that was just written follow its sections. Returns the lanes, or nil and what did not work.
--- `idle`: lanes of ours that are there and are used again. A parameter with a lane of the user's is left to that.
function moving.write(track, fx, eq, idle)
  local count, lanes, ours = reaeq.count(track, fx), {}, {}
  for _, parameter in ipairs(idle) do
    ours[parameter] = true
  end
  for n = 1, #eq.bands + 1 do
    local parameter = n > #eq.bands and 3 * count or 3 * (n - 1) + reaeq.GAIN
    local points = points_of(eq.sections, function(section)
      return n > #eq.bands and section.output_gain_db or section.gains_db[n]
    end)
    local theirs = not ours[parameter] and reaper.GetFXEnvelope(track, fx, parameter, false)
    if #points > 1 and not theirs then
      if not ours[parameter] and not scale_is_known(track, fx, parameter, count, points) then
        return nil, "the scale of its gains"
      end
      for _, point in ipairs(points) do
        point[2] = native(parameter, count, point[2])
      end
      if not draw(track, fx, parameter, points) then
        return nil, "its envelopes"
      end
      lanes[#lanes + 1] = parameter
    end
  end
  return lanes
end

--- Empties lanes and switches them off: all that can be done with one that has to stay, for it is deleted by no call.
function moving.silence(track, fx, lanes)
  for _, parameter in ipairs(lanes) do
    local envelope = reaper.GetFXEnvelope(track, fx, parameter, false)
    if envelope then
      clear(envelope)
      reaper.GetSetEnvelopeInfo_String(envelope, "ACTIVE", "0", true)
    end
  end
end

--- Would a lane that had to stay be drawn on a band of another type? REAPER knows lanes by a name with the type in it,
--- and one whose name is gone is dead without a sign.
function moving.stranded(instance, eq, idle)
  local kept = instance and instance.record and instance.record.eq
  for _, parameter in ipairs(idle) do
    local band, was = eq.bands[parameter // 3 + 1], kept and kept.bands[parameter // 3 + 1]
    local is_global = parameter % 3 ~= reaeq.GAIN
    if not is_global and band and (not was or was.kind ~= band.kind) then
      return true
    end
  end
  return false
end

local function each_point(track, fx, lanes, body)
  local count = #lanes > 0 and reaeq.count(track, fx) or 0
  for _, parameter in ipairs(lanes) do
    local envelope = reaper.GetFXEnvelope(track, fx, parameter, false)
    for n = 0, envelope and reaper.CountEnvelopePoints(envelope) - 1 or -1 do
      local _, time, value, shape, tension, selected = reaper.GetEnvelopePoint(envelope, n)
      body(parameter, n, in_db(parameter, count, value),
        { count = count, time = time, shape = shape, tension = tension, selected = selected })
    end
  end
end

--- What lanes say over time, to be drawn: {{parameter, points = {{seconds, dB}, ...}}, ...}.
function moving.curves(track, fx, lanes)
  local curves, of = {}, {}
  each_point(track, fx, lanes, function(parameter, _, gain_db, point)
    if not of[parameter] then
      of[parameter] = { parameter = parameter, points = {} }
      curves[#curves + 1] = of[parameter]
    end
    local points = of[parameter].points
    points[#points + 1] = { point.time, gain_db }
  end)
  return curves
end

--- The largest gain in lanes, dB up or down.
function moving.most_db(track, fx, lanes)
  local most = 0
  each_point(track, fx, lanes, function(_, _, gain_db)
    most = math.max(most, gain_db > -100 and math.abs(gain_db) or 0)
  end)
  return most
end

--- The points of lanes with their gains multiplied, as they were drawn or as the user has moved them since, to be
--- written by `moving.put_scale`: reads only.
function moving.ready_scale(track, fx, lanes, factor)
  local points, counts = {}, {}
  each_point(track, fx, lanes, function(parameter, n, gain_db, point)
    counts[parameter] = (counts[parameter] or 0) + 1
    point.parameter, point.n = parameter, n
    point.value = native(parameter, point.count, math.min(gain_db * factor, reaeq.MAX_GAIN_DB))
    points[#points + 1] = point
  end)
  return { points = points, counts = counts }
end

--- Writes these points; false, and nothing written, if their lanes have other points now.
function moving.put_scale(track, fx, ready)
  local lanes = {}
  for parameter, count in pairs(ready.counts) do
    lanes[parameter] = reaper.GetFXEnvelope(track, fx, parameter, false)
    if not lanes[parameter] or reaper.CountEnvelopePoints(lanes[parameter]) ~= count then
      return false
    end
  end
  for _, point in ipairs(ready.points) do
    reaper.SetEnvelopePoint(lanes[point.parameter], point.n, point.time, point.value, point.shape, point.tension,
      point.selected, true)
  end
  return true
end

--- What an instance holds, and what a hand did to it in words, nil for nothing. What envelopes of ours drive is as we
--- computed it, wherever the cursor stands.
function moving.at_rest(track, instance, lanes)
  local kept = instance.record and instance.record.eq
  if not kept then
    return reaeq.read(track, instance.index), nil
  end
  local eq, change = edits.of(track, instance.index, kept)
  for _, parameter in ipairs(lanes) do
    local band = kept.bands[parameter // 3 + 1]
    if parameter == 3 * #eq.bands then
      eq.output_gain_db = kept.output_gain_db
    elseif band and eq.bands[parameter // 3 + 1] then
      eq.bands[parameter // 3 + 1].gain_db = band.gain_db
    end
  end
  return eq, change
end

--- The parameters, of those that follow an envelope, as a set without our own lanes.
function moving.others(track, fx, lanes)
  local driven = envelopes.driven(track, fx)
  for _, parameter in ipairs(lanes) do
    driven[parameter] = nil
  end
  return driven
end

return moving
