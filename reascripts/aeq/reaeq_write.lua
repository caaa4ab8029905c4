-- Writing an EQ into a ReaEQ instance, and the proof that it arrived. Every way in is checked by another way out.

local envelopes = require("aeq.envelopes")
local reaeq = require("aeq.reaeq")
local state = require("aeq.reaeq_state")

local write = {}

-- Far below hearing, far above what storing a knob's 0..1 as a 32-bit float loses.
local TOLERANCE = { freq = 1e-3, gain_db = 0.01, bandwidth_oct = 2e-3 }
local NEW_BAND_HZ = 1000

local function set_config(track, fx, name, value)
  local ok, is = reaper.TrackFX_GetNamedConfigParm(track, fx, name)
  if not ok or is ~= value then
    reaper.TrackFX_SetNamedConfigParm(track, fx, name, value)
  end
end

--- Brings the instance to at least `wanted` bands. True if it has them now.
local function ensure_bands(track, fx, wanted)
  local count = reaeq.count(track, fx)
  while count < wanted do
    local of_kind = 0
    for n = 0, count - 1 do
      local _, api = reaper.TrackFX_GetEQParam(track, fx, 3 * n)
      of_kind = of_kind + (api == reaeq.KINDS.band.api and 1 or 0)
    end
    -- No call adds a band; setting a parameter of a missing one creates it. Real renders show this for the type
    -- "band" (2.1); where the new band stands is not known, so everything is read again.
    reaper.TrackFX_SetEQParam(track, fx, reaeq.KINDS.band.api, of_kind, reaeq.FREQ, NEW_BAND_HZ, false)
    local now = reaeq.count(track, fx)
    if now <= count then
      return false
    end
    count = now
  end
  return true
end

local function set_band(track, fx, n, band)
  -- The EQ calls address "the second band of that type": ask which one parameter 3n belongs to. Changing a type
  -- changes that of others, so all types are set before this.
  local ok, api, index = reaper.TrackFX_GetEQParam(track, fx, 3 * n)
  if not ok or band.kind and api ~= reaeq.KINDS[band.kind].api then
    return
  end
  -- isnorm = false: Hz, linear amplitude, octaves (2.1; "Q" is a bandwidth)
  reaper.TrackFX_SetEQParam(track, fx, api, index, reaeq.FREQ, band.freq_hz, false)
  reaper.TrackFX_SetEQParam(track, fx, api, index, reaeq.GAIN, reaeq.to_linear(band.gain_db), false)
  reaper.TrackFX_SetEQParam(track, fx, api, index, reaeq.WIDTH, band.bandwidth_oct, false)
end

local function set_all(track, fx, eq)
  local count = reaeq.count(track, fx)
  for n = 0, count - 1 do
    local band = eq.bands[n + 1]
    if band then
      set_config(track, fx, "BANDTYPE" .. n, tostring(reaeq.state_of(band)))
    end
    set_config(track, fx, "BANDENABLED" .. n, band and band.enabled and "1" or "0")
  end
  for n, band in ipairs(eq.bands) do
    set_band(track, fx, n - 1, band)
  end
  -- Global gain: raw 0..4 is linear amplitude (2.4).
  reaper.TrackFX_SetParam(track, fx, 3 * count, reaeq.to_linear(eq.output_gain_db))
end

-- `driven`: parameters that follow an envelope, from the band's first one on; REAPER may have set them already.
local function band_difference(is, want, driven, first)
  if is.kind ~= want.kind or is.enabled ~= want.enabled then
    return "kind " .. tostring(is.kind)
  elseif not driven[first + reaeq.FREQ] and math.abs(is.freq_hz / want.freq_hz - 1) > TOLERANCE.freq then
    return ("%.1f Hz for %.1f"):format(is.freq_hz, want.freq_hz)
  elseif not driven[first + reaeq.GAIN] and math.abs(is.gain_db - want.gain_db) > TOLERANCE.gain_db then
    return ("%.2f dB for %.2f"):format(is.gain_db, want.gain_db)
  elseif not driven[first + reaeq.WIDTH]
    and math.abs(is.bandwidth_oct - want.bandwidth_oct) > TOLERANCE.bandwidth_oct then
    return ("%.3f oct for %.3f"):format(is.bandwidth_oct, want.bandwidth_oct)
  end
end

--- nil if `held` ({bands, output_gain_db}) sounds like `eq`, else what differs first.
local function first_difference(held, eq, driven)
  for n, want in ipairs(eq.bands) do
    local what = not held.bands[n] and "only " .. #held.bands .. " bands"
      or band_difference(held.bands[n], want, driven, 3 * (n - 1))
    if what then
      return ("band %d: %s"):format(n, what)
    end
  end
  for n = #eq.bands + 1, #held.bands do
    if held.bands[n].enabled then
      return ("band %d is still on"):format(n)
    end
  end
  if not driven[3 * #held.bands] and math.abs(held.output_gain_db - eq.output_gain_db) > TOLERANCE.gain_db then
    return ("output %.2f dB for %.2f"):format(held.output_gain_db, eq.output_gain_db)
  end
end

--- The same, but for parameters that follow an envelope: those are only looked for where something differs.
local function difference(track, fx, held, eq)
  return first_difference(held, eq, {}) and first_difference(held, eq, envelopes.driven(track, fx))
end

--- The same for an instance, from its parameters.
function write.difference(track, fx, eq)
  return difference(track, fx, reaeq.read(track, fx), eq)
end

-- What this run knows of this REAPER's `vst_chunk`: nil nothing yet, false that it is of no use, else its layout. What
-- is in it is inferred from another plug-in (2.2), so the first instance is proven by its parameters as well.
local layout

--- Writes the whole state at once. True if that is proven to have worked.
local function by_state(track, fx, plan, is_new)
  if layout == false then
    return false
  end
  local text, like, eq = nil, layout, plan.eq
  if is_new and layout and plan.head == layout.head then
    text = plan.text
  elseif not is_new and plan.like then
    text, like = plan.text, plan.like
  elseif not is_new or not layout then
    like = state.read(track, fx)
  end
  local written, to_the_byte
  if like then
    written, to_the_byte = state.put(track, fx, text or state.text(eq, like))
  end
  if not written then
    layout = false
    return false
  elseif to_the_byte and layout then
    return true
  end
  local held = state.read(track, fx)
  local fine = held and not difference(track, fx, held, eq) and (layout or not write.difference(track, fx, eq))
  layout = fine and (layout or { head = like.head })
  return fine
end

local function by_parameters(track, fx, eq)
  if ensure_bands(track, fx, #eq.bands) then
    set_all(track, fx, eq)
  end
  return write.difference(track, fx, eq)
end

--- Makes ready what `write.put` writes with few calls; reads only. fx: nil for an instance that is still to come.
-- by_hand: a hand made what is there: where that is the same, it stays as it is to the last digit.
function write.ready(track, fx, eq, by_hand)
  local plan = { eq = eq, stays = by_hand and not write.difference(track, fx, eq) }
  if plan.stays or layout == false then
    return plan
  elseif fx then
    plan.like = state.read(track, fx) -- an old instance keeps its window's size
    plan.text = plan.like and state.text(eq, plan.like)
  else
    plan.head = layout and layout.head or ""
    plan.text = state.text(eq, { head = plan.head })
  end
  return plan
end

--- Writes what was made ready: the bands in their order, those left over switched off. Returns nil, or what is not as
--- it should be afterwards.
function write.put(track, fx, plan, is_new)
  if not plan.stays and not by_state(track, fx, plan, is_new) then
    return by_parameters(track, fx, plan.eq)
  end
end

--- Writes {bands, output_gain_db} at once. Returns as `write.put`.
function write.eq(track, fx, eq, is_new)
  return write.put(track, fx, { eq = eq }, is_new)
end

--- What has to be set for `eq` to do as much as it says, where `held` is what `reaeq.read` gave: gains, and where pass
--- filters begin; nothing else of the bands is touched. A list of {parameter, value}, for EQ calls with {api, index}.
function write.ready_gains(track, fx, held, eq)
  local list = {}
  for n, band in ipairs(eq.bands) do
    local parameter = 3 * (n - 1)
    if band.enabled and reaeq.PASSES[band.kind] and band.freq_hz ~= held.bands[n].freq_hz then
      local ok, api, index = reaper.TrackFX_GetEQParam(track, fx, parameter)
      list[#list + 1] = ok and { parameter, band.freq_hz, api, index } or nil
    elseif band.enabled and band.gain_db ~= held.bands[n].gain_db then
      list[#list + 1] = { parameter + reaeq.GAIN, reaeq.to_linear(band.gain_db) / 4 }
    end
  end
  list[#list + 1] = { 3 * #eq.bands, reaeq.to_linear(eq.output_gain_db) }
  return list
end

--- Sets these. True if the last one, the global gain, arrived: where FX are closed to scripts none does.
function write.put_gains(track, fx, list)
  for _, one in ipairs(list) do
    if one[3] then
      reaper.TrackFX_SetEQParam(track, fx, one[3], one[4], reaeq.FREQ, one[2], false)
    else
      reaper.TrackFX_SetParam(track, fx, one[1], one[2])
    end
  end
  local last = list[#list]
  return math.abs(reaper.TrackFX_GetParam(track, fx, last[1]) / last[2] - 1) < 1e-3
end

return write
