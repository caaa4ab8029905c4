-- What a press is about: one target for each track, saying what is heard for it and where its EQ stands.

local messages = require("aeq.messages")
local options = require("aeq.options")
local presence = require("aeq.presence")
local reaeq = require("aeq.reaeq")

local selection = {}

--- A target: track, name, guid, number; family of the instance; how it is rendered:
---   "items"  its items as they sound before the track's FX; a new EQ goes first in the chain
---   "stem"   the track with everything up to the EQ's place; a new EQ goes last
---   "master" the mix before the master's FX; a new EQ goes first there, so that a limiter stays last
local function new_target(act, track, given)
  options.check(given, { how = "string", family = "string", items = "table?" })
  local is_master = track == reaper.GetMasterTrack(act.project)
  local instance = reaeq.find(track, given.family)
  local how = is_master and "master" or given.how
  -- Our instance stands behind other FX: what reaches it is no longer the bare items.
  if how == "items" and instance and instance.index > 0 then
    how = "stem"
  end
  return {
    track = track,
    name = presence.name(act, track),
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

--- The selected items, and the selected tracks (the master counts), as they are in this cycle: {items, tracks}.
local function selected(project)
  local now = { items = {}, tracks = {} }
  for i = 0, reaper.CountSelectedMediaItems(project) - 1 do
    now.items[i + 1] = reaper.GetSelectedMediaItem(project, i)
  end
  for i = 0, reaper.CountSelectedTracks2(project, true) - 1 do
    now.tracks[i + 1] = reaper.GetSelectedTrack2(project, i, true)
  end
  return now
end

local function same(a, b)
  for i = 1, math.max(#a, #b) do
    if a[i] ~= b[i] then
      return false
    end
  end
  return true
end

--- What is selected in this cycle, to be meant later on: as `act.held`, a run is for it whatever is selected by then.
function selection.held(project)
  local now, of = selected(project), {}
  for i, item in ipairs(now.items) do
    of[i] = reaper.GetMediaItemTrack(item)
  end
  return { project = project, items = now.items, of = of, tracks = #of == 0 and now.tracks or {} }
end

--- Is just that selected in this cycle?
function selection.is(held)
  local now = selection.held(reaper.EnumProjects(-1))
  return now.project == held.project and same(now.items, held.items) and same(now.tracks, held.tracks)
end

--- What of it is still there. A track whose items are all gone, or lie on another one, is meant as a whole.
local function left_of(held)
  local now, there, order = { items = {}, tracks = {} }, {}, {}
  for i, item in ipairs(held.items) do
    local track = held.of[i]
    if there[track] == nil then
      there[track], order[#order + 1] = false, track
    end
    if reaper.ValidatePtr2(held.project, item, "MediaItem*") and reaper.GetMediaItemTrack(item) == track then
      there[track], now.items[#now.items + 1] = true, item
    end
  end
  for _, track in ipairs(#order == 0 and held.tracks or order) do
    if not there[track] and reaper.ValidatePtr2(held.project, track, "MediaTrack*") then
      now.tracks[#now.tracks + 1] = track
    end
  end
  return now
end

--- What this run is for: {items, tracks}, the tracks as a whole.
local function chosen(act)
  presence.project(act)
  if not act.held then
    local now = selected(act.project)
    return { items = now.items, tracks = #now.items == 0 and now.tracks or {} }
  elseif act.held.project ~= act.project then
    messages.fail("project_switched")
  end
  return left_of(act.held)
end

--- Stops if something else is selected than when this run looked.
function selection.check(act)
  local now = chosen(act)
  if not same(now.items, act.chosen.items) or not same(now.tracks, act.chosen.tracks) then
    messages.fail("selection_changed")
  end
end

local function item_targets(act, family)
  local groups, order = {}, {}
  for _, item in ipairs(act.chosen.items) do
    presence.item(act, item)
    local track = reaper.GetMediaItemTrack(item)
    if not groups[track] then
      groups[track] = { items = {} }
      order[#order + 1] = { track = track }
    end
    local group = groups[track]
    group.items[#group.items + 1] = item
    group.midi = group.midi or plays_midi(item)
    act:breathe()
  end
  local targets = {}
  presence.each(act, order, function(of)
    local group = groups[of.track]
    -- MIDI is silent without the track's instrument, so the track itself has to be heard.
    local how = group.midi and "stem" or "items"
    local target = new_target(act, of.track, { how = how, family = family, items = group.items })
    target.midi = group.midi
    targets[#targets + 1] = target
  end)
  table.sort(targets, by_number)
  return targets
end

function selection.of_track(act, track, family)
  return new_target(act, track, { how = "stem", family = family })
end

--- These items of a track, as if they had been selected.
function selection.of_items(act, track, items, family)
  local midi = false
  for _, item in ipairs(items) do
    midi = midi or plays_midi(item)
  end
  local target = new_target(act, track, { how = midi and "stem" or "items", family = family, items = items })
  target.midi = midi
  return target
end

--- One item by itself, not tied to any instance of ours.
function selection.of_item(act, item)
  local midi = plays_midi(item)
  local given = { how = midi and "stem" or "items", family = "none", items = { item } }
  local target = new_target(act, reaper.GetMediaItemTrack(item), given)
  target.midi = midi
  return target
end

--- The tracks that are selected, or those of the selected items: {{track}, ...}. What they are in this cycle is meant,
--- however long the run goes on.
function selection.tracks(act)
  act.chosen = chosen(act)
  local list, there = {}, {}
  for _, item in ipairs(act.chosen.items) do
    local track = reaper.GetMediaItemTrack(item)
    if not there[track] then
      there[track] = true
      list[#list + 1] = { track = track, number = reaper.GetMediaTrackInfo_Value(track, "IP_TRACKNUMBER") }
    end
  end
  table.sort(list, by_number)
  for _, track in ipairs(act.chosen.tracks) do
    list[#list + 1] = { track = track }
  end
  if #list == 0 then
    messages.fail("nothing_selected")
  end
  return list
end

--- The targets of a press: of the selected items if there are any, else of the selected tracks.
function selection.targets(act, family)
  act.chosen, act.history = chosen(act), presence.history(act.project)
  local targets, tracks = item_targets(act, family), {}
  for i, track in ipairs(act.chosen.tracks) do
    tracks[i] = { track = track }
  end
  presence.each(act, tracks, function(one)
    targets[#targets + 1] = selection.of_track(act, one.track, family)
  end)
  if #targets == 0 then
    messages.fail("nothing_selected")
  end
  return targets
end

return selection
