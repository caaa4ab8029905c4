-- What happened, for a report: the last lines, in REAPER's memory only (ExtState, not persistent).

local settings = require("aeq.settings")

local log = {}

local KEEP_CHARACTERS = 8000

--- Adds a line. Never the token, never audio.
function log.add(text)
  local line = ("%.2f %s"):format(reaper.time_precise(), tostring(text):gsub("[\r\n]+", " | "))
  local all = reaper.GetExtState(settings.SECTION, "log") .. line .. "\n"
  reaper.SetExtState(settings.SECTION, "log", all:sub(-KEEP_CHARACTERS), false)
end

function log.text()
  return reaper.GetExtState(settings.SECTION, "log")
end

return log
