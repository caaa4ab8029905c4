-- What a press is about: one target for each track, saying what is heard for it and where its EQ stands.

local messages = require("aeq.messages")
local options = require("aeq.options")
local reaeq = require("aeq.reaeq")

local selection = {}

local function name_of(track, is_master)
  local _, name = reaper.GetTrackName(track)
  return is_master and "Master" or name
end

--- A target: track, name, guid, number; family of the instance; how it is rendered:
---   "items"  its items as they sound before the track's FX; a new EQ goes first in the chain
---   "stem"   the track with everything up to the EQ's place; a new EQ goes last
---   "master" the mix before the master's FX; a new EQ goes first there, so that a limiter stays last
local function new_target(project, track, given)
  options.check(given, { how = "string", family = "string", items = "table?" })
  local is_master = track == reaper.GetMasterTrack(project)
  local instance = reaeq.find(track, given.family)
  local how = is_master and "master" or given.how
  -- Our instance stands behind other FX: what reaches it is no longer the bare items.
  if how == "items" and instance and instance.index > 0 then
    how = "stem"
  end
  return {
    track = track,
    name = name_of(track, is_master),
    guid = is_master and "master" or reaper.GetTrackGUID(track),
    number = math.floor(reaper.GetMediaTrackInfo_Value(track, "IP_TRACKNUMBER")),
    is_master = is_master,
    items = given.items or {},
    family = given.family,
    how = how,
    place = given.how == "items" and how ~= "master" and "first" or is_master and "first" or "last",
    instance = instance,
    fx_count = reaper.TrackFX_GetCount(track),
  }
end

local function by_number(a, b)
  return a.number < b.number
end

local function plays_midi(item)
  local take = reaper.GetActiveTake(item)
  return take ~= nil and reaper.TakeIsMIDI(take)
end

local function item_targets(act, family)
  local groups, order = {}, {}
  for i = 0, reaper.CountSelectedMediaItems(act.project) - 1 do
    local item = reaper.GetSelectedMediaItem(act.project, i)
    local track = reaper.GetMediaItemTrack(item)
    if not groups[track] then
      groups[track] = { items = {} }
      order[#order + 1] = track
    end
    local group = groups[track]
    group.items[#group.items + 1] = item
    group.midi = group.midi or plays_midi(item)
    act:breathe()
  end
  local targets = {}
  for i, track in ipairs(order) do
    local group = groups[track]
    -- MIDI is silent without the track's instrument, so the track itself has to be heard.
    local how = group.midi and "stem" or "items"
    targets[i] = new_target(act.project, track, { how = how, family = family, items = group.items })
    targets[i].midi = group.midi
    act:breathe()
  end
  table.sort(targets, by_number)
  return targets
end

function selection.of_track(act, track, family)
  return new_target(act.project, track, { how = "stem", family = family })
end

--- These items of a track, as if they had been selected.
function selection.of_items(act, track, items, family)
  local midi = false
  for _, item in ipairs(items) do
    midi = midi or plays_midi(item)
  end
  local target = new_target(act.project, track, { how = midi and "stem" or "items", family = family, items = items })
  target.midi = midi
  return target
end

--- One item by itself, not tied to any instance of ours.
function selection.of_item(act, item)
  local midi = plays_midi(item)
  local given = { how = midi and "stem" or "items", family = "none", items = { item } }
  local target = new_target(act.project, reaper.GetMediaItemTrack(item), given)
  target.midi = midi
  return target
end

local function track_targets(act, family)
  local targets = {}
  for i = 0, reaper.CountSelectedTracks2(act.project, true) - 1 do -- true: the master counts
    targets[#targets + 1] = selection.of_track(act, reaper.GetSelectedTrack2(act.project, i, true), family)
    act:breathe()
  end
  return targets
end

--- The targets of a press: of the selected items if there are any, else of the selected tracks.
function selection.targets(act, family)
  local targets = item_targets(act, family)
  if #targets == 0 then
    targets = track_targets(act, family)
  end
  if #targets == 0 then
    messages.fail("nothing_selected")
  end
  return targets
end

--- The selected tracks, or those of the selected items, that hold one of our EQs: {{track, name, ours}, ...}.
function selection.with_ours(act)
  local list = {}
  for _, target in ipairs(selection.targets(act, "word")) do
    local ours = reaeq.ours(target.track)
    if #ours > 0 then
      list[#list + 1] = { track = target.track, name = target.name, ours = ours }
    end
    act:breathe()
  end
  if #list == 0 then
    messages.fail("no_instances")
  end
  return list
end

return selection
