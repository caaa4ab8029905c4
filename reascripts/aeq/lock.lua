-- One run at a time in this REAPER. The holder keeps a heartbeat, so that a run that crashed blocks nobody for long.

local settings = require("aeq.settings")

local lock = {}

local STALE_AFTER_S = 4.0
-- Not persistent: the state lives in REAPER's memory, where every script sees it, and ends with REAPER.
local KEY = "running"
local mine

local function holder()
  local id, beat = reaper.GetExtState(settings.SECTION, KEY):match("^(%S+) (%S+)$")
  return id, tonumber(beat)
end

--- Does a run live?
function lock.is_taken()
  local id, beat = holder()
  local age_s = beat and reaper.time_precise() - beat
  return id ~= nil and age_s ~= nil and age_s >= 0 and age_s < STALE_AFTER_S
end

--- Takes the lock. False while another run lives.
function lock.take()
  if lock.is_taken() then
    return false
  end
  mine = reaper.genGuid("")
  lock.beat()
  return true
end

--- Says that we are alive: every cycle, and after anything that may block for long. To the last digit: a time that is
--- rounded up lies in the future, and would count as another REAPER's.
function lock.beat()
  if mine then
    reaper.SetExtState(settings.SECTION, KEY, ("%s %.17g"):format(mine, reaper.time_precise()), false)
  end
end

function lock.release()
  if mine and holder() == mine then
    reaper.DeleteExtState(settings.SECTION, KEY, false)
  end
  mine = nil
end

return lock
