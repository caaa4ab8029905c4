-- More, less, compare, delta, remove: what can be done with our instances as they are, without listening again.

local check = require("aeq.check")
local edits = require("aeq.edits")
local envelopes = require("aeq.envelopes")
local instances = require("aeq.instances")
local linked = require("aeq.linked")
local lamps = require("aeq.lamps")
local messages = require("aeq.messages")
local moving = require("aeq.moving")
local reaeq_write = require("aeq.reaeq_write")
local scale = require("aeq.scale")
local speak = require("aeq.speak")
local write = require("aeq.write")

local adjust = {}

local LEAST_STEP, HALVINGS = 0.01, 8

--- `computed` at `step`, with what a hand made of it (`held`) beside that. Returns both together, what was computed,
--- and the step that bands allow.
local function scaled_beside(computed, held, step, blend, record)
  local whole, now
  for _ = 1, HALVINGS do
    now = scale.eq(computed, step, blend, record)
    whole = edits.kept(computed, held, now)
    if step <= 1 or scale.within_limits(whole) then
      return whole, now, step
    end
    step = 1 + (step - 1) / 2
  end
  return whole, now, 1
end

--- What of ours is selected, on tracks that may be changed.
local function changeable(act)
  local entries = linked.with_ours(act)
  for _, entry in ipairs(entries) do
    check.may_change(entry.track, entry.name)
    act:breathe()
  end
  return entries
end

-- What an instance is to hold, made before the block is open. Fails where there is nothing to scale.
local function prepared(act, entry, instance, factor, direction)
  local track, fx, blend, record = entry.track, instance.index, scale.blend(instance), instance.record
  local lanes = moving.lanes(act.project, track, instance)
  local held, change = moving.at_rest(track, instance, lanes)
  local eq = change and record.eq or held
  local most, amount = scale.most(eq, blend, record, moving.most_db(track, fx, lanes)), scale.amount(blend)
  local step = math.min(factor, most)
  local whole, computed
  if change then
    whole, computed, step = scaled_beside(eq, held, step, blend, record)
  else
    whole = scale.eq(eq, step, blend, record)
  end
  if factor > 1 and step < 1 + LEAST_STEP or factor < 1 and #blend > 0 and amount * step < LEAST_STEP then
    messages.fail("nothing_to_scale", { track = entry.name, direction = direction })
  end
  blend, computed = scale.weights(blend, step), computed or whole
  return { instance = instance, eq = whole, computed = computed, blend = blend, step = step, lanes = lanes,
    edited = change ~= nil, kept = write.packed(computed, blend, record, step) }
end

local function scaled(act, entry, one, direction)
  local track, fx, eq = entry.track, one.instance.index, one.eq
  local what
  if one.edited then
    what = reaeq_write.eq(track, fx, eq, false)
  else
    what = reaeq_write.gains(track, fx, eq)
  end
  moving.scale(track, fx, one.lanes, one.step)
  if not what and #one.blend > 0 then
    what = write.note(entry, fx, one.instance, one.computed, one.blend,
      { lanes = one.lanes, factor = one.step, kept = one.kept })
  end
  if what then
    write.fail_not_taken(track, entry.name, what)
  end
  act:result(entry.name, function()
    return ("%s, %s"):format(direction, speak.eq(eq))
  end)
  write.tell_overridden(act, entry.name, track, fx, eq, true, one.lanes)
end

--- Scales the EQs of the selection; `direction` ("more" or "less") is for the message.
function adjust.scale(act, factor, direction)
  local entries = changeable(act)
  for _, entry in ipairs(entries) do
    entry.wanted = {}
    for i, instance in ipairs(entry.ours) do
      entry.wanted[i] = prepared(act, entry, instance, factor, direction)
    end
    act:breathe()
  end
  write.undoable(act, act.title, entries, function()
    for _, entry in ipairs(entries) do
      for _, one in ipairs(entry.wanted) do
        scaled(act, entry, one, direction)
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
      act:result(entry.name, on and "EQ on" or "EQ off")
    end
  end)
  lamps.set("compare", not on)
end

--- Hears only what our EQs change, or all again: REAPER's own switch, which every FX has since 6.37 or so.
function adjust.delta(act)
  local entries, on = changeable(act), true
  local function parameter(entry, instance)
    local found = reaper.TrackFX_GetParamFromIdent(entry.track, instance.index, ":delta")
    return found >= 0 and found or messages.fail("no_delta")
  end
  for _, entry in ipairs(entries) do
    for _, instance in ipairs(entry.ours) do
      on = on and reaper.TrackFX_GetParam(entry.track, instance.index, parameter(entry, instance)) < 0.5
    end
  end
  write.undoable(act, on and "only the change" or "all of the sound", entries, function()
    for _, entry in ipairs(entries) do
      for _, instance in ipairs(entry.ours) do
        local place = parameter(entry, instance)
        reaper.TrackFX_SetParam(entry.track, instance.index, place, on and 1 or 0)
        if (reaper.TrackFX_GetParam(entry.track, instance.index, place) >= 0.5) ~= on then
          write.fail_not_taken(entry.track, entry.name, "its delta")
        end
      end
      act:result(entry.name, on and "only the change is heard" or "all is heard")
    end
  end)
  lamps.set("delta", on)
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
      what = what or write.note(one.entry, instance.index, instance, eq, scale.blend(instance), { factor = 1 })
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
      act:result(entry.name, "EQ removed")
    end
  end)
end

return adjust
