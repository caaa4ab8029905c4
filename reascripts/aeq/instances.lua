-- What we keep beside a track about the EQs we put on it, in its P_EXT: saved, copied and undone with the track.
-- An EQ is known by the GUID of its FX. In a copied track, a template or a merged project that GUID is another one: the
-- copy is known again by its name and by what it holds.

local json = require("aeq.json")

local instances = {}

local KEY = "P_EXT:reaper-aeq"
local VERSION = 1
local SAME_DB, SAME_HZ, SAME_OCT = 0.05, 1e-3, 5e-3
local MOST_DB, MOST_WEIGHT = 13, 10 -- more no EQ of ours ever had

-- A run asks for one track's record several times, and reading it is slow: the last texts are kept as they were read.
local KEPT_TEXTS = 512
local known, count = {}, 0

local function decoded(text)
  local kept = known[text]
  if kept == nil then
    local fine
    fine, kept = pcall(json.decode, text)
    kept = fine and kept or false
    if count >= KEPT_TEXTS then
      known, count = {}, 0
    end
    known[text], count = kept, count + 1
  end
  return kept
end

local function is_master(track)
  return reaper.GetMediaTrackInfo_Value(track, "IP_TRACKNUMBER") == -1
end

local function positive(value)
  return type(value) == "number" and value > 0 and value < math.huge
end

local function is_gain(value)
  return type(value) == "number" and value < MOST_DB -- NaN is not
end

-- kinds: {[kind] = what is true} of the bands that this version knows
local function is_eq(eq, kinds)
  local bands = type(eq) == "table" and eq.bands
  if type(bands) ~= "table" or bands == json.null or not is_gain(eq.output_gain_db) then
    return false
  end
  for _, band in ipairs(bands) do
    local fine = type(band) == "table" and kinds[band.kind] and positive(band.freq_hz)
      and positive(band.bandwidth_oct) and is_gain(band.gain_db) and type(band.enabled) == "boolean"
    if not fine or band.state and math.type(band.state) ~= "integer" then -- ReaEQ's number, as 0.1 kept it at times
      return false
    end
  end
  return true
end

local function is_blend(blend)
  for _, part in ipairs(type(blend) == "table" and blend or {}) do
    local fine = type(part) == "table" and type(part.word) == "string" and type(part.weight) == "number"
    if not fine or math.abs(part.weight) > MOST_WEIGHT then
      return false
    end
  end
  return type(blend) == "table"
end

local function well_formed(record)
  return type(record) == "table" and type(record.fx) == "string" and type(record.name) == "string"
    and (record.family == "word" or record.family == "match") and is_blend(record.blend)
end

--- A record as it can be used. What cannot be read of it, as a band of a kind that only a newer version knows, counts
--- as not known: there is no `eq` then. Beside the track it stays as it was written.
function instances.readable(record, kinds)
  local copy = {}
  for key, value in pairs(record) do
    copy[key] = value
  end
  copy.eq = is_eq(record.eq, kinds) and record.eq or nil
  copy.times = positive(record.times) and record.times or nil
  return copy
end

--- {eqs = {{fx, family, name, blend, eq}, ...}, copied = true if another track wrote this, group = id of a linked
--- group, kind = what the user says the sound is, before = what a project file kept there before its first EQ,
--- is_master}. Whatever cannot be read counts as nothing: anybody may write there.
function instances.read(track)
  local found = { eqs = {} }
  if is_master(track) then
    found.is_master = true
    return found -- nobody has measured whether the master keeps such a value: it goes by names
  end
  local ok, text = reaper.GetSetMediaTrackInfo_String(track, KEY, "", false)
  local kept = ok and text ~= "" and decoded(text)
  if type(kept) ~= "table" or kept.version ~= VERSION or type(kept.eqs) ~= "table" then
    return found
  end
  found.copied = kept.track ~= reaper.GetTrackGUID(track)
  -- A copy of a track of a group is no part of the group: the original is.
  found.group = not found.copied and type(kept.group) == "string" and kept.group or nil
  found.kind = type(kept.kind) == "string" and kept.kind or nil
  found.before = not found.copied and type(kept.before) == "string" and kept.before or nil
  for _, record in ipairs(kept.eqs) do
    if well_formed(record) then
      found.eqs[#found.eqs + 1] = record
    end
  end
  return found
end

--- Is it what lay there before the first EQ, but for the EQs?
local function only_as_before(state, guid)
  local was = state.before ~= "" and decoded(state.before) or nil
  was = type(was) == "table" and was.version == VERSION and type(was.eqs) == "table" and was or {}
  local group = was.track == guid and type(was.group) == "string" and was.group or nil
  return group == state.group and (type(was.kind) == "string" and was.kind or nil) == state.kind
end

--- What is kept beside the track `guid` for what `instances.read` gave, as text; nil for the master, "" for nothing.
--- Behind the last EQ it is again what lay there before the first (reaper_aeq/reaper/instance_record.py).
function instances.text(state, guid)
  if state.is_master then
    return nil
  elseif #state.eqs == 0 and state.before and only_as_before(state, guid) then
    return state.before
  elseif #state.eqs == 0 and not state.group and not state.kind then
    return ""
  end
  return json.encode({ version = VERSION, track = guid, group = state.group, kind = state.kind,
    before = #state.eqs > 0 and state.before or nil, eqs = json.array(state.eqs) })
end

--- Keeps a text of `instances.text`.
function instances.put(track, text)
  reaper.GetSetMediaTrackInfo_String(track, KEY, text, true)
end

--- Keeps what `instances.read` gives.
function instances.keep(track, state)
  local text = instances.text(state, reaper.GetTrackGUID(track))
  if text then
    local _, is = reaper.GetSetMediaTrackInfo_String(track, KEY, "", false)
    if is ~= text then
      instances.put(track, text)
    end
  end
end

-- moved: an envelope of ours drives its gain
local function same_band(a, b, moved)
  return a.kind == b.kind and a.enabled == b.enabled and type(b.freq_hz) == "number" and type(b.gain_db) == "number"
    and type(b.bandwidth_oct) == "number" and math.abs(a.freq_hz / b.freq_hz - 1) < SAME_HZ
    and (moved or math.abs(a.gain_db - b.gain_db) < SAME_DB) and math.abs(a.bandwidth_oct - b.bandwidth_oct) < SAME_OCT
end

--- Does an instance ({bands, output_gain_db}) hold what a record says?
function instances.holds(held, record)
  local moved = {}
  for _, parameter in ipairs(type(record.lanes) == "table" and record.lanes or {}) do
    moved[parameter] = true
  end
  for n, band in ipairs(held.bands) do
    local kept = record.eq.bands[n]
    if kept and not same_band(band, kept, moved[3 * n - 2]) or not kept and band.enabled then
      return false
    end
  end
  return #held.bands >= #record.eq.bands
end

--- Adds the record of an EQ to what `instances.read` gave: it replaces the one of the same FX; those whose FX is gone
--- are dropped.
-- entry: {fx, family, name, blend, eq, lanes}; lanes: the parameters that envelopes of ours move
-- alive: {[guid] = true} of the track's FX
function instances.add(state, entry, alive)
  local kept = {}
  for _, record in ipairs(state.eqs) do
    if record.fx ~= entry.fx and alive[record.fx] then
      kept[#kept + 1] = record
    end
  end
  kept[#kept + 1] = entry
  state.eqs = kept
end

return instances
