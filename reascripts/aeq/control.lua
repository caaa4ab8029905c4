-- The backend by hand: start it, stop it, open its page.

local backend = require("aeq.backend")
local files = require("aeq.files")
local messages = require("aeq.messages")

local control = {}

local function running(act)
  local health, server = backend.health(act)
  if not health then
    server = backend.start(act)
    health = backend.health(act) or messages.fail("start_failed")
  end
  return health, server
end

function control.start(act)
  local health = running(act)
  messages.show(messages.text("started", { version = health.version, device = health.device }))
end

function control.stop(act)
  if not backend.health(act) then
    messages.fail("not_running")
  end
  backend.call(act, "POST", "/v1/shutdown")
  messages.show(messages.text("stopped"))
end

--- Opens the dashboard in the user's browser. The token goes in the address: a browser can be handed nothing else. The
--- server answers with a cookie and an address without it.
function control.dashboard(act)
  local _, server = running(act)
  local url = ("http://127.0.0.1:%d/?token=%s"):format(server.port, server.token)
  local os_name = reaper.GetOS()
  if files.windows then
    reaper.ExecProcess(('C:\\Windows\\System32\\rundll32.exe url.dll,FileProtocolHandler "%s"'):format(url), -1)
  elseif os_name:match("OSX") or os_name:match("mac") then
    reaper.ExecProcess(('/usr/bin/open "%s"'):format(url), -1)
  else
    reaper.ExecProcess(('/usr/bin/env xdg-open "%s"'):format(url), -1)
  end
end

return control
