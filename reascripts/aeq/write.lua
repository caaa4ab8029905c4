-- The one place that changes the project: all tracks of a press in one undo block, in one cycle.

local chain = require("aeq.chain")
local check = require("aeq.check")
local edits = require("aeq.edits")
local envelopes = require("aeq.envelopes")
local guard = require("aeq.guard")
local instances = require("aeq.instances")
local log = require("aeq.log")
local messages = require("aeq.messages")
local moving = require("aeq.moving")
local names = require("aeq.names")
local noting = require("aeq.noting")
local presence = require("aeq.presence")
local reaeq = require("aeq.reaeq")
local reaeq_state = require("aeq.reaeq_state")
local reaeq_write = require("aeq.reaeq_write")
local render_state = require("aeq.render_state")
local speak = require("aeq.speak")

local write = {}

-- UNDO_STATE_TRACKCFG and _FX: track and master FX, and what we keep beside a track; nothing else (docs/reaper.md, 10)
local UNDO_STATE = 1 | 2
local UNDO_STATE_MISCCFG = 8 -- what is kept beside the project
local TRIES = 3 -- how often all is read where the user makes steps meanwhile
local FEW = 8 -- tracks that are read and written in one cycle
local SAME_WEIGHT = 0.005 -- names have whole per cents

--- Takes back the block that was just closed. REAPER adds no step for a block that changed nothing: undoing then would
--- take the user's own last edit, so only a step that carries our label is taken. Returns whether one was.
function write.take_back(project, label)
  return reaper.Undo_CanUndo2(project) == label and reaper.Undo_DoUndo2(project) ~= 0
end

--- Runs body() as one undo point called `title`; if it throws, all of it is taken back. `more()`, asked behind body():
--- flags of what it changed beside tracks and FX. A block has to be closed in the cycle that opened it: with many
--- targets that cycle is for it alone.
-- targets: {track, name}, and {automation: the track's mode} where that is known
-- before: called in the block's cycle, ahead of it: the last look at whether all is as it was. False ends it without a
-- block; a second result is another title
-- Returns REAPER's count of changes as it is right behind the block, nil where there was none.
function write.undoable(act, title, targets, body, more, before)
  local is_long = #targets > FEW
  if is_long then
    act.needs_all = true -- the panel draws nothing meanwhile
    act:wait()
  end
  presence.check(act, targets)
  if before then
    local goes_on, another = before()
    if not goes_on then
      act.needs_all = nil
      return nil
    end
    title = another or title
  end
  local project, label = act.project, "AEQ: " .. title
  reaper.Undo_BeginBlock2(project)
  reaper.PreventUIRefresh(1)
  local fine, thrown = xpcall(guard.run, function(what)
    return type(what) == "table" and what or debug.traceback(tostring(what), 2)
  end, function(later)
    for _, target in ipairs(targets) do
      if render_state.records(target.automation) ~= false then
        later(render_state.no_recording(project, target.track))
      end
    end
    body()
  end)
  reaper.PreventUIRefresh(-1)
  if not fine then
    label = label .. " (taken back)" -- unlike that of a press before, which is to stay
  end
  reaper.Undo_EndBlock2(project, label, UNDO_STATE | (more and more() or 0))
  local count = reaper.GetProjectStateChangeCount(project)
  if not fine then
    act.needs_all = nil
    write.take_back(project, label)
    error(thrown, 0)
  elseif is_long then
    act:uninterrupted(function()
      act:wait()
    end)
    act.needs_all = nil
  end
  return count
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

--- Puts a fresh ReaEQ in the place of an instance, which alone rids it of its lanes; its wet/dry mix goes with it,
--- and whether only its change is heard. Returns the name that the old one had, or nil where that did not work.
local function afresh(track, fx)
  local name, others = reaeq.name(track, fx), {}
  for ident, usual in pairs({ [":wet"] = 1, [":delta"] = 0 }) do
    local parameter = reaper.TrackFX_GetParamFromIdent(track, fx, ident)
    local value = parameter >= 0 and reaper.TrackFX_GetParam(track, fx, parameter) or usual
    others[ident] = value ~= usual and value or nil
  end
  if reaeq.add(track, fx) ~= fx or not reaper.TrackFX_Delete(track, fx + 1) then
    return nil
  end
  for ident, value in pairs(others) do
    reaper.TrackFX_SetParam(track, fx, reaper.TrackFX_GetParamFromIdent(track, fx, ident), value)
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
  if not computed then
    return eq
  end
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

--- Looks at what is there and makes ready what the block writes for {target, eq, blend}. Nothing is changed yet.
-- anew: what is kept beside the track may be another than when the target was chosen, by undo; by redo there may be one
-- where none was
function write.ready(act, entry, anew)
  local target, eq, blend = entry.target, entry.eq, entry.blend
  local found = anew and reaeq.find(target.track, target.family)
  if found and (not target.instance or found.guid == target.instance.guid) then
    target.instance = found
  end
  local track, instance = target.track, target.instance
  local count = reaper.TrackFX_GetCount(track)
  local old = current(target, count)
  if old and reaper.TrackFX_GetOffline(track, old) then
    messages.fail("offline_eq", { track = target.name })
  end
  local whole, change = write.with_edits(target, eq, blend) -- read before a fresh one takes its place
  local ready = { count = count, old = old, whole = whole, change = change, lanes = {}, instance = old and instance }
  if ready.instance then
    instance.index, instance.guid = old, reaper.TrackFX_GetFXGUID(track, old)
    ready.lanes = moving.lanes(act.project, track, instance)
    ready.is_on = reaper.TrackFX_GetEnabled(track, old)
  end
  ready.guid = old and reaper.TrackFX_GetFXGUID(track, old)
  ready.was = old and reaeq_state.fingerprint(track, old)
  if change and instance.record.told ~= change then
    target.told, ready.tells = change, true
  end
  target.linked = target.linked or false
  if #ready.lanes == 0 then
    ready.plan = reaeq_write.ready(track, old, whole, change)
  end
  if #ready.lanes == 0 and not eq.sections and (ready.instance or not old) then
    local edited = ready.instance ~= nil and edits.described(eq, whole) ~= ""
    local note = { instance = ready.instance or nil, eq = eq, blend = blend, edited = edited, lanes = {} }
    note.is = ready.instance and reaeq.name(track, old) or ""
    ready.note = noting.ready(target, { note })
  end
  target.automation = reaper.GetMediaTrackInfo_Value(track, "I_AUTOMODE")
  entry.ready = ready
end

--- Is the chain what it was when `ready` was made, and does our instance hold what it held?
local function fits(track, ready)
  if ready.old then
    return reaper.TrackFX_GetFXGUID(track, ready.old) == ready.guid
      and reaeq_state.fingerprint(track, ready.old) == ready.was
  end
  return reaper.TrackFX_GetCount(track) == ready.count
end

--- Puts the EQ of {target, eq, blend} on its track: into our instance if there is one, else into a new one at the
--- target's place.
function write.one(act, entry)
  local target, eq, blend = entry.target, entry.eq, entry.blend
  local track = target.track
  if not entry.ready or not fits(track, entry.ready) then
    write.ready(act, entry, true) -- the user moved FX meanwhile, or turned a knob
  end
  local ready = entry.ready
  local old, whole, was, idle, lanes = ready.old, ready.whole, nil, {}, {}
  if #ready.lanes > 0 then
    was, idle = without_lanes(act, target, old, ready.lanes)
  end
  local place = target.place == "first" and 0 or ready.count
  local fx = old or reaeq.add(track, place)
  if not fx then
    write.fail_not_taken(track, target.name)
  end
  local what = reaeq_write.put(track, fx, ready.plan or reaeq_write.ready(track, fx, whole, ready.change),
    not old or was ~= nil)
  if ready.tells then
    act:note(messages.text("edit_kept", { track = target.name, change = ready.change }))
  end
  if not what and fx ~= (old or place) then
    what = "its place in the chain"
  end
  if not what then
    lanes, what = follow(act, target, fx, whole, idle)
  end
  if not what and ready.note then
    what = noting.put(track, { fx }, ready.note, not old)
  elseif not what then
    what = noting.note(target, fx, ready.instance or nil, eq, blend, { lanes = lanes, was = was })
  end
  if what then
    write.fail_not_taken(track, target.name, what)
  end
  -- A bypassed instance that was just given a new EQ is meant to be heard.
  if old and not ready.is_on and not reaper.TrackFX_GetEnabled(track, fx) then
    render_state.switch(track, fx, true)
  end
  if target.is_master then
    moving.keep(act.project, track, fx, lanes)
  end
  ready.guid, ready.lanes_now = was and reaper.TrackFX_GetFXGUID(track, fx) or ready.guid, lanes
end

--- What is to be said of it afterwards.
local function tell(act, entry)
  local target, ready = entry.target, entry.ready
  act:result(target.name, function()
    return names.format(entry.blend, target.family):gsub("^AEQ: ", "") .. ", " .. speak.eq(ready.whole)
  end)
  local fx = ready.old and presence.has(act, target) and chain.find(target.track, ready.guid)
  if fx then
    write.tell_overridden(act, target.name, target.track, fx, ready.whole, nil, ready.lanes_now)
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
    local guid = reaper.TrackFX_GetFXGUID(track, old)
    later(function()
      render_state.switch(track, chain.find(track, guid), not entry.was_off)
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

--- What these entries change beside tracks and FX, as undo flags: which of the master's lanes are ours. What is there
--- of the master's is known for good in the block's cycle, as the user may redo an EQ until then.
local function beside(entries)
  for _, entry in ipairs(entries) do
    if entry.target.is_master and (entry.eq.sections or entry.ready and entry.ready.old) then
      return UNDO_STATE_MISCCFG
    end
  end
  return 0
end

--- Writes the EQ of every target ({target, eq, blend}) as one undo point.
function write.all(act, title, entries)
  local targets = {}
  for i, entry in ipairs(entries) do
    targets[i] = entry.target
  end
  local label = #targets > 1 and ("%s (%d tracks)"):format(title, #targets) or title
  for try = 1, TRIES do
    presence.project(act)
    local before = presence.history(act.project)
    for i, entry in ipairs(entries) do
      presence.check(act, { targets[i] })
      write.ready(act, entry, before ~= act.history)
      act:breathe()
    end
    local written = write.undoable(act, label, targets, function()
      for _, entry in ipairs(entries) do
        write.one(act, entry)
      end
    end, function()
      return beside(entries)
    end, function()
      local is_old = presence.history(act.project) ~= before
      if is_old and try == TRIES then -- an answer that was waited for is not given up: all is read in this cycle
        for _, entry in ipairs(entries) do
          entry.ready, entry.target.automation = nil, nil
        end
      end
      return not is_old or try == TRIES
    end)
    if written then
      break
    end
  end
  act:uninterrupted(function()
    for _, entry in ipairs(entries) do
      tell(act, entry)
      act:breathe()
    end
  end)
end

return write
