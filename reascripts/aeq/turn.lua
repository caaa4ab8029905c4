-- A MIDI controller or the mouse wheel on intensity or adaptation. Each movement is a run of its own: the first one
-- stays and does the work, the others leave it what is wanted, and once the hand rests there is one undo step.

local gesture = require("aeq.gesture")
local linked = require("aeq.linked")
local lock = require("aeq.lock")
local messages = require("aeq.messages")
local run = require("aeq.run")
local scale = require("aeq.scale")
local selection = require("aeq.selection")
local settings = require("aeq.settings")
local speak = require("aeq.speak")

local turn = {}

local REST_S, SLICE_S, STALE_S, QUIET_S = 0.5, 0.01, 1.0, 3.0
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
  reaper.SetExtState(settings.SECTION, key, reaper.GetExtState(settings.SECTION, key) .. moved .. " ", false)
  return true
end

--- Says that a run is at work on this, to the last digit: a time that is rounded up lies in the future.
local last_beat

local function beat(key)
  last_beat = ("%.17g"):format(reaper.time_precise())
  reaper.SetExtState(settings.SECTION, key .. "_alive", last_beat, false)
end

--- Says that it is no more, unless another run is at work by now.
local function ended(key)
  if reaper.GetExtState(settings.SECTION, key .. "_alive") == last_beat then
    reaper.DeleteExtState(settings.SECTION, key .. "_alive", false)
  end
end

local function waiting(key)
  return reaper.GetExtState(settings.SECTION, key)
end

--- Notes when a run ended that has left movements undone.
local function leave(key)
  if waiting(key) ~= "" then
    reaper.SetExtState(settings.SECTION, key .. "_left", ("%.17g"):format(reaper.time_precise()), false)
  end
end

--- What a run has left undone that REAPER ended for this one; what is older is nobody's.
local function left(key)
  local age_s = reaper.time_precise() - (tonumber(reaper.GetExtState(settings.SECTION, key .. "_left")) or -math.huge)
  reaper.DeleteExtState(settings.SECTION, key .. "_left", false)
  return age_s >= 0 and age_s <= STALE_S and waiting(key) or ""
end

--- The value after all movements that came meanwhile, and whether there were any.
local function moved_on(key, value, range)
  beat(key)
  local moves = waiting(key)
  reaper.SetExtState(settings.SECTION, key, "", false)
  for how, number in moves:gmatch("([=+])(%S+)") do
    value = math.max(0, math.min(range, how == "=" and number * range or value + number))
  end
  return value, moves ~= ""
end

--- Goes along with the hand until it rests and has left nothing. Returns the value.
local function follow(act, key, value, range, moving)
  local rests_s = reaper.time_precise() + REST_S
  while waiting(key) ~= "" or reaper.time_precise() < rests_s do
    local came
    value, came = moved_on(key, value, range)
    rests_s = came and reaper.time_precise() + REST_S or rests_s
    moving(value)
    act:wait()
  end
  return value
end

--- Shows a sentence, but not the same for each of many movements.
local function tell(text)
  local at, last = reaper.GetExtState(settings.SECTION, "turned_told"):match("^(%S+) (.*)$")
  local age_s = reaper.time_precise() - (tonumber(at) or 0)
  local function told()
    reaper.SetExtState(settings.SECTION, "turned_told", ("%.17g %s"):format(reaper.time_precise(), text), false)
  end
  told()
  if text ~= last or age_s < 0 or age_s > QUIET_S then
    messages.show(text)
    told() -- the box may have stood open for long
  end
end

--- `story(act)` for a movement, and again for what is moved while it ends. While a press is at work it waits, and goes
--- on if the same is selected then.
local function start(key, title, story)
  local moved = movement()
  if not moved or handed_over(key, moved) then
    return reaper.defer(function() end) -- a key says nothing of how much
  end
  local held = lock.is_taken() and selection.held(reaper.EnumProjects(-1))
  if held and not run.begin() then
    return
  end
  reaper.SetExtState(settings.SECTION, key, left(key) .. moved .. " ", false)
  reaper.atexit(function() -- REAPER may end a script for its next run, to which nobody else hands over
    ended(key)
    leave(key)
  end)
  local function go_on()
    beat(key)
    if lock.is_taken() then
      return reaper.defer(go_on)
    elseif held and not selection.is(held) then
      ended(key)
      reaper.SetExtState(settings.SECTION, key, "", false)
      return speak.say(messages.text("selection_changed"))
    end
    run.start(title, function(act)
      repeat
        beat(key)
        story(act)
      until waiting(key) == ""
      ended(key)
    end, tell)
  end
  go_on()
end

function turn.intensity()
  local key = "turned_intensity"
  start(key, "intensity", function(act)
    local hand = gesture.open(act.project, linked.with_ours)
    reaper.atexit(function() -- ended in the middle: what was heard last is what stays, but for who pressed Esc
      if act.cancelled then
        hand:take_back()
      end
      pcall(hand.finish, hand, math.huge) -- it may still look for what is meant, in a project that is gone
    end)
    local function slice(step)
      while not hand[step](hand, reaper.time_precise() + SLICE_S) do
        beat(key)
        act:wait()
      end
    end
    slice("prepare")
    local first = hand:first()
    if not first then
      messages.fail("selection_changed")
    end
    local from = math.max(scale.amount(first.blend), 0.01)
    follow(act, key, from, MOST, function(value)
      hand:to(value / from)
      hand:write(reaper.time_precise() + SLICE_S)
    end)
    slice("finish")
    act:result(first.name, ("intensity %d percent"):format(math.floor(from * hand:reached() * 100 + 0.5)))
  end)
end

function turn.adaptation()
  local key = "turned_adaptation"
  start(key, "adaptation", function(act)
    act.held = selection.held(act.project)
    local reached
    reaper.atexit(function() -- ended for the next movement, which goes on from there
      if reached and not act.cancelled then
        settings.change("adaptation", 0, act.settings, reached)
      end
    end)
    local value = follow(act, key, tonumber(act.settings.adaptation) or 0.5, 1, function(now)
      reached = now
    end)
    reached = nil
    settings.change("adaptation", 0, act.settings, value)
    act:result("adaptation", ("%d percent"):format(math.floor(value * 100 + 0.5)))
    require("aeq.flow").again(act)
  end)
end

return turn
