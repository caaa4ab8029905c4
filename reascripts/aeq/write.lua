-- The one place that changes the project: all tracks of a press in one undo block, in one cycle.

local chain = require("aeq.chain")
local check = require("aeq.check")
local edits = require("aeq.edits")
local envelopes = require("aeq.envelopes")
local guard = require("aeq.guard")
local instances = require("aeq.instances")
local json = require("aeq.json")
local log = require("aeq.log")
local messages = require("aeq.messages")
local moving = require("aeq.moving")
local names = require("aeq.names")
local reaeq = require("aeq.reaeq")
local reaeq_write = require("aeq.reaeq_write")
local render_state = require("aeq.render_state")
local seen = require("aeq.seen")
local speak = require("aeq.speak")

local write = {}

-- UNDO_STATE_TRACKCFG and _FX: track and master FX, and what we keep beside a track; nothing else (docs/reaper.md, 10)
local UNDO_STATE = 1 | 2
local UNDO_STATE_MISCCFG = 8 -- what is kept beside the project
local SAME_WEIGHT = 0.005 -- names have whole per cents

--- Stops if the project or a track that we are about to render or change is gone.
function write.check_still_there(act, targets)
  if reaper.EnumProjects(-1) ~= act.project then
    messages.fail("project_switched")
  end
  for _, target in ipairs(targets) do
    -- A MediaTrack of a deleted track is a dangling pointer: using it could take REAPER down.
    if not reaper.ValidatePtr2(act.project, target.track, "MediaTrack*") then
      messages.fail("track_vanished", { track = target.name })
    end
  end
end

--- Takes back the block that was just closed. REAPER adds no step for a block that changed nothing: undoing then would
--- take the user's own last edit, so only a step that carries our label is taken.
function write.take_back(project, label)
  if reaper.Undo_CanUndo2(project) == label then
    reaper.Undo_DoUndo2(project)
  end
end

--- Runs body() as one undo point called `title`; if it throws, all of it is taken back. `more`: flags of what it
--- changes beside tracks and FX.
function write.undoable(act, title, targets, body, more)
  write.check_still_there(act, targets)
  local project, label, flags = act.project, "AEQ: " .. title, UNDO_STATE | (more or 0)
  reaper.Undo_BeginBlock2(project)
  reaper.PreventUIRefresh(1)
  local fine, thrown = xpcall(guard.run, function(what)
    return type(what) == "table" and what or debug.traceback(tostring(what), 2)
  end, function(later)
    for _, target in ipairs(targets) do
      later(render_state.no_recording(project, target.track))
    end
    body()
  end)
  reaper.PreventUIRefresh(-1)
  if fine then
    reaper.Undo_EndBlock2(project, label, flags)
    return
  end
  label = label .. " (taken back)" -- unlike that of a press before, which is to stay
  reaper.Undo_EndBlock2(project, label, flags)
  write.take_back(project, label)
  error(thrown, 0)
end

--- Where the target's instance is now, or nil: FX may have been moved or added while we waited.
local function current(target, count)
  local was = target.instance
  local now = was and chain.find(target.track, was.guid)
  if now then
    return now
  elseif not was and count == target.fx_count then
    return nil
  end
  local found = reaeq.find(target.track, target.family)
  return found and found.index
end

-- What is kept with an instance of its EQ, as JSON: to be made before a block is open, for in a block nothing waits.
-- before: the record of what was there and is now `factor` times as much, nil for what is new
local function packed(eq, blend, before, factor)
  local of_answer = not factor and seen.of(eq)
  -- an answer brings what was heard; what only scales one keeps it
  local heard = eq.explanation and eq.heard or not eq.explanation and before and before.heard or nil
  return {
    heard = heard and json.raw(json.encode(heard)) or nil,
    blend = json.raw(json.encode(json.array(blend))),
    eq = json.raw(json.encode({ bands = json.array(eq.bands), output_gain_db = eq.output_gain_db })),
    seen = factor and before and before.seen and json.raw(json.encode(before.seen))
      or of_answer and json.raw(json.encode(of_answer)) or nil,
    times = factor and before and (tonumber(before.times) or 1) * factor or nil,
  }
end
write.packed = packed

--- Gives an instance the name of its blend, and keeps beside the track what it is. A name of the user's own stays.
-- instance: as of `reaeq.ours`, nil for a new one; eq: what was computed. Where a hand has made something else of it,
-- the name tells. Returns nil, or what did not work.
-- more: {lanes: parameters that envelopes of ours move, by default those that are known; was: what it was called, where
-- it was inserted afresh; factor: how often what it held before, nil for what is new; kept: of `write.packed`, where
-- that was made before}
function write.note(target, fx, instance, eq, blend, more)
  local track, was = target.track, more.was
  local is = instance and (was or reaeq.name(target.track, fx)) or ""
  local before = instance and instance.record or {}
  local edited = instance and select(2, edits.of(track, fx, eq)) ~= nil
  local family = instance and instance.family or target.family
  local is_linked = target.linked
  if is_linked == nil then -- nobody asked: it stays what it is
    is_linked = names.is_linked(is)
  end
  local name = names.format(blend, family, is_linked, edited)
  if instance and instance.record and not names.family(is) then
    name = is
    if was and not reaeq.rename(track, fx, name) then
      return "its name"
    end
  elseif not reaeq.rename(track, fx, name) then
    return "its name"
  end
  local alive = {}
  for _, entry in ipairs(chain.all(track)) do
    alive[entry.guid] = true
  end
  local record = more.kept or packed(eq, blend, instance and instance.record, more.factor)
  local lanes = more.lanes or before.lanes
  record.fx, record.family, record.name = reaper.TrackFX_GetFXGUID(track, fx), family, name
  record.lanes = lanes and #lanes > 0 and json.array(lanes) or nil
  record.told = edited and (target.told or before.told) or nil
  record.learned = edited and (target.learned or before.learned) or nil
  -- learned since the last answer
  record.taught = edited and not eq.explanation and (target.learned ~= nil or before.taught) or nil
  instances.note(track, record, alive)
end

--- Ends the run for an FX that did not take a write; a lock of the track may be why.
function write.fail_not_taken(track, name, what)
  log.add(("not written: %s on %s"):format(what or "a new FX", name))
  check.refuse_closed(track, name)
  messages.fail(what and "not_written" or "no_reaeq", { track = name, what = what })
end

--- Tells, when all is done, what an envelope overrides of an EQ that was just written; `eq` nil: that was switched.
-- gains: only they were written; ours: parameters whose envelopes are part of it
function write.tell_overridden(act, track_name, track, fx, eq, gains, ours)
  local counted = eq and { bands = eq.bands, count = reaeq.count(track, fx), gains = gains, ours = ours }
  local parameters = envelopes.names(track, fx, counted)
  if #parameters > 0 then
    act:note(messages.text("envelope_overrides", { track = track_name, parameters = table.concat(parameters, ", ") }))
  end
end

--- Puts a fresh ReaEQ in the place of an instance, which alone rids it of its lanes; its wet/dry mix goes with it.
--- Returns the name that the old one had, or nil where that did not work.
local function afresh(track, fx)
  local name = reaeq.name(track, fx)
  local wet = reaper.TrackFX_GetParamFromIdent(track, fx, ":wet")
  local mix = wet >= 0 and (reaper.TrackFX_GetParam(track, fx, wet)) or 1
  if reaeq.add(track, fx) ~= fx or not reaper.TrackFX_Delete(track, fx + 1) then
    return nil
  end
  if mix < 1 then
    reaper.TrackFX_SetParam(track, fx, reaper.TrackFX_GetParamFromIdent(track, fx, ":wet"), mix)
  end
  return name
end

--- Gets rid of the lanes of ours on an instance. Returns what it was called if it was inserted afresh, and the lanes
--- that had to stay: where the user has envelopes of their own on it.
local function without_lanes(act, target, fx, lanes)
  if #lanes == 0 then
    return nil, {}
  elseif moving.has_others(target.track, fx, lanes) then
    moving.silence(target.track, fx, lanes)
    act:note(messages.text("lanes_of_yours", { track = target.name }))
    return nil, lanes
  end
  local name = afresh(target.track, fx)
  if not name then
    write.fail_not_taken(target.track, target.name, "a fresh EQ in its place")
  end
  return name, {}
end

--- Makes an EQ that was just written follow the song, if it is to. Returns its lanes, or nil and what did not work.
local function follow(act, target, fx, eq, idle)
  if not eq.sections then
    return idle
  elseif fx >= chain.IN_CONTAINER then
    -- the lane would be the container's, under a number that nothing tells
    act:note(messages.text("in_container", { track = target.name }))
    return idle
  elseif moving.stranded(target.instance, eq, idle) then
    act:note(messages.text("lanes_stranded", { track = target.name }))
    return idle
  end
  local lanes, what = moving.write(target.track, fx, eq, idle)
  local used = {}
  for _, parameter in ipairs(lanes or {}) do
    used[parameter] = true
  end
  for _, parameter in ipairs(lanes and idle or {}) do
    lanes[#lanes + 1] = not used[parameter] and parameter or nil
  end
  return lanes, what
end

--- Brings the name of an instance up to date that was not written, in a block of the caller's.
function write.mark(entry, instance)
  local record = instance.record
  if record and names.family(instance.name) then
    local _, change = edits.of(entry.track, instance.index, record.eq)
    if (change ~= nil) ~= names.is_edited(instance.name) then
      write.note(entry, instance.index, instance, record.eq, reaeq.blend(instance), { factor = 1 })
    end
  end
end

--- Is this the answer to the question that a record's EQ was the answer to: one word, as much of it, the same sound?
local function same_question(record, eq, blend)
  local before, now = record.blend[1], blend[1]
  return type(record.heard) == "table" and type(eq.heard) == "table" and record.heard.ltas == eq.heard.ltas
    and #record.blend == 1 and #blend == 1 and before.word == now.word
    and math.abs(before.weight - now.weight) < SAME_WEIGHT
end

--- `eq` as it is to be written: with what the user did by hand to the instance that is there. Also what that was, in
--- words, or nil.
function write.with_edits(target, eq, blend)
  local instance = target.instance
  local record = instance and instance.record
  local fx = record and chain.find(target.track, instance.guid)
  if not fx then
    return eq
  end
  local computed = target.computed or record.eq
  local held, change = edits.of(target.track, fx, computed)
  if not change then
    return eq
  elseif (target.learned or record.taught) and same_question(record, eq, blend) then
    -- the word has learned of it: how much of it the answer has by itself now is known to the last digit
    change = edits.described(eq, held)
  else
    held = edits.kept(computed, held, eq)
  end
  held.sections = eq.sections and edits.along(eq, held)
  return held, change ~= "" and change or nil
end

--- Puts an EQ on one track: into our instance if there is one, else into a new one at the target's place.
-- kept: of `write.packed`, where that was made before
function write.one(act, target, eq, blend, kept)
  local track, count = target.track, reaper.TrackFX_GetCount(target.track)
  local old = current(target, count)
  local place = target.place == "first" and 0 or count
  local was, idle, lanes = nil, {}, {}
  if old and reaper.TrackFX_GetOffline(track, old) then
    messages.fail("offline_eq", { track = target.name })
  end
  local whole, change = write.with_edits(target, eq, blend) -- read before a fresh one takes its place
  if old and target.instance then
    target.instance.index = old
    was, idle = without_lanes(act, target, old, moving.lanes(act.project, track, target.instance))
  end
  local fx = old or reaeq.add(track, place)
  if not fx then
    write.fail_not_taken(track, target.name)
  end
  local what = reaeq_write.eq(track, fx, whole, not old or was ~= nil, change)
  if change and target.instance.record.told ~= change then
    target.told = change
    act:note(messages.text("edit_kept", { track = target.name, change = change }))
  end
  if not what and fx ~= (old or place) then
    what = "its place in the chain"
  end
  if not what then
    lanes, what = follow(act, target, fx, whole, idle)
  end
  target.linked = target.linked or false
  what = what or write.note(target, fx, old and target.instance, eq, blend, { lanes = lanes, was = was, kept = kept })
  if what then
    write.fail_not_taken(track, target.name, what)
  end
  -- A bypassed instance that was just given a new EQ is meant to be heard.
  if old and not reaper.TrackFX_GetEnabled(track, fx) then
    render_state.switch(track, fx, true)
  end
  moving.keep(act.project, track, fx, lanes)
  act:result(target.name, function()
    return names.format(blend, target.family):gsub("^AEQ: ", "") .. ", " .. speak.eq(whole)
  end)
  if old then
    write.tell_overridden(act, target.name, track, fx, whole, nil, lanes)
  end
end

--- Puts an EQ on one track and hands to `later` what takes it out again, to the letter; in a block of the caller's.
function write.for_a_moment(act, entry, later)
  local target = entry.target
  local track, kept = target.track, instances.read(target.track)
  local old = current(target, reaper.TrackFX_GetCount(track))
  later(render_state.no_recording(act.project, track))
  later(function()
    instances.keep(track, kept)
  end)
  if old then
    -- heard in place of the old one, which is only switched off: its state stays what it is
    later(function()
      render_state.switch(track, chain.find(track, target.instance.guid), not entry.was_off)
    end)
    entry.was_off = not reaper.TrackFX_GetEnabled(track, old)
    render_state.switch(track, old, false)
  end
  local last = target.place == "first" and 0 or reaper.TrackFX_GetCount(track)
  local place = old and old < chain.IN_CONTAINER and old or last
  local fx = reaeq.add(track, place) or write.fail_not_taken(track, target.name)
  local guid = reaper.TrackFX_GetFXGUID(track, fx)
  later(function()
    local now = chain.find(track, guid)
    if now then
      reaper.TrackFX_Delete(track, now)
    end
  end)
  local what = reaeq_write.eq(track, fx, (write.with_edits(target, entry.eq, entry.blend)), true)
  if what then
    write.fail_not_taken(track, target.name, what)
  end
end

--- Writes the EQ of every target ({target, eq, blend}) as one undo point.
function write.all(act, title, entries)
  local targets, kept, more = {}, {}, nil
  for i, entry in ipairs(entries) do
    targets[i], kept[i] = entry.target, packed(entry.eq, entry.blend)
    if entry.target.is_master and (entry.eq.sections or entry.target.instance) then
      more = UNDO_STATE_MISCCFG -- which of its lanes are ours
    end
    act:breathe()
  end
  local label = #targets > 1 and ("%s (%d tracks)"):format(title, #targets) or title
  write.undoable(act, label, targets, function()
    for i, entry in ipairs(entries) do
      write.one(act, entry.target, entry.eq, entry.blend, kept[i])
    end
  end, more)
end

return write
