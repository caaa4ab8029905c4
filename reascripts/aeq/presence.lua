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

--- Does the track of {track, name} still exist? Only of a project that is in front.
function presence.has(act, target)
  return reaper.ValidatePtr2(act.project, target.track, "MediaTrack*")
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
    if not presence.has(act, target) then
      messages.fail(target.name and "track_vanished" or "selection_changed", { track = target.name })
    end
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
