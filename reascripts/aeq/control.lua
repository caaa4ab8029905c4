-- The backend by hand: start it, stop it, open its page.

local backend = require("aeq.backend")
local mailbox = require("aeq.mailbox")
local messages = require("aeq.messages")
local programs = require("aeq.programs")

local control = {}

local STOPPED_S = 5 -- what ending takes

local function running(act)
  return backend.health(act) or backend.start(act)
end

function control.start(act)
  local health = running(act)
  local until_s = reaper.time_precise() + act.settings.start_timeout_s
  while not health.ready and reaper.time_precise() < until_s do
    act.progress:say("Loading the models ...", 0)
    act:wait()
    health = mailbox.backend() or health
  end
  local text = messages.text("started", { version = health.version, device = health.device })
  local first = mailbox.places()[1]
  if mailbox.folder() ~= first then
    text = text .. " " .. messages.text("second_place", { folder = mailbox.folder(), first = first })
  end
  messages.show(text)
end

function control.stop(act)
  if not backend.health(act) then
    messages.fail("not_running")
  end
  backend.call(act, "POST", "/v1/shutdown")
  local until_s = reaper.time_precise() + STOPPED_S
  while mailbox.backend() and reaper.time_precise() < until_s do
    act:wait()
  end
  messages.show(messages.text("stopped"))
end

--- Opens the dashboard in the user's browser. Its address goes on a command line, which others may read: so it holds a
--- code that works once and for seconds. The server answers with a cookie and an address without it.
function control.dashboard(act)
  running(act)
  local answer = backend.call(act, "POST", "/v1/dashboard")
  -- it becomes a part of a command line: nothing but what it has to be
  if type(answer.url) ~= "string" or not answer.url:match("^http://127%.0%.0%.1:%d+/%?code=%x+$") then
    messages.fail("nonsense", { what = "it has no address" })
  end
  programs.browse(answer.url)
end

return control
