-- ReaEQ through REAPER's API: find ours, read its bands, write them, prove that they arrived.

local chain = require("aeq.chain")
local instances = require("aeq.instances")
local names = require("aeq.names")

local reaeq = {}

reaeq.MAX_GAIN_DB = 12.04 -- ReaEQ's knobs end at amplitude 4
-- Two numberings that differ (docs/reaper.md, 2 and 3): `state` is stored and is what BANDTYPEn takes, `api` is what
-- TrackFX_SetEQParam and GetEQParam use.
reaeq.KINDS = {
  low_shelf = { state = 0, api = 1 },
  high_shelf = { state = 1, api = 4 },
  band = { state = 8, api = 2 },
  low_pass = { state = 3, api = 5 },
  high_pass = { state = 4, api = 0 },
  notch = { state = 6, api = 3 },
  band_pass = { state = 7, api = 6 },
}
-- Kinds without a gain, of which more is used by moving them: the power that brings their corner there.
reaeq.PASSES = { high_pass = 0.25, low_pass = -0.25 }
local KIND_OF_STATE = { [2] = "band", [9] = "band" } -- 2 was "Band" in old files and is "Band (alt 2)" now
for kind, numbers in pairs(reaeq.KINDS) do
  KIND_OF_STATE[numbers.state] = kind
end
reaeq.KIND_OF_STATE = KIND_OF_STATE
local FREQ, GAIN, WIDTH = 0, 1, 2 -- parameters of a band, and paramtype of the EQ calls
local MASTER = -1
local opens_windows, keeps_names -- what this run has seen of this REAPER

--- Where the corner of a pass filter lies that does `to` times what it does at `freq_hz`, which is `from` times as much
--- as computed: at its first corner 3.0 dB times that (the backend's law, eq.py).
function reaeq.corner_hz(kind, freq_hz, from, to)
  local moved = ((2 ^ to - 1) / (2 ^ from - 1)) ^ reaeq.PASSES[kind]
  return math.max(20, math.min(20000, freq_hz * moved))
end

--- The number of a band's kind. A band that was read has its own: several mean one kind, and some have no kind of ours.
function reaeq.state_of(band)
  return band.state or reaeq.KINDS[band.kind].state
end

function reaeq.to_linear(gain_db)
  return 10 ^ (gain_db / 20)
end

function reaeq.to_db(linear)
  return linear > 1e-7 and 20 * math.log(linear, 10) or -150
end

--- Hz of a frequency parameter's 0..1 (2.4: checked against measured tables and against the stored defaults).
function reaeq.to_freq(raw)
  return 20 + 23980 * (401 ^ raw - 1) / 400
end

local function config(track, fx, name)
  local ok, value = reaper.TrackFX_GetNamedConfigParm(track, fx, name)
  return ok and value or nil
end

function reaeq.is_reaeq(track, fx)
  -- The standard test: GetEQParam answers false for every other plug-in (2.1).
  return (reaper.TrackFX_GetEQParam(track, fx, 0))
end

--- The user's name of an FX. Reading renamed_name is as old as writing it; GetFXName shows it as well.
function reaeq.name(track, fx)
  local name = config(track, fx, "renamed_name")
  if not name or name == "" then
    local _, shown = reaper.TrackFX_GetFXName(track, fx)
    name = shown
  end
  return name or ""
end

local function eqs_of(track)
  local list = {}
  for _, entry in ipairs(chain.all(track)) do
    if not entry.is_container and reaeq.is_reaeq(track, entry.index) then
      entry.name = reaeq.name(track, entry.index)
      list[#list + 1] = entry
    end
  end
  return list
end

local function claim(list, entry, record)
  record = record and instances.readable(record, reaeq.KINDS)
  entry.record, entry.family = record, record and record.family or names.family(entry.name)
  list[#list + 1] = entry
end

--- The one of `eqs` that a record is about, where its GUID is not on this track: of the record's name, and if several
--- have that, the one that still holds what we computed.
local function adopted(track, eqs, record)
  local first
  for _, entry in ipairs(eqs) do
    if not entry.family and entry.name == record.name then
      first = first or entry
      local eq = instances.readable(record, reaeq.KINDS).eq
      if eq and instances.holds(reaeq.read(track, entry.index), record) then
        return entry
      end
    end
  end
  return first
end

--- Our instances on a track: {{index, name, family, guid, record}, ...} in the chain's order. Ours is an EQ that we
--- keep a record of, whatever it is called now, and one with a name of ours: those of version 0.1 have nothing else.
--- A ReaEQ of another name without a record is not ours.
function reaeq.ours(track)
  local eqs, list = eqs_of(track), {}
  local records, open = instances.read(track).eqs, {}
  for _, record in ipairs(records) do
    local found
    for _, entry in ipairs(eqs) do
      found = found or not entry.family and entry.guid == record.fx and entry or nil
    end
    if found then
      claim(list, found, record)
    else
      open[#open + 1] = record
    end
  end
  for _, record in ipairs(open) do
    local found = adopted(track, eqs, record)
    if found then
      claim(list, found, record)
    end
  end
  for _, entry in ipairs(eqs) do
    if not entry.family and names.family(entry.name) then
      claim(list, entry)
    end
  end
  local place = {}
  for n, entry in ipairs(eqs) do
    place[entry] = n
  end
  table.sort(list, function(x, y)
    return place[x] < place[y]
  end)
  return list
end

--- Our instance of a family ("word" or "match") on a track, or nil: one with a record before one that has but the name.
function reaeq.find(track, family)
  local named
  for _, instance in ipairs(reaeq.ours(track)) do
    if instance.family == family then
      if instance.record then
        return instance
      end
      named = named or instance
    end
  end
  return named
end

--- The blend of an instance: what its name says, if that can be read, else what we kept.
function reaeq.blend(instance)
  local blend = names.parse(instance.name)
  if #blend == 0 and instance.record then
    for i, part in ipairs(instance.record.blend) do
      blend[i] = { word = part.word, weight = part.weight }
    end
  end
  return blend
end

--- Adds a ReaEQ before position `index` of the chain. Returns where it is, or nil.
function reaeq.add(track, index)
  -- instantiate <= -1000: a new instance at that place, -1000 the first
  local fx = reaper.TrackFX_AddByName(track, "ReaEQ (Cockos)", false, -1000 - index)
  if fx < 0 then
    return nil
  end
  -- A preference opens the window of every new FX; eight windows would be in the way. The first one tells.
  if opens_windows ~= false then
    opens_windows = reaper.TrackFX_GetOpen(track, fx)
    if opens_windows then
      reaper.TrackFX_SetOpen(track, fx, false)
    end
  end
  return fx
end

--- Names an instance. True if this REAPER keeps such names; the first one is read back, as we find ours by them.
function reaeq.rename(track, fx, name)
  local set = reaper.TrackFX_SetNamedConfigParm(track, fx, "renamed_name", name)
  keeps_names = keeps_names or set and reaeq.name(track, fx) == name
  return set and keeps_names
end

--- Number of bands. Nothing tells it: reading a band that is not there fails (2.2). Defaults differ (2.5).
function reaeq.count(track, fx)
  local count = 0
  while config(track, fx, "BANDTYPE" .. count) do
    count = count + 1
  end
  return count
end

local function raw(track, fx, parameter)
  return (reaper.TrackFX_GetParam(track, fx, parameter))
end

--- Band `n` (from 0) as {kind, state, enabled, freq_hz, gain_db, bandwidth_oct}.
function reaeq.band(track, fx, n)
  local state = math.tointeger(tonumber(config(track, fx, "BANDTYPE" .. n)))
  return {
    kind = KIND_OF_STATE[state],
    state = state,
    enabled = config(track, fx, "BANDENABLED" .. n) == "1",
    freq_hz = reaeq.to_freq(raw(track, fx, 3 * n + FREQ)),
    gain_db = reaeq.to_db(raw(track, fx, 3 * n + GAIN) * 4), -- raw gain is amplitude / 4 (2.4)
    bandwidth_oct = raw(track, fx, 3 * n + WIDTH) * 4,
  }
end

--- Everything an instance holds: {bands, output_gain_db}.
function reaeq.read(track, fx)
  local bands = {}
  for n = 0, reaeq.count(track, fx) - 1 do
    bands[n + 1] = reaeq.band(track, fx, n)
  end
  -- The global gain follows the bands; REAPER's own parameters come after it, and their number varies (2.3).
  return { bands = bands, output_gain_db = reaeq.to_db(raw(track, fx, 3 * #bands)) }
end

reaeq.FREQ, reaeq.GAIN, reaeq.WIDTH, reaeq.MASTER = FREQ, GAIN, WIDTH, MASTER

return reaeq
