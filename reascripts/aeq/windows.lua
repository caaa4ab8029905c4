-- Which parts of the targets are rendered, and which of them together: as few renders as possible, and of each target
-- no more than a minute, where it is loudest. More would tell little about its balance, and REAPER stands still for it.

local loudest = require("aeq.loudest")
local messages = require("aeq.messages")
local presence = require("aeq.presence")

local windows = {}

windows.LONGEST_S = 60
windows.LONGEST_ALONG_S = 900 -- of a song that is followed, which has to be heard from end to end
local ENOUGH = 0.25 -- a window is good for a target if it is at most 6 dB below its loudest one

local function longest_s(act)
  return act.along and windows.LONGEST_ALONG_S or windows.LONGEST_S
end

--- Start and end of an item, seconds.
local function span_of_item(item)
  local from_s = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
  return from_s, from_s + reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
end

local function span_of_items(items)
  local from_s, to_s = math.huge, 0
  for _, item in ipairs(items) do
    local a, b = span_of_item(item)
    from_s, to_s = math.min(from_s, a), math.max(to_s, b)
  end
  return from_s, to_s
end

--- What may be listened to of a whole track: the time selection if the user wants that; else from the track's first
--- item to its last; a bus or folder is heard as long as the project.
local function span_of_track(act, target)
  local from_s, to_s = reaper.GetSet_LoopTimeRange2(act.project, false, false, 0, 0, false)
  if act.settings.time_selection and to_s > from_s then
    return from_s, to_s
  end
  local items = loudest.items_of(act, target)
  if #items == 0 then
    return 0, reaper.GetProjectLength(act.project)
  end
  return span_of_items(items)
end

--- The times of a target's chosen items, {{from_s, to_s}, ...} in order; those that touch are one.
local function clusters(items)
  local parts = {}
  for i, item in ipairs(items) do
    local from_s, to_s = span_of_item(item)
    parts[i] = { from_s, to_s }
  end
  table.sort(parts, function(a, b)
    return a[1] < b[1]
  end)
  local merged = {}
  for _, part in ipairs(parts) do
    local last = merged[#merged]
    if last and part[1] <= last[2] then
      last[2] = math.max(last[2], part[2])
    else
      merged[#merged + 1] = part
    end
  end
  return merged
end

local function length_of(parts)
  local seconds = 0
  for _, part in ipairs(parts) do
    seconds = seconds + part[2] - part[1]
  end
  return seconds
end

--- Power of a window that begins at part `first` of a profile.
local function power_at(powers, first, count)
  local sum = 0
  for n = first, math.min(first + count - 1, #powers) do
    sum = sum + powers[n]
  end
  return sum
end

local function bins_of(act, bin_s)
  return math.max(1, math.floor(longest_s(act) / bin_s))
end

--- How strong a target sounds, or all that it is linked with: {powers}, seconds a part.
local function profile_of(act, target, from_s, to_s)
  local sum, bin_s
  for _, member in ipairs(target.link or { target }) do
    local powers
    powers, bin_s = loudest.profile(act, member, from_s, to_s)
    for n, power in ipairs(powers) do
      powers[n] = power + (sum and sum[n] or 0)
    end
    sum = powers
  end
  return sum, bin_s
end

--- The loudest minute between two times.
local function loudest_window(act, target, from_s, to_s)
  local powers, bin_s = profile_of(act, target, from_s, to_s)
  local count, best, power = bins_of(act, bin_s), 1, -1
  for first = 1, math.max(1, #powers - count + 1) do
    local here = power_at(powers, first, count)
    if here > power then
      best, power = first, here
    end
  end
  local start_s = math.min(from_s + (best - 1) * bin_s, to_s - longest_s(act))
  return start_s, start_s + longest_s(act)
end

local function parts_of_items(act, target)
  local items = {}
  for _, member in ipairs(target.link or { target }) do -- linked targets are summed, so they share their times
    presence.whole(act, member)
    table.move(member.items, 1, #member.items, #items + 1, items)
  end
  local parts = clusters(items)
  if length_of(parts) <= longest_s(act) then
    return parts
  end
  local from_s, to_s = loudest_window(act, target, parts[1][1], parts[#parts][2])
  local kept = {}
  for _, part in ipairs(parts) do
    if part[1] < to_s and part[2] > from_s then
      kept[#kept + 1] = { math.max(part[1], from_s), math.min(part[2], to_s) }
    end
  end
  return kept
end

--- One window for as many whole tracks as it is good for, and so on with those that are left.
local function cover(act, targets, add)
  local from_s, to_s, profiles = math.huge, 0, {}
  presence.check(act, targets)
  for _, target in ipairs(targets) do
    local a, b = span_of_track(act, target)
    from_s, to_s = math.min(from_s, a), math.max(to_s, b)
  end
  if to_s <= from_s then -- a project without items: REAPER would open a box
    messages.fail("silent", { track = targets[1].name })
  elseif to_s - from_s <= longest_s(act) then
    return add(targets, from_s, to_s)
  end
  local count, bin_s
  for _, target in ipairs(targets) do
    local powers
    powers, bin_s = profile_of(act, target, from_s, to_s)
    count = bins_of(act, bin_s)
    local most = 0
    for first = 1, math.max(1, #powers - count + 1) do
      most = math.max(most, power_at(powers, first, count))
    end
    profiles[target] = { powers = powers, most = most }
  end
  local left = targets
  while #left > 0 do
    local best, best_sum
    for first = 1, math.max(1, #profiles[left[1]].powers - count + 1) do
      local good, sum = {}, 0
      for _, target in ipairs(left) do
        local profile = profiles[target]
        local share = profile.most == 0 and 1 or power_at(profile.powers, first, count) / profile.most
        good[#good + 1] = share >= ENOUGH and target or nil
        sum = sum + (share >= ENOUGH and 1 + share / 1000 or 0)
      end
      if not best or sum > best_sum then
        best, best_sum = { first = first, good = good }, sum
      end
    end
    local start_s = math.min(from_s + (best.first - 1) * bin_s, to_s - longest_s(act))
    add(best.good, start_s, start_s + longest_s(act))
    local rest = {}
    for _, target in ipairs(left) do
      local served = false
      for _, good in ipairs(best.good) do
        served = served or good == target
      end
      rest[#rest + 1] = not served and target or nil
    end
    left = rest
  end
end

--- Renders that hold all `pieces` ({target, from_s, to_s}), each at most a minute of the project.
local function around(act, pieces)
  table.sort(pieces, function(a, b)
    return a.from_s < b.from_s
  end)
  local groups = {}
  for _, piece in ipairs(pieces) do
    local group = groups[#groups]
    if not group or math.max(group.end_s, piece.to_s) - group.start_s > longest_s(act) then
      group = { how = "stem", targets = {}, pieces = {}, start_s = piece.from_s, end_s = piece.to_s }
      groups[#groups + 1] = group
    end
    group.end_s = math.max(group.end_s, piece.to_s)
    if not group.pieces[piece.target] then
      group.pieces[piece.target] = {}
      table.insert(group.targets, piece.target)
    end
    table.insert(group.pieces[piece.target], piece)
  end
  return groups
end

--- What is rendered together: {{how, targets, start_s, end_s, pieces}, ...}. A target with chosen items may be in
--- several; `pieces[target]` says from when to when it is listened to there, {{from_s, to_s}, ...}, else all of it is.
function windows.groups(act, targets)
  local pieces, whole, master = {}, {}, {}
  for _, target in ipairs(targets) do
    if target.is_master then
      master[#master + 1] = target
    elseif #target.items == 0 then
      whole[#whole + 1] = target
    else
      for _, part in ipairs(parts_of_items(act, target)) do
        pieces[#pieces + 1] = { target = target, from_s = part[1], to_s = part[2] }
      end
    end
  end
  local groups = around(act, pieces)
  for how, list in pairs({ stem = whole, master = master }) do
    if #list > 0 then
      cover(act, list, function(served, from_s, to_s)
        groups[#groups + 1] = { how = how, targets = served, start_s = from_s, end_s = to_s, pieces = {} }
      end)
    end
  end
  return groups
end

return windows
