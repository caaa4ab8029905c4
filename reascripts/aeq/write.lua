-- The one place that changes the project: all tracks of a press in one undo block, in one cycle.

local log = require("aeq.log")
local messages = require("aeq.messages")
local names = require("aeq.names")
local reaeq = require("aeq.reaeq")
local reaeq_write = require("aeq.reaeq_write")

local write = {}

local UNDO_FX = 2 -- UNDO_STATE_FX: track and master FX, nothing else of the project (facts sheet, 7)

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

--- Runs body() as one undo point called `title`; if it throws, all of it is taken back.
function write.undoable(act, title, targets, body)
  write.check_still_there(act, targets)
  local project = act.project
  reaper.Undo_BeginBlock2(project)
  reaper.PreventUIRefresh(1)
  local fine, thrown = xpcall(body, function(what)
    return type(what) == "table" and what or debug.traceback(tostring(what), 2)
  end)
  reaper.PreventUIRefresh(-1)
  reaper.Undo_EndBlock2(project, "AEQ: " .. title, UNDO_FX)
  if not fine then
    reaper.Undo_DoUndo2(project)
    error(thrown, 0)
  end
end

--- Where the target's instance is now, or nil: FX may have been moved or added while we waited.
local function current(target, count)
  local was = target.instance
  if was and reaper.TrackFX_GetFXGUID(target.track, was.index) == was.guid then
    return was.index
  elseif not was and count == target.fx_count then
    return nil
  end
  local found = reaeq.find(target.track, target.family)
  return found and found.index
end

--- Puts an EQ on one track: into our instance if there is one, else into a new one at the target's place.
function write.one(target, eq, blend)
  local track, count = target.track, reaper.TrackFX_GetCount(target.track)
  local old = current(target, count)
  local place = target.place == "first" and 0 or count
  local fx = old or reaeq.add(track, place)
  if not fx then
    messages.fail("no_reaeq")
  end
  local what = reaeq_write.eq(track, fx, eq, not old)
  if not what and not reaeq.rename(track, fx, names.format(blend, target.family)) then
    what = "its name"
  elseif not what and fx ~= (old or place) then
    what = "its place in the chain"
  end
  if what then
    log.add(("not written: %s on %s"):format(what, target.name))
    messages.fail("not_written", { track = target.name, what = what })
  end
  -- A bypassed instance that was just given a new EQ is meant to be heard.
  if old and not reaper.TrackFX_GetEnabled(track, fx) then
    reaper.TrackFX_SetEnabled(track, fx, true)
  end
end

--- Writes the EQ of every target ({target, eq, blend}) as one undo point.
function write.all(act, title, entries)
  local targets = {}
  for i, entry in ipairs(entries) do
    targets[i] = entry.target
  end
  local label = #targets > 1 and ("%s (%d tracks)"):format(title, #targets) or title
  write.undoable(act, label, targets, function()
    for _, entry in ipairs(entries) do
      write.one(entry.target, entry.eq, entry.blend)
    end
  end)
end

return write
