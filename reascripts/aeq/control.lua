-- The backend by hand: start it, stop it, open its page.

local backend = require("aeq.backend")
local install = require("aeq.install")
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

--- Opens the dashboard in the user's browser. The token goes in the address: a browser can be handed nothing else. The
--- server answers with a cookie and an address without it.
function control.dashboard(act)
  running(act)
  local server, until_s = install.server(), reaper.time_precise() + 0.5
  while not server and reaper.time_precise() < until_s do
    act:wait() -- Windows may refuse to open a file that was just renamed into place
    server = install.server()
  end
  if not server then
    messages.fail("backend_died")
  end
  programs.browse(("http://127.0.0.1:%d/?token=%s"):format(server.port, server.token))
end

return control
