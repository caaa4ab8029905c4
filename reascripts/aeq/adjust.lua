-- More, less, compare, remove: what can be done with our instances as they are, without listening again.

local check = require("aeq.check")
local edits = require("aeq.edits")
local envelopes = require("aeq.envelopes")
local instances = require("aeq.instances")
local linked = require("aeq.linked")
local messages = require("aeq.messages")
local moving = require("aeq.moving")
local names = require("aeq.names")
local reaeq = require("aeq.reaeq")
local reaeq_write = require("aeq.reaeq_write")
local write = require("aeq.write")

local adjust = {}

local MAX_GAIN_DB = 12 -- ours, a hair inside of ReaEQ's own limit
local LEAST_STEP, HALVINGS = 0.01, 8
-- Bands of these kinds have a gain; what passes, notches or shifts phase has none that counts (docs/reaper.md, 5). Pass
-- filters move instead.
local HAS_GAIN = { low_shelf = true, high_shelf = true, band = true }

--- How far `factor` can go before a band, an envelope of ours (`most_db`) or a word reaches its limit.
local function limited(factor, eq, blend, most_db)
  if most_db > 0 then
    factor = math.min(factor, MAX_GAIN_DB / most_db)
  end
  for _, band in ipairs(eq.bands) do
    if band.enabled and HAS_GAIN[band.kind] and math.abs(band.gain_db) > 0 then
      factor = math.min(factor, MAX_GAIN_DB / math.abs(band.gain_db))
    end
  end
  for _, part in ipairs(blend) do
    if part.weight ~= 0 then
      factor = math.min(factor, names.MAX_WEIGHT / math.abs(part.weight))
    end
  end
  return factor
end

--- {bands, output_gain_db} with `step` times as much of it, which is for a word of the weight `before`.
local function scaled(eq, step, before)
  -- The loudness that the bands add or take grows with them, nearly in proportion at these gains.
  local found = { bands = {}, output_gain_db = math.min(eq.output_gain_db * step, MAX_GAIN_DB) }
  for n, band in ipairs(eq.bands) do
    local copy = {}
    for key, value in pairs(band) do
      copy[key] = value
    end
    if band.enabled and HAS_GAIN[band.kind] then
      copy.gain_db = band.gain_db * step
    elseif band.enabled and reaeq.PASSES[band.kind] then
      copy.freq_hz = reaeq.corner_hz(band.kind, band.freq_hz, before, before * step)
    end
    found.bands[n] = copy
  end
  return found
end

--- The same where a hand changed the EQ: what was computed grows, what the hand made of it stays beside that. Returns
--- both together, what was computed, and the step that bands allow.
local function scaled_beside(eq, held, step, before)
  local whole, computed
  for _ = 1, HALVINGS do
    computed = scaled(eq, step, before)
    whole = edits.kept(eq, held, computed)
    local most = 0
    for _, band in ipairs(whole.bands) do
      most = math.max(most, band.enabled and HAS_GAIN[band.kind] and math.abs(band.gain_db) or 0)
    end
    if most <= MAX_GAIN_DB or step <= 1 then
      return whole, computed, step
    end
    step = 1 + (step - 1) / 2
  end
  return whole, computed, 1
end

--- What of ours is selected, on tracks that may be changed.
local function changeable(act)
  local entries = linked.with_ours(act)
  for _, entry in ipairs(entries) do
    check.may_change(entry.track, entry.name)
  end
  return entries
end

--- What envelopes of ours drive is as we computed it, wherever the cursor stands.
local function without_movement(eq, instance, lanes)
  local kept = instance.record and instance.record.eq
  for _, parameter in ipairs(kept and lanes or {}) do
    local band = kept.bands[parameter // 3 + 1]
    if parameter == 3 * #eq.bands then
      eq.output_gain_db = kept.output_gain_db
    elseif band and eq.bands[parameter // 3 + 1] then
      eq.bands[parameter // 3 + 1].gain_db = band.gain_db
    end
  end
end

local function scale(act, entry, instance, factor, direction)
  local track, fx, blend = entry.track, instance.index, reaeq.blend(instance)
  local lanes = moving.lanes(act.project, track, instance)
  local held, change = reaeq.read(track, fx), nil
  if instance.record then
    held, change = edits.of(track, fx, instance.record.eq)
  end
  without_movement(held, instance, lanes)
  local eq = change and instance.record.eq or held
  local step, biggest = limited(factor, eq, blend, moving.most_db(track, fx, lanes)), 0
  for _, part in ipairs(blend) do
    biggest = math.max(biggest, math.abs(part.weight))
  end
  local before, whole, computed = biggest > 0 and biggest or 1, nil, nil
  if change then
    whole, computed, step = scaled_beside(eq, held, step, before)
  end
  if factor > 1 and step < 1 + LEAST_STEP or factor < 1 and #blend > 0 and biggest * step < LEAST_STEP then
    messages.fail("nothing_to_scale", { track = entry.name, direction = direction })
  end
  for _, part in ipairs(blend) do
    part.weight = part.weight * step
  end
  local what
  if change then
    what = reaeq_write.eq(track, fx, whole, false)
  else
    whole = scaled(eq, step, before)
    what = reaeq_write.gains(track, fx, whole)
  end
  moving.scale(track, fx, lanes, step)
  if not what and #blend > 0 then
    what = write.note(entry, fx, instance, computed or whole, blend, lanes)
  end
  if what then
    write.fail_not_taken(track, entry.name, what)
  end
  write.tell_overridden(act, entry.name, track, fx, whole, true, lanes)
end

--- Scales the EQs of the selection; `direction` ("more" or "less") is for the message.
function adjust.scale(act, factor, direction)
  local entries = changeable(act)
  write.undoable(act, act.title, entries, function()
    for _, entry in ipairs(entries) do
      for _, instance in ipairs(entry.ours) do
        scale(act, entry, instance, factor, direction)
      end
    end
  end)
end

local function any_on(entries)
  for _, entry in ipairs(entries) do
    for _, instance in ipairs(entry.ours) do
      if reaper.TrackFX_GetEnabled(entry.track, instance.index) then
        return true
      end
    end
  end
  return false
end

--- Off if any is on, else on. The EQ keeps the loudness, so only its color is compared.
function adjust.compare(act)
  local entries = changeable(act)
  local on = not any_on(entries)
  write.undoable(act, on and "EQ on" or "EQ off", entries, function()
    for _, entry in ipairs(entries) do
      for _, instance in ipairs(entry.ours) do
        reaper.TrackFX_SetEnabled(entry.track, instance.index, on)
        if reaper.TrackFX_GetEnabled(entry.track, instance.index) ~= on
          and not envelopes.switch(entry.track, instance.index) then
          write.fail_not_taken(entry.track, entry.name, "its bypass")
        end
        write.mark(entry, instance)
        write.tell_overridden(act, entry.name, entry.track, instance.index)
      end
    end
  end)
end

--- The instances of the selection that somebody changed by hand: {{entry, instance, held, change}, ...}.
function adjust.edited(entries)
  local list = {}
  for _, entry in ipairs(entries) do
    for _, instance in ipairs(entry.ours) do
      if instance.record then
        local held, change = edits.of(entry.track, instance.index, instance.record.eq)
        list[#list + 1] = change and { entry = entry, instance = instance, held = held, change = change } or nil
      end
    end
  end
  if #list == 0 then
    messages.fail("nothing_edited")
  end
  return list
end

--- Makes them again what was computed.
function adjust.afresh(act)
  local entries = changeable(act)
  local edited = adjust.edited(entries)
  write.undoable(act, act.title, entries, function()
    for _, one in ipairs(edited) do
      local track, instance = one.entry.track, one.instance
      local eq = instance.record.eq
      local what = reaeq_write.eq(track, instance.index, eq, false)
      what = what or write.note(one.entry, instance.index, instance, eq, reaeq.blend(instance))
      if what then
        write.fail_not_taken(track, one.entry.name, what)
      end
      write.tell_overridden(act, one.entry.name, track, instance.index, eq)
    end
  end)
end

--- Takes our EQs away, and nothing else.
function adjust.remove(act)
  local entries = changeable(act)
  write.undoable(act, act.title, entries, function()
    for _, entry in ipairs(entries) do
      for i = #entry.ours, 1, -1 do -- from the end: deleting moves those behind it
        if not reaper.TrackFX_Delete(entry.track, entry.ours[i].index) then
          write.fail_not_taken(entry.track, entry.name, "its removal")
        end
      end
      local kept = instances.read(entry.track)
      kept.eqs = {}
      instances.keep(entry.track, kept)
    end
  end)
end

return adjust
