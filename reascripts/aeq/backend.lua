-- The backend as the actions see it: call it, start it when it is not there, put a job to it and wait for the answers.
-- `act` is the running action (run.lua): `act:wait()` gives REAPER a cycle and throws when the user stops.

local answers = require("aeq.answers")
local client = require("aeq.client")
local install = require("aeq.install")
local log = require("aeq.log")
local messages = require("aeq.messages")

local backend = {}

local HEALTH_TIMEOUT_S, CALL_TIMEOUT_S = 3, 40
local POLL_S = 1 -- how long the server may hold an answer back: that is how often the bar moves
local STUCK_AFTER_S = 120

--- One request, waited for. Returns what `client` says, faults included.
local function ask_once(act, server, given)
  local request = client.start(act:folder(), server, given)
  while true do
    local result = request:poll()
    if result then
      log.add(("%s %s: %s"):format(given.method, given.path, result.status or result.fault .. " " .. result.why))
      return result
    end
    act:wait()
  end
end

--- Is that really our backend, and ready? Returns its health or nil.
function backend.health(act)
  local server = install.server()
  if not server then
    return nil
  end
  local result = ask_once(act, server, { method = "GET", path = "/v1/health", timeout_s = HEALTH_TIMEOUT_S })
  local body = result.status == 200 and result.body
  if result.fault == "no_curl" then
    messages.fail("no_curl")
  end
  return body and body.name == "reaper-aeq" and body.ready == true and body or nil, server
end

--- Starts the backend and waits until it is ready. Returns its address.
function backend.start(act)
  act.progress:say("Starting reaper-aeq ...", 0)
  install.launch(act:folder())
  local until_s = reaper.time_precise() + act.settings.start_timeout_s
  while reaper.time_precise() < until_s do
    local healthy, server = backend.health(act)
    if healthy then
      return server
    end
    local next_s = reaper.time_precise() + 0.1
    repeat
      act:wait()
    until reaper.time_precise() >= next_s
  end
  messages.fail("start_failed")
end

local FAILURES = {
  refused = "backend_died",
  died = "backend_died",
  no_curl = "no_curl",
  nonsense = "nonsense",
  curl_failed = "curl_failed",
}

local function body_of(act, result)
  if result.fault == "disk_full" then
    messages.fail("disk_full", { folder = act:folder().path })
  elseif result.fault == "timeout" then
    messages.fail("backend_stuck", { seconds = CALL_TIMEOUT_S })
  elseif result.fault then
    messages.fail(FAILURES[result.fault], { why = result.why, what = result.why })
  elseif result.status >= 400 then
    local why = result.body.error
    messages.fail("refused", { why = type(why) == "string" and why or ("error %d."):format(result.status) })
  end
  return result.body
end

--- A request to the backend, which is started if it is not there. Returns the body of the answer.
function backend.call(act, method, path, body)
  local given = { method = method, path = path, body = body, timeout_s = CALL_TIMEOUT_S }
  local server = install.server() or backend.start(act)
  local result = ask_once(act, server, given)
  -- Nobody listens there any more, or somebody else: the state file is of a backend that is gone.
  if result.fault == "refused" or result.status == 401 or result.status == 403 then
    result = ask_once(act, backend.start(act), given)
  end
  return body_of(act, result)
end

--- A request to a backend that was there a moment ago: if it is gone, what it was doing is lost.
local function call_again(act, method, path)
  local server = install.server() or messages.fail("backend_died")
  local result = ask_once(act, server, { method = method, path = path, timeout_s = CALL_TIMEOUT_S })
  if result.status == 401 or result.status == 404 then
    messages.fail("backend_died") -- another one was started in its place
  end
  return body_of(act, result)
end

local function follow(act, job)
  local moved_s, progress = reaper.time_precise(), job.progress
  while job.state ~= "done" do
    if job.state == "cancelled" then
      messages.fail("job_cancelled")
    end
    act.progress:say(("%s: %d of %d"):format(act.title, #job.results, act.task_count), tonumber(job.progress) or 0)
    act:wait()
    job = answers.job(call_again(act, "GET", ("/v1/jobs/%s?wait=%d"):format(job.id, POLL_S)))
    if job.progress ~= progress then
      moved_s, progress = reaper.time_precise(), job.progress
    elseif reaper.time_precise() - moved_s > STUCK_AFTER_S then
      messages.fail("backend_stuck", { seconds = STUCK_AFTER_S })
    end
  end
  return job
end

local function finish(act, path, body, check)
  act.task_count = #body.tasks
  act.progress:say(act.title, 0)
  local job = answers.job(backend.call(act, "POST", path .. "?wait=" .. POLL_S, body))
  local fine, done = pcall(follow, act, job)
  if not fine then
    -- Tell the backend that nobody waits any more; if it is gone, that is as good.
    act:uninterrupted(function()
      pcall(call_again, act, "DELETE", "/v1/jobs/" .. job.id)
    end)
    error(done, 0)
  end
  local checked = answers.of_job(done, body.tasks, check)
  act:wait() -- reading hundreds of answers took its time; writing them shall have a cycle of its own
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
