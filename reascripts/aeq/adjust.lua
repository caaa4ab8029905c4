-- More, less, compare, delta, remove: what can be done with our instances as they are, without listening again.

local chain = require("aeq.chain")
local edits = require("aeq.edits")
local envelopes = require("aeq.envelopes")
local instances = require("aeq.instances")
local lamps = require("aeq.lamps")
local messages = require("aeq.messages")
local moving = require("aeq.moving")
local names = require("aeq.names")
local noting = require("aeq.noting")
local one_step = require("aeq.one_step")
local reaeq = require("aeq.reaeq")
local reaeq_state = require("aeq.reaeq_state")
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

--- What is to be found again before an instance is written: nil where an envelope moves it all the time.
local function seen_now(track, instance)
  return not next(envelopes.driven(track, instance.index)) and reaeq_state.fingerprint(track, instance.index) or nil
end

--- Do all of a list {instance, was} hold what was seen?
local function same(track, list)
  for _, one in ipairs(list) do
    if one.was and reaeq_state.fingerprint(track, one.instance.index) ~= one.was then
      return false
    end
  end
  return true
end

--- What an instance is to hold, made before the block is open. Fails where there is nothing to scale.
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
  local plan = change and reaeq_write.ready(track, fx, whole)
  return { instance = instance, was = seen_now(track, instance), eq = whole, lanes = lanes, plan = plan or nil,
    gains = not change and reaeq_write.ready_gains(track, fx, held, whole) or nil,
    points = moving.ready_scale(track, fx, lanes, step),
    note = #blend > 0 and { instance = instance, eq = computed, blend = blend, lanes = lanes, factor = step,
      edited = edits.described(computed, whole) ~= "" } or nil }
end

--- The places of the chain and what is noted of those EQs, of a list of {instance, note}.
local function noted(entry, list)
  local notes, places = {}, {}
  for _, one in ipairs(list) do
    if one.note then
      notes[#notes + 1], places[#places + 1] = one.note, one.instance.index
    end
  end
  return #notes > 0 and noting.ready(entry, notes) or nil, places
end

local function put_noted(entry)
  local what = entry.noted and noting.put(entry.track, entry.places, entry.noted)
  if what then
    write.fail_not_taken(entry.track, entry.name, what)
  end
end

--- Writes one instance; nil, or what is not as it should be.
local function scaled(track, one)
  local fx = one.instance.index
  if one.plan then
    local what = reaeq_write.put(track, fx, one.plan, false)
    if what then
      return what
    end
  elseif not reaeq_write.put_gains(track, fx, one.gains) then
    local what = reaeq_write.difference(track, fx, one.eq)
    if what then
      return what
    end
  end
  return not moving.put_scale(track, fx, one.points) and "its envelopes" or nil
end

--- Scales the EQs of the selection; `direction` ("more" or "less") is for the message.
function adjust.scale(act, factor, direction)
  one_step.run(act, {
    ready = function(entry)
      entry.wanted = {}
      for i, instance in ipairs(entry.ours) do
        entry.wanted[i] = prepared(act, entry, instance, factor, direction)
      end
      entry.noted, entry.places = noted(entry, entry.wanted)
    end,
    same = function(entry)
      return same(entry.track, entry.wanted)
    end,
    renews = true,
    write = function(entry)
      for _, one in ipairs(entry.wanted) do
        local what = scaled(entry.track, one)
        if what then
          write.fail_not_taken(entry.track, entry.name, what)
        end
      end
      put_noted(entry)
    end,
    look = function(entry)
      for _, one in ipairs(entry.wanted) do
        local fx = chain.find(entry.track, one.instance.guid)
        local what = fx and reaeq_write.difference(entry.track, fx, one.eq)
        if what then
          return what
        end
        act:result(entry.name, function()
          return ("%s, %s"):format(direction, speak.eq(one.eq))
        end)
        if fx then
          write.tell_overridden(act, entry.name, entry.track, fx, one.eq, true, one.lanes)
        end
      end
    end,
  })
end

--- What a name has to say once more where a hand has changed an EQ, or changed it back, since it was named.
local function remark(entry)
  local list = {}
  for i, instance in ipairs(entry.ours) do
    local record = instance.record
    if record and record.eq and names.family(instance.name) then
      local _, change = edits.of(entry.track, instance.index, record.eq)
      if (change ~= nil) ~= names.is_edited(instance.name) then
        list[i] = { instance = instance, note = { instance = instance, eq = record.eq, blend = reaeq.blend(instance),
          edited = change ~= nil, factor = 1 } }
      end
    end
    list[i] = list[i] or { instance = instance }
  end
  entry.noted, entry.places = noted(entry, list)
end

--- Whether this is so of no entry.
local function none(entries, what)
  for _, entry in ipairs(entries) do
    if entry[what] then
      return false
    end
  end
  return true
end

--- Off if any is on, else on. The EQ keeps the loudness, so only its color is compared.
function adjust.compare(act)
  local on = true
  one_step.run(act, {
    ready = function(entry)
      entry.driven = {}
      for i, instance in ipairs(entry.ours) do
        entry.on = entry.on or reaper.TrackFX_GetEnabled(entry.track, instance.index)
        entry.driven[i] = envelopes.switch(entry.track, instance.index)
      end
      remark(entry)
    end,
    decide = function(entries)
      on = none(entries, "on")
      return on and "EQ on" or "EQ off"
    end,
    renews = true,
    write = function(entry)
      for i, instance in ipairs(entry.ours) do
        reaper.TrackFX_SetEnabled(entry.track, instance.index, on)
        if reaper.TrackFX_GetEnabled(entry.track, instance.index) ~= on and not entry.driven[i] then
          write.fail_not_taken(entry.track, entry.name, "its bypass")
        end
      end
      put_noted(entry)
    end,
    look = function(entry)
      for _, instance in ipairs(entry.ours) do
        local fx = chain.find(entry.track, instance.guid)
        if fx then
          write.tell_overridden(act, entry.name, entry.track, fx)
        end
      end
      act:result(entry.name, on and "EQ on" or "EQ off")
    end,
  })
  lamps.set("compare", not on)
end

--- Hears only what our EQs change, or all again: REAPER's own switch, which every FX has since 6.37 or so.
function adjust.delta(act)
  local on = true
  one_step.run(act, {
    ready = function(entry)
      entry.deltas = {}
      for i, instance in ipairs(entry.ours) do
        local found = reaper.TrackFX_GetParamFromIdent(entry.track, instance.index, ":delta")
        entry.deltas[i] = found >= 0 and found or messages.fail("no_delta")
        entry.heard = entry.heard or reaper.TrackFX_GetParam(entry.track, instance.index, found) >= 0.5
      end
    end,
    decide = function(entries)
      on = none(entries, "heard")
      return on and "only the change" or "all of the sound"
    end,
    same = function(entry)
      for i, instance in ipairs(entry.ours) do -- it has another number where a band was added
        if reaper.TrackFX_GetParamFromIdent(entry.track, instance.index, ":delta") ~= entry.deltas[i] then
          return false
        end
      end
      return true
    end,
    renews = true,
    write = function(entry)
      for i, instance in ipairs(entry.ours) do
        reaper.TrackFX_SetParam(entry.track, instance.index, entry.deltas[i], on and 1 or 0)
        if (reaper.TrackFX_GetParam(entry.track, instance.index, entry.deltas[i]) >= 0.5) ~= on then
          write.fail_not_taken(entry.track, entry.name, "its delta")
        end
      end
      act:result(entry.name, on and "only the change is heard" or "all is heard")
    end,
  })
  lamps.set("delta", on)
end

--- The instances of an entry that somebody changed by hand: {{entry, instance, held, change}, ...}. Also a sentence, if
--- there are some of which it is not known what was computed.
function adjust.edited(entry)
  local list, unknown = {}, nil
  for _, instance in ipairs(entry.ours) do
    local record = instance.record
    local fx = record and chain.own({ track = entry.track, instance = instance })
    if fx and record.eq then
      local held, change = edits.of(entry.track, fx, record.eq)
      list[#list + 1] = change and { entry = entry, instance = instance, held = held, change = change } or nil
    elseif fx then
      unknown = messages.text("unknown_record", { track = entry.name })
    end
  end
  return list, unknown
end

--- Makes them again what was computed.
function adjust.afresh(act)
  one_step.run(act, {
    ready = function(entry)
      entry.edited, entry.unknown = adjust.edited(entry)
      for _, one in ipairs(entry.edited) do
        local instance = one.instance
        one.eq, one.was = instance.record.eq, seen_now(entry.track, instance)
        one.plan = reaeq_write.ready(entry.track, instance.index, one.eq)
        one.note = { instance = instance, eq = one.eq, blend = scale.blend(instance), edited = false, factor = 1 }
      end
      entry.noted, entry.places = noted(entry, entry.edited)
    end,
    decide = function(entries)
      local any, why = false, nil
      for _, entry in ipairs(entries) do
        any, why = any or #entry.edited > 0, why or entry.unknown
      end
      return any and act.title or why and messages.fail("cannot", { why = why }) or messages.fail("nothing_edited")
    end,
    same = function(entry)
      return same(entry.track, entry.edited)
    end,
    write = function(entry)
      for _, one in ipairs(entry.edited) do
        local what = reaeq_write.put(entry.track, one.instance.index, one.plan, false)
        if what then
          write.fail_not_taken(entry.track, entry.name, what)
        end
      end
      put_noted(entry)
    end,
    look = function(entry)
      if entry.unknown then
        act:note(entry.unknown)
      end
      for _, one in ipairs(entry.edited) do
        local fx = chain.find(entry.track, one.instance.guid)
        if fx then
          write.tell_overridden(act, entry.name, entry.track, fx, one.eq)
        end
      end
    end,
  })
end

--- Takes our EQs away, and nothing else.
function adjust.remove(act)
  one_step.run(act, {
    ready = function(entry)
      local kept = instances.read(entry.track)
      kept.eqs = {}
      entry.text = instances.text(kept, reaper.GetTrackGUID(entry.track))
    end,
    renews = true,
    write = function(entry)
      for _, instance in ipairs(entry.ours) do
        local fx = chain.find(entry.track, instance.guid) -- deleting one moves others, those in containers too
        if not fx or not reaper.TrackFX_Delete(entry.track, fx) then
          write.fail_not_taken(entry.track, entry.name, "its removal")
        end
      end
      if entry.text then
        instances.put(entry.track, entry.text)
      end
      act:result(entry.name, "EQ removed")
    end,
  })
end

return adjust
