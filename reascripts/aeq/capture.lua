-- From targets to sound files: as few renders as possible, all in one cycle, everything put back afterwards.

local files = require("aeq.files")
local guard = require("aeq.guard")
local messages = require("aeq.messages")
local render = require("aeq.render")
local render_state = require("aeq.render_state")
local spans = require("aeq.spans")
local wav = require("aeq.wav")

local write = require("aeq.write")

local capture = {}

local joined = 0
-- REAPER rounds bounds to samples; anything shorter than that was stopped.
local SHORT_S = 0.01

local function select_group(project, group, later)
  local tracks, items = {}, {}
  for _, target in ipairs(group.targets) do
    tracks[target.track] = true
    for _, item in ipairs(target.items) do
      items[item] = true
    end
  end
  if group.how == "items" then
    later(render_state.select_items(project, items))
  elseif group.how == "stem" then
    later(render_state.select_tracks(project, tracks))
  end
end

local function render_group(act, group, whole_chain)
  return guard.run(function(later)
    select_group(act.project, group, later)
    for _, target in ipairs(group.targets) do
      -- The EQ is computed from the sound that reaches it: without itself, and without what follows it.
      local from = target.instance and target.instance.index or target.place == "first" and 0
      if from and target.how ~= "items" and not whole_chain then
        later(render_state.bypass_from(target.track, from))
      end
    end
    local length = group.how ~= "items"
    return render.run(act.project, act:folder(),
      { how = group.how, start_s = length and group.start_s or nil, end_s = length and group.end_s or nil })
  end)
end

local function expected_s(group, target)
  if group.how ~= "items" then
    return group.end_s - group.start_s
  end
  local seconds = 0
  for _, item in ipairs(target.items) do
    local from, to = spans.of_item(item)
    seconds = seconds + to - from
  end
  return seconds
end

local function accept(act, group, target, paths)
  local seconds = 0
  for _, path in ipairs(paths or {}) do
    local info = wav.info(path)
    seconds = seconds + (info and info.seconds or 0)
  end
  if seconds == 0 and not (paths and reaper.file_exists(paths[1])) then
    messages.fail("render_failed", { track = target.name })
  elseif seconds < expected_s(group, target) - SHORT_S * #paths then
    messages.fail("render_short", { track = target.name, folder = act:folder().path })
  end
end

local function check_items(act, targets)
  write.check_still_there(act, targets)
  for _, target in ipairs(targets) do
    for _, item in ipairs(target.items) do
      if not reaper.ValidatePtr2(act.project, item, "MediaItem*") then
        messages.fail("item_vanished", { track = target.name })
      end
    end
  end
end

--- Renders every target, all in this cycle. Returns what `capture.joined` takes. `whole_chain`: all on, as it
--- sounds now.
function capture.now(act, targets, whole_chain)
  local found = {}
  check_items(act, targets)
  guard.run(function(later)
    reaper.PreventUIRefresh(1)
    later(function()
      reaper.PreventUIRefresh(-1)
    end)
    later(render_state.transport(act.project))
    later(render_state.keys(act.project))
    for _, group in ipairs(spans.groups(act, targets)) do
      local by_number = render_group(act, group, whole_chain)
      for _, target in ipairs(group.targets) do
        found[target] = { group = group, paths = by_number[target.is_master and -1 or target.number] }
      end
    end
  end)
  return found
end

--- One whole file for each target: several items of a track one after another.
function capture.joined(act, targets, found)
  local paths = {}
  for i, target in ipairs(targets) do
    local given = found[target].paths
    accept(act, found[target].group, target, given)
    paths[i] = given[1]
    if #given > 1 then
      joined = joined + 1
      paths[i] = files.join(act:folder().path, ("joined%d.wav"):format(joined))
      if not wav.join(given, paths[i], act) then
        messages.fail("disk_full", { folder = act:folder().path })
      end
    end
    act:breathe()
  end
  return paths
end

--- Renders every target and returns one file for each, in their order.
function capture.paths(act, targets, whole_chain)
  act:breathe()
  local found = capture.now(act, targets, whole_chain)
  act:wait() -- the render took its time; REAPER's window comes first now
  return capture.joined(act, targets, found)
end

return capture
