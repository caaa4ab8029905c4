-- Is what a run is about still there? Between two of its cycles the user may do anything, and a pointer to a track that
-- was deleted would take REAPER down.

local messages = require("aeq.messages")

local presence = {}

--- Stops if another project is in front now.
function presence.project(act)
  if reaper.EnumProjects(-1) ~= act.project then
    messages.fail("project_switched")
  end
end

local function has(act, target)
  return reaper.ValidatePtr2(act.project, target.track, "MediaTrack*")
end

--- Is the project in front, and does the track of {track, name} still exist in it? Nothing may be asked of a project
--- that may be closed by now.
function presence.has(act, target)
  return reaper.EnumProjects(-1) == act.project and has(act, target)
end

--- A text that is another one once the user has made, undone or redone a step. REAPER's count moves with steps of
--- scripts; whether it does with undo, nobody measured, but what can be undone or redone is something else then.
function presence.history(project)
  return table.concat({ reaper.GetProjectStateChangeCount(project), reaper.Undo_CanUndo2(project) or "",
    reaper.Undo_CanRedo2(project) or "" }, "\n")
end

--- What a track is called in sentences.
function presence.name(act, track)
  local _, name = reaper.GetTrackName(track)
  return track == reaper.GetMasterTrack(act.project) and "Master" or name
end

--- Stops if the project or a track that is about to be rendered or changed is gone.
function presence.check(act, targets)
  presence.project(act)
  for _, target in ipairs(targets) do
    if not has(act, target) then
      messages.fail(target.name and "track_vanished" or "selection_changed", { track = target.name })
    end
  end
end

--- Stops if the project, or a track or an item of a target is gone.
function presence.whole(act, target)
  presence.check(act, { target })
  for _, item in ipairs(target.items) do
    presence.item(act, item, target.name)
  end
end

--- Stops if an item is gone, of the track `name` where that is known.
function presence.item(act, item, name)
  presence.project(act)
  if not reaper.ValidatePtr2(act.project, item, "MediaItem*") then
    messages.fail(name and "item_vanished" or "selection_changed", { track = name })
  end
end

--- body(entry) for each {track, name}, whose name is filled in where it is not known; between two of them REAPER may
--- have a cycle. Stops as `presence.check`.
function presence.each(act, entries, body)
  for _, entry in ipairs(entries) do
    presence.check(act, { entry })
    entry.name = entry.name or presence.name(act, entry.track)
    body(entry)
    act:breathe()
  end
end

return presence
