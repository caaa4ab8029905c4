-- A MIDI controller or the mouse wheel on intensity or adaptation. Each movement is a run of its own: the first one
-- stays and does the work, the others leave it what is wanted, and once the hand rests there is one undo step.

local gesture = require("aeq.gesture")
local linked = require("aeq.linked")
local run = require("aeq.run")
local scale = require("aeq.scale")
local settings = require("aeq.settings")

local turn = {}

local REST_S, SLICE_S, STALE_S = 0.5, 0.01, 1.0
local NOTCH, TICK = 0.05, 0.01 -- of the mouse wheel (15 a notch), of a relative controller
local MOST = 2.0

--- What the movement says: "=0.7" of the way, or "+0.05".
local function movement()
  local _, _, _, _, mode, resolution, value = reaper.get_action_context()
  if mode == 0 and resolution > 0 then
    return ("=%.6f"):format(math.max(0, math.min(1, value / resolution)))
  elseif mode > 0 then
    return ("+%.6f"):format(math.abs(value) >= 15 and value / 15 * NOTCH or value * TICK)
  end
end

--- Leaves the movement for a run that is at work; false where none is.
local function handed_over(key, moved)
  local beat = tonumber(reaper.GetExtState(settings.SECTION, key .. "_alive"))
  local age = beat and reaper.time_precise() - beat
  if not age or age < 0 or age > STALE_S then
    return false
  end
  local waiting = reaper.GetExtState(settings.SECTION, key)
  reaper.SetExtState(settings.SECTION, key, waiting .. moved .. " ", false)
  return true
end

--- The value after all movements that came meanwhile, and whether there were any.
local function moved_on(key, value, range)
  reaper.SetExtState(settings.SECTION, key .. "_alive", ("%.3f"):format(reaper.time_precise()), false)
  local waiting = reaper.GetExtState(settings.SECTION, key)
  reaper.SetExtState(settings.SECTION, key, "", false)
  for how, number in waiting:gmatch("([=+])(%S+)") do
    value = math.max(0, math.min(range, how == "=" and number * range or value + number))
  end
  return value, waiting ~= ""
end

local function follow(act, key, first, value, range, moving)
  reaper.SetExtState(settings.SECTION, key, first .. " ", false)
  local rests_s = reaper.time_precise() + REST_S
  while reaper.time_precise() < rests_s do
    local came
    value, came = moved_on(key, value, range)
    rests_s = came and reaper.time_precise() + REST_S or rests_s
    moving(value)
    act:wait()
  end
  reaper.DeleteExtState(settings.SECTION, key .. "_alive", false)
  return value
end

local function start(key, title, story)
  local moved = movement()
  if not moved or handed_over(key, moved) then
    return reaper.defer(function() end) -- a key says nothing of how much
  end
  run.start(title, function(act)
    story(act, moved)
  end)
end

function turn.intensity()
  start("turned_intensity", "intensity", function(act, moved)
    local entries = linked.with_ours(act)
    local hand = gesture.open(act.project, entries)
    reaper.atexit(function() -- ended in the middle: what was heard last is what stays
      hand:finish(math.huge)
    end)
    while not hand:prepare(reaper.time_precise() + SLICE_S) do
      act:wait()
    end
    local from = math.max(scale.amount(hand.parts[1].blend), 0.01)
    follow(act, "turned_intensity", moved, from, MOST, function(value)
      hand:to(value / from)
      hand:write(reaper.time_precise() + SLICE_S)
    end)
    while not hand:finish(reaper.time_precise() + SLICE_S) do
      act:wait()
    end
    act:result(entries[1].name, ("intensity %d percent"):format(math.floor(from * hand:reached() * 100 + 0.5)))
  end)
end

function turn.adaptation()
  start("turned_adaptation", "adaptation", function(act, moved)
    local from = tonumber(act.settings.adaptation) or 0.5
    local value = follow(act, "turned_adaptation", moved, from, 1, function() end)
    settings.change("adaptation", 0, act.settings, value)
    act:result("adaptation", ("%d percent"):format(math.floor(value * 100 + 0.5)))
    require("aeq.flow").again(act)
  end)
end

return turn
