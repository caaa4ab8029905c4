-- The backend as the actions see it: call it, start it when it is not there, put a job to it and wait for the answers.
-- `act` is the running action (run.lua): `act:wait()` gives REAPER a cycle and throws when the user stops.

local answers = require("aeq.answers")
local letters = require("aeq.letters")
local log = require("aeq.log")
local mailbox = require("aeq.mailbox")
local messages = require("aeq.messages")

local backend = {}

local CALL_TIMEOUT_S, STUCK_AFTER_S = 40, 120
local BETWEEN_S = 0.5 -- a heartbeat that was just renamed into place may refuse to open for a moment

--- The heartbeat of our backend, {version, device, pid, ready, ...}, or nil where none lives.
function backend.health(act)
  local until_s = reaper.time_precise() + BETWEEN_S
  while true do
    local beat = mailbox.backend()
    if beat ~= false or reaper.time_precise() > until_s then
      return beat or nil
    end
    act:wait()
  end
end

local function start_failed()
  local said, code = mailbox.start_log()
  local why = said ~= nil and said ~= "" and said or code and "it ended at once (" .. code .. ")"
    or "it did not answer"
  messages.fail("start_failed", { why = (why:gsub("%.$", "")) })
end

--- Starts the backend and waits for its heart to beat, which alone says that it runs. Returns its heartbeat.
function backend.start(act)
  act.progress:say("Starting reaper-aeq ...", 0)
  local before = mailbox.backend()
  mailbox.start()
  local from_s = reaper.time_precise()
  local until_s = from_s + act.settings.start_timeout_s
  repeat
    act:wait()
    local beat = mailbox.backend()
    if beat and (not before or beat.nonce ~= before.nonce or beat.beat ~= before.beat) then
      log.add(("started in %.1f s"):format(reaper.time_precise() - from_s))
      return beat
    end
    local _, code = mailbox.start_log()
    if code and code ~= 0 then
      start_failed()
    end
  until reaper.time_precise() > until_s
  start_failed()
end

--- Waits for the answer to one letter. `watch(letter)` is called in every cycle and may throw.
local function wait_for(act, letter, watch)
  local fine, result = pcall(function()
    while true do
      local result = letter:poll(function()
        act:breathe()
      end)
      if result then
        return result
      end
      watch(letter)
      act:wait()
    end
  end)
  if not fine then
    letter:cancel() -- the user stopped, or it took too long: the backend need not go on
    error(result, 0)
  end
  return result
end

local FAILURES = { died = "backend_died", untaken = "backend_died", gone = "mailbox_gone", full = "disk_full",
  lost = "mailbox_emptied", nonsense = "nonsense" }

local function body_of(result)
  if result.fault then
    messages.fail(FAILURES[result.fault], { folder = mailbox.folder(), what = result.why })
  elseif result.status >= 400 then
    local why = result.body.error
    messages.fail("refused", { why = type(why) == "string" and why or ("error %d."):format(result.status) })
  end
  return result.body
end

--- `watching()` gives what watches over a letter that was just sent.
local function ask(act, given, watching)
  local beat = backend.health(act) or backend.start(act)
  local result = wait_for(act, letters.send(beat, given), watching())
  if result.fault == "untaken" then -- the heartbeat was that of a backend that is gone
    result = wait_for(act, letters.send(backend.start(act), given), watching())
  end
  log.add(("%s %s: %s"):format(given.method, given.path, result.status or result.fault .. " " .. result.why))
  return body_of(result)
end

--- A request to the backend, which is started if it is not there. Returns the body of the answer.
function backend.call(act, method, path, body)
  return ask(act, { method = method, path = path, body = body }, function()
    local until_s = reaper.time_precise() + CALL_TIMEOUT_S
    return function()
      if reaper.time_precise() > until_s then
        messages.fail("backend_stuck", { seconds = CALL_TIMEOUT_S })
      end
    end
  end)
end

local function finish(act, path, body, check)
  act.task_count = #body.tasks
  act.progress:say(act.title, 0)
  local job = answers.job(ask(act, { method = "POST", path = path, body = body }, function()
    local moved_s, share
    return function(letter)
      local now = reaper.time_precise()
      if letter.share ~= share then
        moved_s, share = now, letter.share
      elseif now - moved_s > STUCK_AFTER_S then
        messages.fail("backend_stuck", { seconds = STUCK_AFTER_S })
      end
      act.progress:say(("%s: %d of %d"):format(act.title, letter.done, act.task_count), letter.share)
    end
  end))
  if job.state == "cancelled" then
    messages.fail("job_cancelled")
  end
  local checked = answers.of_job(job, body.tasks, check)
  act:breathe() -- where reading hundreds of answers took its time, writing them has a cycle of its own
  return checked
end

--- The EQ of every task, in their order.
function backend.adapt(act, label, tasks)
  return finish(act, "/v1/jobs", { label = label, tasks = tasks }, answers.eq)
end

--- The scores of every task, in their order.
function backend.analyze(act, tasks)
  return finish(act, "/v1/analyze", { tasks = tasks }, answers.scores)
end

return backend
