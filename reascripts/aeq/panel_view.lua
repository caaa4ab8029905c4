-- What the panel shows: the first selected track (or that of the first selected item) and our EQ on it.

local instances = require("aeq.instances")
local moving = require("aeq.moving")
local reaeq = require("aeq.reaeq")
local scale = require("aeq.scale")
local seen = require("aeq.seen")

local view = {}

local ALONG_S = 1.0 -- so often envelopes are read: they are many points, and seldom moved
local along = {} -- what was read of them last, and when

--- The track that is shown, and how many are selected.
function view.chosen()
  local item = reaper.GetSelectedMediaItem(0, 0)
  if item then
    return reaper.GetMediaItemTrack(item), reaper.CountSelectedMediaItems(0)
  end
  return reaper.GetSelectedTrack2(0, 0, true), reaper.CountSelectedTracks2(0, true)
end

--- What envelopes of ours say over time: {curves, length_s}, nil where there are none.
local function along_the_song(project, track, instance)
  local lanes = moving.lanes(project, track, instance)
  if #lanes == 0 then
    return nil
  end
  local now = reaper.time_precise()
  if along.guid ~= instance.guid or now > along.until_s then
    along = { guid = instance.guid, until_s = now + ALONG_S, curves = moving.curves(track, instance.index, lanes),
      length_s = reaper.GetProjectLength(project) }
  end
  return along
end

--- {project, track, name, count, instance, eq, seen, rate, amount, most, on, delta, kind, along}; no track for none
--- chosen.
function view.read()
  local track, count = view.chosen()
  local sight = { project = reaper.EnumProjects(-1), track = track, count = count, seen = {}, amount = 0, most = 1 }
  if not track then
    return sight
  end
  local _, name = reaper.GetTrackName(track)
  sight.name, sight.kind = name, instances.read(track).kind
  local ours = reaeq.ours(track)
  local instance = ours[1]
  if not instance then
    return sight
  end
  local fx, record = instance.index, instance.record
  local blend = scale.blend(instance)
  sight.instance, sight.eq = instance, reaeq.read(track, fx)
  sight.seen = seen.kept(record)
  sight.along = along_the_song(sight.project, track, instance)
  sight.rate = sight.seen.rate or 48000
  sight.amount, sight.most = scale.amount(blend), scale.most(sight.eq, blend, record)
  sight.on = reaper.TrackFX_GetEnabled(track, fx)
  local delta = reaper.TrackFX_GetParamFromIdent(track, fx, ":delta")
  sight.delta = delta >= 0 and reaper.TrackFX_GetParam(track, fx, delta) >= 0.5
  return sight
end

--- Says in a few words what a sight is, to see whether anything changed.
function view.mark(sight)
  local parts = { tostring(sight.project), tostring(sight.track), tostring(sight.name), sight.count, tostring(sight.on),
    tostring(sight.delta), sight.kind or "", sight.instance and sight.instance.name or "" }
  for _, band in ipairs(sight.eq and sight.eq.bands or {}) do
    parts[#parts + 1] = ("%s %.2f %.1f %.2f"):format(tostring(band.enabled), band.gain_db, band.freq_hz,
      band.bandwidth_oct)
  end
  for _, curve in ipairs(sight.along and sight.along.curves or {}) do
    for _, point in ipairs(curve.points) do
      parts[#parts + 1] = ("%d %.2f %.2f"):format(curve.parameter, point[1], point[2])
    end
  end
  return table.concat(parts, "|")
end

return view
