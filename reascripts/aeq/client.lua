-- HTTP to our backend: curl in the background, its files polled. Nothing here blocks, and nothing of it is secret on a
-- command line: address, token and body are in files inside the run's private folder.

local files = require("aeq.files")
local json = require("aeq.json")
local options = require("aeq.options")

local client = {}

-- REAPER's Lua has no sockets, and io.popen would block and flash a console. ExecProcess with -2 starts a program
-- minimised and does not wait; its return value says nothing about that program (facts sheet, 5). So a script of two
-- lines runs curl, notes its exit code, and renames that note into place: the file `done` means all others are whole.
-- It works inside its own folder with plain names, so that no path needs quoting and no code page can break one.
local SCRIPTS = {
  posix = 'cd "${0%%/*}" || exit 1\ncurl -q -K %d.conf > %d.code 2> %d.err\necho $? > %d.part\nmv %d.part %d.done\n',
  windows = '@echo off\r\ncd /d "%%~dp0"\r\ncurl -q -K %d.conf > %d.code 2> %d.err\r\n'
    .. "echo %%errorlevel%% > %d.part\r\nmove /y %d.part %d.done > nul\r\n",
}
-- curl's exit codes, and the shells' for a program that is not there
local FAULTS = {
  [7] = "refused",
  [23] = "disk_full",
  [28] = "timeout",
  [52] = "died",
  [56] = "died",
  [18] = "died",
  [127] = "no_curl",
  [9009] = "no_curl",
}
local SPARE_S = 5 -- what starting curl itself may take

local count = 0
local open = {} -- requests whose curl has not ended

local function quoted(text)
  return '"' .. text:gsub('[\\"]', "\\%0") .. '"'
end

local function configuration(number, server, given)
  local lines = {
    "silent",
    "show-error",
    "http1.1",
    'noproxy = "*"',
    "connect-timeout = 3",
    ("max-time = %d"):format(math.ceil(given.timeout_s)),
    "request = " .. quoted(given.method),
    "url = " .. quoted(("http://127.0.0.1:%d%s"):format(server.port, given.path)),
    "header = " .. quoted("Authorization: Bearer " .. server.token),
    ('output = "%d.body"'):format(number),
    'write-out = "%{http_code}"',
  }
  if given.body then
    lines[#lines + 1] = 'header = "Content-Type: application/json"'
    lines[#lines + 1] = 'header = "Expect:"' -- no pause of a second before a long body
    lines[#lines + 1] = ('data-binary = "@%d.json"'):format(number)
  end
  return table.concat(lines, "\n") .. "\n"
end

local Request = {}
Request.__index = Request

--- Starts a request.
-- server: {port, token}; given: method, path, timeout_s, and body (a table) if there is one.
function client.start(temp, server, given)
  options.check(given, { method = "string", path = "string", timeout_s = "number", body = "table?" })
  count = count + 1
  local n = count
  if given.body then
    temp:write(n .. ".json", json.encode(given.body))
  end
  temp:write(n .. ".conf", configuration(n, server, given))
  local name = n .. (files.windows and ".cmd" or ".sh")
  temp:write(name, SCRIPTS[files.windows and "windows" or "posix"]:format(n, n, n, n, n, n))
  files.run_script(temp:file(tostring(n)))
  local until_s = reaper.time_precise() + given.timeout_s + SPARE_S
  open[n] = setmetatable({ temp = temp, number = n, until_s = until_s }, Request)
  return open[n]
end

--- Has every curl ended? Before that the folder must stay: a program would write into what we remove.
function client.idle()
  for _, request in pairs(open) do
    request:poll()
  end
  return next(open) == nil
end

--- nil while it runs, then {status, body} or {fault, why}; fault is refused, died, timeout, no_curl, disk_full,
--- nonsense or curl_failed.
function Request:poll()
  local done = self.temp:read(self.number .. ".done")
  if not done and reaper.time_precise() <= self.until_s then
    return nil
  end
  open[self.number] = nil
  if not done then
    return { fault = "timeout", why = "no answer" }
  end
  local code = tonumber(done:match("%d+"))
  if code ~= 0 then
    local why = (self.temp:read(self.number .. ".err") or ""):gsub("%s+$", "")
    return { fault = FAULTS[code] or "curl_failed", why = why ~= "" and why or "curl ended with " .. tostring(code) }
  end
  local status = tonumber(self.temp:read(self.number .. ".code") or "")
  local fine, body = pcall(json.decode, self.temp:read(self.number .. ".body") or "")
  if not status or not fine or type(body) ~= "table" then
    return { fault = "nonsense", why = "it is not JSON" }
  end
  return { status = status, body = body }
end

return client
