-- One request and its answer: files in the mailbox, each put there whole by a rename. No program is started for them,
-- and nothing here blocks.

local files = require("aeq.files")
local json = require("aeq.json")
local mailbox = require("aeq.mailbox")
local messages = require("aeq.messages")
local options = require("aeq.options")

local letters = {}

-- A backend whose heart does not beat for so long is gone; one that loads its models may stand still for longer.
local SILENT_S, LOADING_S = 6, 30
local UNTAKEN_S = 3 -- so long a request may lie there while the heart is still; then a backend is started
local LOOK_S = 0.15 -- how often heartbeat and progress are read; the answer is looked for in every cycle
local LOOKS = 20 -- so often something must be missing: the clock goes on while REAPER itself stands still

local open = {} -- letters without an answer

local Letter = {}
Letter.__index = Letter

--- Puts a request there for the backend `to` (a heartbeat). given: method, path, and body (a table) if there is one.
function letters.send(to, given)
  options.check(given, { method = "string", path = "string", body = "table?" })
  local id = files.id()
  local text = json.encode({ to = to.nonce, method = given.method, path = given.path, body = given.body or json.null })
  local fine, why = files.put(mailbox.folder(), id .. ".request", text)
  if not fine then
    messages.fail(why == "full" and "disk_full" or "mailbox_gone", { folder = mailbox.folder() })
  end
  local now = reaper.time_precise()
  local letter = { id = id, to = to.nonce, beat = to.beat, ready = to.ready, beat_s = now, looked_s = now }
  letter.still, letter.missing, letter.done, letter.share = 0, 0, 0, 0
  open[id] = setmetatable(letter, Letter)
  return letter
end

function Letter:file(kind)
  return mailbox.file(self.id .. "." .. kind)
end

function Letter:over(result)
  open[self.id] = nil
  for _, kind in ipairs({ "request", "progress", "answer" }) do
    os.remove(self:file(kind))
  end
  return result
end

--- nil while there is no answer, then {status, body} or {fault, why}. The faults: `untaken` (nobody is there: ask
--- again), `died`, `gone` (the mailbox itself), `full` (the disk), `lost`, `nonsense`. A long answer is read over
--- several cycles: `breathe` gives REAPER one when it is time.
function Letter:poll(breathe)
  local text = files.read(self:file("answer"))
  if text then
    return self:over(self:read(text, breathe))
  end
  local now = reaper.time_precise()
  if now - self.looked_s < LOOK_S then
    return nil
  end
  self.looked_s = now
  local fault = self:look(now)
  return fault and self:over({ fault = fault, why = "" })
end

function Letter:read(text, breathe)
  local fine, answer = pcall(json.decode, text, breathe)
  if messages.is_failure(answer) then
    error(answer, 0) -- the user stopped meanwhile
  elseif not fine or type(answer) ~= "table" or type(answer.body) ~= "table"
    or math.type(answer.status) ~= "integer" then
    return { fault = "nonsense", why = "it is no answer" }
  elseif answer.id ~= self.id or answer.sender ~= self.to then
    return { fault = "nonsense", why = "an answer to another question" }
  elseif answer.status == 410 then
    return { fault = "untaken", why = "the backend was another" }
  elseif answer.status == 503 then
    return { fault = "died", why = "it was stopped" }
  end
  return { status = answer.status, body = answer.body }
end

--- Reads progress and heartbeat; returns a fault or nil.
function Letter:look(now)
  local fine, progress = pcall(json.decode, files.read(self:file("progress")) or "")
  self.missing = self.missing + 1
  if fine and type(progress) == "table" and progress.sender == self.to then
    self.taken, self.missing = true, 0
    self.done, self.share = tonumber(progress.done) or 0, tonumber(progress.progress) or 0
  elseif reaper.file_exists(self:file("request")) or reaper.file_exists(self:file("progress")) then
    self.missing = 0
  end
  local beat = mailbox.heartbeat()
  self.still = self.still + 1
  if beat and beat.nonce ~= self.to then
    return self.taken and "died" or "untaken"
  elseif beat and beat.beat ~= self.beat then
    self.beat, self.beat_s, self.still, self.ready = beat.beat, now, 0, beat.ready
  elseif not beat and reaper.file_exists(mailbox.file("backend.json")) then
    self.looked_s = 0 -- it was just renamed into place: again in the next cycle
  elseif not files.exists(mailbox.folder()) then
    return "gone"
  end
  return self:verdict(now - self.beat_s)
end

function Letter:verdict(silent_s)
  local still, lost = self.still > LOOKS and silent_s > SILENT_S, self.missing > LOOKS
  if not self.taken and self.still > LOOKS / 2 and silent_s > UNTAKEN_S and os.remove(self:file("request")) then
    return "untaken"
  elseif lost or still then
    local _, why = mailbox.writable(mailbox.folder())
    if why then
      return why == "full" and "full" or "gone"
    elseif still and (self.ready or silent_s > LOADING_S) then
      return "died"
    end
    return lost and "lost" or nil
  end
end

--- Nobody waits for this answer any more: the backend is told, unless the request was not taken yet.
function Letter:cancel()
  local untaken = os.remove(self:file("request"))
  self:over()
  if not untaken and reaper.time_precise() - self.beat_s < SILENT_S then
    files.put(mailbox.folder(), self.id .. ".cancel", "")
  end
end

--- Cancels whatever was not answered: the run is over.
function letters.abandon()
  for _, letter in pairs(open) do
    letter:cancel()
  end
end

return letters
