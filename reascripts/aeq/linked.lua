-- Tracks that belong together, such as a stereo pair or several microphones of one source: they share one EQ, computed
-- from their sum. Which ones they are is kept beside each track.

local instances = require("aeq.instances")
local json = require("aeq.json")
local messages = require("aeq.messages")
local presence = require("aeq.presence")
local reaeq = require("aeq.reaeq")
local selection = require("aeq.selection")
local sound = require("aeq.sound")
local write = require("aeq.write")

local linked = {}

--- The tracks of a group, of those that the project has in this cycle.
local function members_of(act, group)
  local all, tracks = {}, {}
  for i = 0, reaper.CountTracks(act.project) - 1 do
    all[i + 1] = reaper.GetTrack(act.project, i)
  end
  for _, track in ipairs(all) do
    if presence.has(act, { track = track }) and instances.read(track).group == group then
      tracks[#tracks + 1] = track
    end
    act:breathe()
    presence.project(act)
  end
  return tracks
end

local function overlaps(item, others)
  local from = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
  local to = from + reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
  for _, other in ipairs(others) do
    local start = reaper.GetMediaItemInfo_Value(other, "D_POSITION")
    if from < start + reaper.GetMediaItemInfo_Value(other, "D_LENGTH") and to > start then
      return true
    end
  end
  return false
end

--- The target of a member that was not chosen: of its items at the same time where items were, else the whole track.
local function target_of(act, track, chosen, family)
  if #chosen.items == 0 then
    return selection.of_track(act, track, family)
  end
  local items = {}
  for i = 0, reaper.GetTrackNumMediaItems(track) - 1 do
    local item = reaper.GetTrackMediaItem(track, i)
    items[#items + 1] = overlaps(item, chosen.items) and item or nil
  end
  return #items > 0 and selection.of_items(act, track, items, family) or nil
end

--- The targets with those that they are linked to, in the order of the tracks. Linked ones have `link`, the list of
--- them all, and `linked`.
function linked.complete(act, targets, family)
  local all, links, there = {}, {}, {}
  for _, target in ipairs(targets) do
    there[target.track] = target
  end
  for _, target in ipairs(targets) do
    presence.check(act, { target })
    all[#all + 1] = target
    local group = instances.read(target.track).group
    if group and not links[group] then
      links[group] = {}
      for _, track in ipairs(members_of(act, group)) do
        presence.whole(act, target) -- what was chosen may be gone since the members were looked for
        local is_there = presence.has(act, { track = track })
        local member = is_there and (there[track] or target_of(act, track, target, family)) or nil
        if member then
          table.insert(links[group], member)
          all[#all + 1] = not there[track] and member or nil
        end
        act:breathe()
      end
      for _, member in ipairs(links[group]) do
        local several = #links[group] > 1
        member.link, member.linked = several and links[group] or nil, several
      end
    end
    act:breathe()
  end
  table.sort(all, function(a, b)
    return a.number < b.number
  end)
  return all
end

--- For each target the place of the one that is asked for it: of linked ones the first.
function linked.leaders(targets)
  local place, leaders = {}, {}
  for i, target in ipairs(targets) do
    place[target.link or target] = place[target.link or target] or i
    leaders[i] = place[target.link or target]
  end
  return leaders
end

--- One described sound of several: their tracks through their faders, summed. Or nil, and why it has to be rendered.
function linked.sum(targets, sounds)
  local tracks = {}
  for i, described in ipairs(sounds) do
    local offset = #tracks
    local fader, why = sound.fader(targets[i].track)
    if not fader then
      return nil, why
    end
    for n, part in ipairs(described.tracks) do
      local copy = n == 1 and fader or {}
      for key, value in pairs(part) do
        copy[key] = value
      end
      copy.parent = part.parent and part.parent + offset or nil
      tracks[#tracks + 1] = copy
    end
  end
  return { sample_rate = sounds[1].sample_rate, tracks = tracks, track = json.null }
end

--- The selected tracks, or those of the selected items, that hold EQs of ours: {{track, name, ours, group}, ...}.
function linked.selected_with_ours(act)
  local list = {}
  presence.each(act, selection.tracks(act), function(entry)
    entry.ours = reaeq.ours(entry.track)
    if #entry.ours > 0 then
      entry.group = instances.read(entry.track).group
      list[#list + 1] = entry
    end
  end)
  if #list == 0 then
    messages.fail("no_instances")
  end
  return list
end

--- The same with those that share an EQ with them.
function linked.with_ours(act)
  local list, there, gone_through = linked.selected_with_ours(act), {}, {}
  for _, entry in ipairs(list) do
    there[entry.track] = true
  end
  for n = 1, #list do
    local group = list[n].group
    local members = group and not gone_through[group] and members_of(act, group) or {}
    gone_through[group or ""] = true
    for _, track in ipairs(members) do
      local ours = not there[track] and presence.has(act, { track = track }) and reaeq.ours(track) or {}
      if #ours > 0 then
        local _, name = reaper.GetTrackName(track)
        there[track], list[#list + 1] = true, { track = track, name = name, ours = ours }
      end
      act:breathe()
      presence.project(act)
    end
  end
  return list
end

--- Links the selected tracks; those that are linked with each other already are separated.
function linked.switch(act)
  local targets = selection.targets(act, "word")
  presence.check(act, targets)
  local first = instances.read(targets[1].track).group
  local tracks, group = {}, nil
  for _, target in ipairs(targets) do
    first = instances.read(target.track).group == first and first or nil
    tracks[#tracks + 1] = not target.is_master and target.track or nil
  end
  if first then
    tracks = members_of(act, first)
  elseif #tracks < 2 then
    messages.fail("link_two")
  else
    group = reaper.genGuid("")
  end
  local changed = {}
  for _, track in ipairs(tracks) do
    if presence.has(act, { track = track }) then
      local _, name = reaper.GetTrackName(track)
      changed[#changed + 1] = { track = track, name = name }
    end
  end
  if #changed == 0 then
    messages.fail("selection_changed")
  end
  local title = ("%s %d tracks"):format(group and "link" or "separate", #changed)
  write.undoable(act, title, changed, function()
    for _, one in ipairs(changed) do
      local kept = instances.read(one.track)
      kept.group = group
      instances.keep(one.track, kept)
    end
  end)
  messages.show(messages.text(group and "linked" or "separated", { count = #changed }))
end

return linked
