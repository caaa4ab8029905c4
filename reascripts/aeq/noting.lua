-- What an EQ of ours is called, and what is kept beside its track about it.

local chain = require("aeq.chain")
local edits = require("aeq.edits")
local instances = require("aeq.instances")
local json = require("aeq.json")
local names = require("aeq.names")
local reaeq = require("aeq.reaeq")
local seen = require("aeq.seen")

local noting = {}

local TO_COME = "{FX}" -- in a text, for the GUID of an FX that is not there yet

--- The bands of an EQ as they are kept and sent: nothing else that ReaEQ says of them, and none of a kind that only it
--- knows.
function noting.bands(eq)
  local list = {}
  for _, band in ipairs(eq.bands) do
    list[#list + 1] = band.kind and {
      kind = band.kind, freq_hz = band.freq_hz, gain_db = band.gain_db, bandwidth_oct = band.bandwidth_oct,
      enabled = band.enabled,
    } or nil
  end
  return json.array(list)
end

--- What is kept with an instance of its EQ, as JSON.
-- before: the record of what was there and is now `factor` times as much, nil for what is new
local function packed(eq, blend, before, factor)
  local of_answer = not factor and seen.of(eq)
  -- an answer brings what was heard; what only scales one keeps it
  local heard = eq.explanation and eq.heard or not eq.explanation and before and before.heard or nil
  return {
    heard = heard and json.raw(json.encode(heard)) or nil,
    blend = json.raw(json.encode(json.array(blend))),
    eq = json.raw(json.encode({ bands = noting.bands(eq), output_gain_db = eq.output_gain_db })),
    seen = factor and before and before.seen and json.raw(json.encode(before.seen))
      or of_answer and json.raw(json.encode(of_answer)) or nil,
    times = factor and before and (tonumber(before.times) or 1) * factor or nil,
  }
end

--- The name of an instance with this blend; one of the user's own stays.
local function named(target, instance, is, blend, edited)
  if instance and instance.record and not names.family(is) then
    return is
  end
  local is_linked = target.linked
  if is_linked == nil then -- nobody asked: it stays what it is
    is_linked = names.is_linked(is)
  end
  return names.format(blend, instance and instance.family or target.family, is_linked, edited)
end

--- The record of an instance. Returns it and what the instance is to be called. Nothing is changed.
-- target: {track, name, family, linked, told, learned}; instance: as of `reaeq.ours`, nil for a new one; is: what it is
-- called; eq: what was computed; edited: somebody changed that by hand
-- more: {lanes: parameters that envelopes of ours move, by default those that are known; factor: how often what it held
-- before, nil for what is new; guid: of the FX, by default the instance's}
local function recorded(target, instance, is, eq, blend, edited, more)
  local before = instance and instance.record or {}
  local record, lanes = packed(eq, blend, instance and instance.record, more.factor), more.lanes or before.lanes
  record.fx = more.guid or instance and instance.guid or TO_COME
  record.family = instance and instance.family or target.family
  record.name = named(target, instance, is, blend, edited)
  record.lanes = lanes and #lanes > 0 and json.array(lanes) or nil
  record.told = edited and (target.told or before.told) or nil
  record.learned = edited and (target.learned or before.learned) or nil
  -- learned since the last answer
  record.taught = edited and not eq.explanation and (target.learned ~= nil or before.taught) or nil
  return record, record.name
end

--- Makes ready what is to be noted of EQs on one track, with reads alone.
-- notes: {{instance, is, eq, blend, edited, lanes, factor}, ...}, as of `recorded`
-- Returns {names = {one for each note, nil where it stays}, are = {what they are called}, text}.
function noting.ready(target, notes)
  local track, state, alive = target.track, instances.read(target.track), { [TO_COME] = true }
  for _, entry in ipairs(chain.all(track)) do
    alive[entry.guid] = true
  end
  local ready = { names = {}, are = {} }
  for n, note in ipairs(notes) do
    local is = note.is or note.instance and note.instance.name or ""
    local record, name = recorded(target, note.instance, is, note.eq, note.blend, note.edited, note)
    instances.add(state, record, alive)
    ready.names[n], ready.are[n] = name ~= is and name or nil, is
  end
  ready.text = instances.text(state, reaper.GetTrackGUID(track))
  return ready
end

--- Names the instances at these places of the chain, and keeps the text. Returns nil, or what did not work. A name that
--- the user gave meanwhile stays.
-- is_new: the only one is new: it has no name, and its GUID is known only now
function noting.put(track, places, ready, is_new)
  for n, fx in ipairs(places) do
    local is_same = ready.names[n] and (is_new or reaeq.name(track, fx) == ready.are[n])
    if is_same and not reaeq.rename(track, fx, ready.names[n]) then
      return "its name"
    end
  end
  if ready.text then
    local text = ready.text
    if is_new then
      local guid = reaper.TrackFX_GetFXGUID(track, places[1])
      text = text:gsub('"' .. TO_COME .. '"', '"' .. guid .. '"')
    end
    instances.put(track, text)
  end
end

--- Both at once for an instance at place `fx` of the chain. `more` as of `recorded`, and {was: what it was called,
--- where it was inserted afresh}; where a hand has made something else of `eq`, the name tells.
function noting.note(target, fx, instance, eq, blend, more)
  local track = target.track
  local note = { eq = eq, blend = blend, lanes = more.lanes, factor = more.factor }
  note.is = instance and (more.was or reaeq.name(track, fx)) or ""
  note.edited = instance and select(2, edits.of(track, fx, eq)) ~= nil
  note.instance, note.guid = instance, reaper.TrackFX_GetFXGUID(track, fx)
  local ready = noting.ready(target, { note })
  if more.was then -- a fresh one has no name yet
    ready.names[1] = ready.names[1] or note.is
  end
  ready.are[1] = reaeq.name(track, fx) -- a new one shows the plug-in's
  return noting.put(track, { fx }, ready)
end

return noting
