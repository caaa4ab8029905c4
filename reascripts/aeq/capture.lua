-- From targets to sound files: as few renders as possible, everything put back afterwards.

local chain = require("aeq.chain")
local files = require("aeq.files")
local guard = require("aeq.guard")
local loudest = require("aeq.loudest")
local messages = require("aeq.messages")
local offline = require("aeq.offline")
local presence = require("aeq.presence")
local render = require("aeq.render")
local render_state = require("aeq.render_state")
local same_sound = require("aeq.same_sound")
local wav = require("aeq.wav")
local windows = require("aeq.windows")

local capture = {}

local joined = 0
-- REAPER rounds bounds to samples; anything shorter than that was stopped.
local SHORT_S = 0.01

local function set_of(items)
  local set = {}
  for _, item in ipairs(items) do
    set[item] = true
  end
  return set
end

--- Switches off what must not be heard: from the EQ's place on every FX, and of the track's items all but the chosen.
local function quiet(act, group, whole_chain, later)
  for _, target in ipairs(group.targets) do
    -- The EQ is computed from the sound that reaches it: without itself, and without what follows it.
    local from = chain.own(target) or target.place == "first" and 0
    if from and not whole_chain then
      render_state.bypass_from(act.project, target.track, from, later)
    end
    if #target.items > 0 then
      render_state.mute_others(act.project, target.track, set_of(target.items), group.start_s, group.end_s, later)
      if not target.midi then -- an instrument may play what others send to it
        render_state.cut_off(act.project, target.track, later, function(text)
          act:warn(text)
        end)
      end
    end
  end
end

--- Is media of the group offline? What the user had set so was refused before; the preference may have come meanwhile.
local function went_offline(act, group)
  if offline.preferred() == false then
    return false
  end
  for _, target in ipairs(group.targets) do
    for _, item in ipairs(loudest.items_of(act, target)) do
      local take = reaper.GetActiveTake(item)
      local source = take and reaper.GetMediaItemTake_Source(take)
      if source and not reaper.TakeIsMIDI(take) and offline.is(source) then
        return true
      end
    end
  end
  return false
end

--- Nothing that is gone may be touched: after a wait, and before anything is changed for a render.
local function check_items(act, targets)
  presence.check(act, targets)
  for _, target in ipairs(targets) do
    for _, item in ipairs(target.items) do
      if not reaper.ValidatePtr2(act.project, item, "MediaItem*") then
        messages.fail("item_vanished", { track = target.name })
      end
    end
  end
end

--- Numbers the targets as their tracks stand now, which is what REAPER calls the files of their stems by.
local function renumber(targets)
  for _, target in ipairs(targets) do
    target.number = math.floor(reaper.GetMediaTrackInfo_Value(target.track, "IP_TRACKNUMBER"))
  end
end

local function render_some(act, group, targets, at_once)
  return guard.run(function(later)
    local tracks, numbers = {}, {}
    for i, target in ipairs(targets) do
      tracks[target.track], numbers[i] = true, target.is_master and -1 or target.number
    end
    if group.how == "stem" then
      later(render_state.select_tracks(act.project, tracks))
    end
    render_state.disarm(act.project, later) -- behind the selection, which may arm tracks by itself
    return render.run(act, {
      how = group.how, start_s = group.start_s, end_s = group.end_s, numbers = numbers, at_once = at_once,
      offline = went_offline(act, group),
    })
  end)
end

local function stems_of(act, group, at_once)
  local paths = render_some(act, group, group.targets, at_once)
  if paths then
    return paths
  end
  -- REAPER would not write one file for each of them: one after the other then, which leaves nothing to mix up.
  paths = {}
  for _, target in ipairs(group.targets) do
    check_items(act, group.targets)
    local one = render_some(act, group, { target }, at_once) or messages.fail("no_targets", { track = target.name })
    for number, path in pairs(one) do
      paths[number] = path
    end
  end
  return paths
end

local function render_group(act, group, whole_chain, at_once)
  return guard.run(function(later)
    check_items(act, group.targets)
    renumber(group.targets)
    quiet(act, group, whole_chain, later)
    if group.how == "stem" then
      local tracks = {}
      for _, target in ipairs(group.targets) do
        tracks[target.track] = true
      end
      render_state.lift_solos(act.project, tracks, later)
    end
    local paths = stems_of(act, group, at_once)
    check_items(act, group.targets) -- a render in the background takes its time
    same_sound.check(act, group, paths, function()
      return render_some(act, { how = "master", start_s = group.start_s, end_s = group.end_s, targets = {} },
        { { track = reaper.GetMasterTrack(act.project), is_master = true } }, at_once)
    end)
    return paths
  end)
end

--- What is rendered for these targets, as `capture.now` takes it. Looks at their files and may take several cycles.
function capture.prepare(act, targets)
  render.check(act)
  check_items(act, targets)
  return windows.groups(act, targets)
end

--- Renders the groups of `capture.prepare`. Returns what `capture.joined` takes. `whole_chain`: all on, as it sounds
--- now. `at_once`: in this cycle or not at all.
function capture.now(act, targets, groups, whole_chain, at_once)
  local found = {}
  check_items(act, targets)
  for _, target in ipairs(targets) do
    found[target] = {}
  end
  guard.run(function(later)
    render_state.hold_drawing(later)
    later(render_state.transport(act.project))
    later(render_state.keys(act.project))
    for _, group in ipairs(groups) do
      local by_number = render_group(act, group, whole_chain, at_once)
      for _, target in ipairs(group.targets) do
        table.insert(found[target], { path = by_number[target.is_master and -1 or target.number], group = group })
      end
    end
  end)
  return found
end

local function accept(act, target, path, group)
  local info = path and wav.info(path)
  if not info and not (path and reaper.file_exists(path)) then
    messages.fail("render_failed", { track = target.name })
  elseif not info or info.seconds < group.end_s - group.start_s - SHORT_S then
    messages.fail("render_short", { track = target.name, folder = act:folder().path })
  end
end

--- One whole file for each target: the parts that are listened to one after another; and from when to when in the
--- project each of them is, {{from_s, to_s}, ...} for each target.
function capture.joined(act, targets, found)
  local paths, times = {}, {}
  for i, target in ipairs(targets) do
    local pieces = {}
    times[i] = {}
    for _, rendered in ipairs(found[target]) do
      local group = rendered.group
      accept(act, target, rendered.path, group)
      for _, piece in ipairs(group.pieces[target] or { { from_s = group.start_s, to_s = group.end_s } }) do
        times[i][#times[i] + 1] = { from_s = piece.from_s, to_s = piece.to_s }
        pieces[#pieces + 1] = {
          path = rendered.path, from_s = piece.from_s - group.start_s, to_s = piece.to_s - group.start_s,
          whole = piece.from_s == group.start_s and piece.to_s == group.end_s,
        }
      end
    end
    paths[i] = pieces[1].path
    if #pieces > 1 or not pieces[1].whole then
      joined = joined + 1
      paths[i] = files.join(act:folder().path, ("joined%d.wav"):format(joined))
      if not wav.join(pieces, paths[i], act) then
        messages.fail("disk_full", { folder = act:folder().path })
      end
    end
    act:breathe()
  end
  return paths, times
end

--- One file of several that were rendered from and to the same times: their sum.
function capture.sum(act, paths)
  joined = joined + 1
  local path = files.join(act:folder().path, ("sum%d.wav"):format(joined))
  if not wav.sum(paths, path, act) then
    messages.fail("disk_full", { folder = act:folder().path })
  end
  return path
end

--- Renders every target and returns one file for each, in their order, and their times as `capture.joined`.
function capture.paths(act, targets, whole_chain)
  act:breathe()
  local groups = capture.prepare(act, targets)
  local found = capture.now(act, targets, groups, whole_chain)
  act:wait() -- the render took its time, and its window closes only now
  return capture.joined(act, targets, found)
end

return capture
