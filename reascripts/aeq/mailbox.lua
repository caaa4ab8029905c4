-- The folder in which requests to the backend and its answers are files (letters.lua), which only this user may read:
-- where it is, whether a backend lives there, and how one is started. A table of its files is in
-- reaper_aeq/server/letters.py.

local files = require("aeq.files")
local install = require("aeq.install")
local json = require("aeq.json")
local messages = require("aeq.messages")
local programs = require("aeq.programs")

local mailbox = {}

local NAME, PROTOCOL = "reaper-aeq-mailbox", 1
local ALIVE_S = 10 -- an older heartbeat is that of a backend that ended; it comes every 2 s
local known -- the folder of this run

--- Where it may lie: REAPER's own folder first. REAPER of old could not open every name there (Windows, other letters).
function mailbox.places()
  local state_folder = install.state_file():match("^(.*)[/\\]") or ""
  return { files.join(reaper.GetResourcePath(), NAME), files.join(state_folder, NAME) }
end

--- Can files be written, renamed and removed there? True, or nil and why not: "full" or "refused".
function mailbox.writable(place)
  local probe = files.id() .. ".part"
  local fine, why = files.put(place, probe, "?")
  return fine and os.remove(files.join(place, probe)), why
end

local function usable(place)
  local fine, why = mailbox.writable(place)
  if why == "refused" and not files.exists(place) then
    programs.make_private(place)
    fine, why = mailbox.writable(place)
  end
  return fine, why
end

--- Has it looked for anew: a panel lives on while somebody removes the folder.
function mailbox.forget()
  known = nil
end

--- The first of the places where files can be written, renamed and removed.
function mailbox.folder()
  if known then
    return known
  end
  local places = mailbox.places()
  for _, place in ipairs(places) do
    local fine, why = usable(place)
    if fine then
      known = place
      return place
    elseif why == "full" then
      messages.fail("disk_full", { folder = place })
    end
  end
  messages.fail("no_mailbox", { folder = places[1], other = places[2] })
end

function mailbox.file(name)
  return files.join(mailbox.folder(), name)
end

--- The heartbeat as it lies there, however old, or nil: {version, pid, nonce, beat, time, ready, device}.
function mailbox.heartbeat()
  local fine, beat = pcall(json.decode, files.read(mailbox.file("backend.json")) or "")
  if not fine or type(beat) ~= "table" or beat.name ~= "reaper-aeq" then
    return nil
  elseif beat.protocol ~= PROTOCOL then
    messages.fail("nonsense", { what = "it is of another version: " .. tostring(beat.version) })
  end
  local whole = math.type(beat.beat) == "integer" and math.type(beat.time) == "integer"
  return whole and type(beat.nonce) == "string" and beat.nonce:match("^%x+$") and beat or nil
end

--- The heartbeat of a backend that seems to live, or nil: whether it does shows when it takes a letter. Instead of nil
--- false, where the file only refuses to be opened for a moment: ask again.
function mailbox.backend()
  local beat = mailbox.heartbeat()
  if beat then
    return math.abs(os.time() - beat.time) <= ALIVE_S and beat or nil
  end
  if reaper.file_exists(mailbox.file("backend.json")) then
    return false
  end
end

--- The last words of the backend's last start, "" where it said nothing, and the exit code once it ended; nil where
--- nothing was started. What comes from a box that was drawn loses its frame.
function mailbox.start_log()
  local text = files.read(mailbox.file("start.log"))
  if not text then
    return nil
  end
  local code = tonumber(text:match("exit (%d+)%s*$"))
  local said = ""
  for line in text:gsub("exit %d+%s*$", ""):gmatch("[^\r\n]+") do
    said = line:match("%a") and line or said
  end
  code = code or said:match("^error: ") and 2 or nil -- on Windows nobody is there to write the code
  said = said:gsub("%c", " "):gsub("^[^%w'\"/\\]+", ""):gsub("[^%w%.%)'\"]+$", ""):gsub("^error: ", ""):sub(1, 300)
  return said, code
end

--- Starts the backend for this mailbox; it is there when its heart beats.
function mailbox.start()
  local record = install.record() or messages.fail("not_installed")
  local program = record.command[1]
  if program:match("[/\\]") and not reaper.file_exists(program) then
    messages.fail("start_failed", { why = program .. " is gone" })
  end
  local words = { table.unpack(record.command) }
  for _, word in ipairs({ "serve", "--json", "--background", "--state-file", install.state_file(), "--mailbox" }) do
    words[#words + 1] = word
  end
  words[#words + 1] = mailbox.folder()
  os.remove(mailbox.file("start.log"))
  if not programs.start(words, mailbox.file("start.log")) then
    messages.fail("start_failed", { why = "this system did not run " .. program })
  end
end

return mailbox
