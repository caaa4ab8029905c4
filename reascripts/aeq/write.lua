-- The one place that changes the project: all tracks of a press in one undo block, in one cycle.

local chain = require("aeq.chain")
local check = require("aeq.check")
local envelopes = require("aeq.envelopes")
local guard = require("aeq.guard")
local instances = require("aeq.instances")
local json = require("aeq.json")
local log = require("aeq.log")
local messages = require("aeq.messages")
local names = require("aeq.names")
local reaeq = require("aeq.reaeq")
local reaeq_write = require("aeq.reaeq_write")
local render_state = require("aeq.render_state")
local seen = require("aeq.seen")
local speak = require("aeq.speak")

local write = {}

-- UNDO_STATE_TRACKCFG and _FX: track and master FX, and what we keep beside a track; nothing else (docs/reaper.md, 10)
local UNDO_STATE = 1 | 2

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

--- Runs body() as one undo point called `title`; if it throws, all of it is taken back.
function write.undoable(act, title, targets, body)
  write.check_still_there(act, targets)
  local project, label = act.project, "AEQ: " .. title
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
    reaper.Undo_EndBlock2(project, label, UNDO_STATE)
    return
  end
  label = label .. " (taken back)" -- unlike that of a press before, which is to stay
  reaper.Undo_EndBlock2(project, label, UNDO_STATE)
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
  return {
    blend = json.raw(json.encode(json.array(blend))),
    eq = json.raw(json.encode({ bands = json.array(eq.bands), output_gain_db = eq.output_gain_db })),
    seen = factor and before and before.seen and json.raw(json.encode(before.seen))
      or of_answer and json.raw(json.encode(of_answer)) or nil,
    times = factor and before and (tonumber(before.times) or 1) * factor or nil,
  }
end
write.packed = packed

--- Gives an instance the name of its blend, and keeps beside the track what it is. A name of the user's own stays.
-- instance: as of `reaeq.ours`, nil for a new one; factor: how often what it held before, nil for what is new.
-- kept: of `write.packed`, where that was made before. Returns nil, or what did not work.
function write.note(target, fx, instance, eq, blend, factor, kept)
  local track, is = target.track, instance and reaeq.name(target.track, fx) or ""
  local family = instance and instance.family or target.family
  local is_linked = target.linked
  if is_linked == nil then -- nobody asked: it stays what it is
    is_linked = names.is_linked(is)
  end
  local name = names.format(blend, family, is_linked)
  if instance and instance.record and not names.family(is) then
    name = is
  elseif not reaeq.rename(track, fx, name) then
    return "its name"
  end
  local alive = {}
  for _, entry in ipairs(chain.all(track)) do
    alive[entry.guid] = true
  end
  local record = kept or packed(eq, blend, instance and instance.record, factor)
  record.fx, record.family, record.name = reaper.TrackFX_GetFXGUID(track, fx), family, name
  instances.note(track, record, alive)
end

--- Ends the run for an FX that did not take a write; a lock of the track may be why.
function write.fail_not_taken(track, name, what)
  log.add(("not written: %s on %s"):format(what or "a new FX", name))
  check.refuse_closed(track, name)
  messages.fail(what and "not_written" or "no_reaeq", { track = name, what = what })
end

--- Tells, when all is done, what an envelope overrides of an EQ that was just written; `eq` nil: that was switched.
-- gains: only they were written
function write.tell_overridden(act, track_name, track, fx, eq, gains)
  local counted = eq and { bands = eq.bands, count = reaeq.count(track, fx), gains = gains }
  local parameters = envelopes.names(track, fx, counted)
  if #parameters > 0 then
    act:note(messages.text("envelope_overrides", { track = track_name, parameters = table.concat(parameters, ", ") }))
  end
end

--- Puts an EQ on one track: into our instance if there is one, else into a new one at the target's place.
-- kept: of `write.packed`, where that was made before
function write.one(act, target, eq, blend, kept)
  local track, count = target.track, reaper.TrackFX_GetCount(target.track)
  local old = current(target, count)
  local place = target.place == "first" and 0 or count
  local fx = old or reaeq.add(track, place)
  if not fx then
    write.fail_not_taken(track, target.name)
  elseif old and reaper.TrackFX_GetOffline(track, old) then
    messages.fail("offline_eq", { track = target.name })
  end
  local what = reaeq_write.eq(track, fx, eq, not old)
  if not what and fx ~= (old or place) then
    what = "its place in the chain"
  end
  target.linked = target.linked or false
  what = what or write.note(target, fx, old and target.instance, eq, blend, nil, kept)
  if what then
    write.fail_not_taken(track, target.name, what)
  end
  -- A bypassed instance that was just given a new EQ is meant to be heard.
  if old and not reaper.TrackFX_GetEnabled(track, fx) then
    render_state.switch(track, fx, true)
  end
  act:result(target.name, function()
    return names.format(blend, target.family):gsub("^AEQ: ", "") .. ", " .. speak.eq(eq)
  end)
  if old then
    write.tell_overridden(act, target.name, track, fx, eq)
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
  local what = reaeq_write.eq(track, fx, entry.eq, true)
  if what then
    write.fail_not_taken(track, target.name, what)
  end
end

--- Writes the EQ of every target ({target, eq, blend}) as one undo point.
function write.all(act, title, entries)
  local targets, kept = {}, {}
  for i, entry in ipairs(entries) do
    targets[i], kept[i] = entry.target, packed(entry.eq, entry.blend)
    act:breathe()
  end
  local label = #targets > 1 and ("%s (%d tracks)"):format(title, #targets) or title
  write.undoable(act, label, targets, function()
    for i, entry in ipairs(entries) do
      write.one(act, entry.target, entry.eq, entry.blend, kept[i])
    end
  end)
end

return write
