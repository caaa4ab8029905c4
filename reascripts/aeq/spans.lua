-- From when to when a target is heard, and which targets one render can serve.

local spans = {}

--- Start and end of an item, seconds.
function spans.of_item(item)
  local from = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
  return from, from + reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
end

local function span_of_items(items)
  local from, to = math.huge, 0
  for _, item in ipairs(items) do
    local a, b = spans.of_item(item)
    from, to = math.min(from, a), math.max(to, b)
  end
  return from, to
end

--- What is listened to of a stem: the selected items; the time selection if the user wants that; else from the track's
--- first item to its last; a bus or folder is heard as long as the project.
local function span_of(act, target)
  if #target.items > 0 then
    return span_of_items(target.items)
  end
  local from, to = reaper.GetSet_LoopTimeRange2(act.project, false, false, 0, 0, false)
  if act.settings.time_selection and to > from then
    return from, to
  end
  local count = target.is_master and 0 or reaper.GetTrackNumMediaItems(target.track)
  local is_bus = count == 0 or reaper.GetTrackNumSends(target.track, -1) > 0
    or reaper.GetMediaTrackInfo_Value(target.track, "I_FOLDERDEPTH") > 0
  if is_bus then
    return 0, reaper.GetProjectLength(act.project)
  end
  local items = {}
  for i = 0, count - 1 do
    items[i + 1] = reaper.GetTrackMediaItem(target.track, i)
  end
  return span_of_items(items)
end

--- Groups of targets that one render can serve: all items; stems of one span; the master. Each is {how, targets,
--- start_s, end_s}.
function spans.groups(act, targets)
  local groups, found = {}, {}
  for _, target in ipairs(targets) do
    local from, to
    local key = target.how
    if target.how ~= "items" then
      from, to = span_of(act, target)
      -- Whole tracks share one render, however long each is: its silence does not count. Chosen items do not, or
      -- their neighbours on other tracks would be heard as well.
      key = #target.items > 0 and ("%s %.6f %.6f"):format(key, from, to) or key
    end
    local group = found[key]
    if not group then
      group = { how = target.how, targets = {}, start_s = from, end_s = to }
      found[key], groups[#groups + 1] = group, group
    end
    group.targets[#group.targets + 1] = target
    if from then
      group.start_s, group.end_s = math.min(group.start_s, from), math.max(group.end_s, to)
    end
  end
  return groups
end

return spans
