-- More, less, compare, delta, remove: what can be done with our instances as they are, without listening again.

local check = require("aeq.check")
local envelopes = require("aeq.envelopes")
local instances = require("aeq.instances")
local linked = require("aeq.linked")
local lamps = require("aeq.lamps")
local messages = require("aeq.messages")
local reaeq = require("aeq.reaeq")
local reaeq_write = require("aeq.reaeq_write")
local scale = require("aeq.scale")
local speak = require("aeq.speak")
local write = require("aeq.write")

local adjust = {}

local LEAST_STEP = 0.01

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
local function prepared(entry, instance, factor, direction)
  local eq, blend = reaeq.read(entry.track, instance.index), scale.blend(instance)
  local step, amount = math.min(factor, scale.most(eq, blend, instance.record)), scale.amount(blend)
  if factor > 1 and step < 1 + LEAST_STEP or factor < 1 and #blend > 0 and amount * step < LEAST_STEP then
    messages.fail("nothing_to_scale", { track = entry.name, direction = direction })
  end
  eq, blend = scale.eq(eq, step, blend, instance.record), scale.weights(blend, step)
  return { instance = instance, eq = eq, blend = blend, step = step,
    kept = write.packed(eq, blend, instance.record, step) }
end

local function scaled(act, entry, one, direction)
  local instance, eq = one.instance, one.eq
  local what = reaeq_write.gains(entry.track, instance.index, eq)
  if not what and #one.blend > 0 then
    what = write.note(entry, instance.index, instance, eq, one.blend, one.step, one.kept)
  end
  if what then
    write.fail_not_taken(entry.track, entry.name, what)
  end
  act:result(entry.name, function()
    return ("%s, %s"):format(direction, speak.eq(eq))
  end)
  write.tell_overridden(act, entry.name, entry.track, instance.index, eq, true)
end

--- Scales the EQs of the selection; `direction` ("more" or "less") is for the message.
function adjust.scale(act, factor, direction)
  local entries = changeable(act)
  for _, entry in ipairs(entries) do
    entry.wanted = {}
    for i, instance in ipairs(entry.ours) do
      entry.wanted[i] = prepared(entry, instance, factor, direction)
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
