-- Where the backend is: the record that `reaper-aeq install` left, the state file the backend writes, how to start it.

local files = require("aeq.files")
local json = require("aeq.json")
local messages = require("aeq.messages")

local install = {}

local function read_json(path)
  local text = path and files.read(path)
  local fine, value = pcall(json.decode, text or "")
  return fine and type(value) == "table" and value or nil
end

local function default_state_file()
  if files.windows then
    local base = os.getenv("LOCALAPPDATA")
    return base and files.join(base, "reaper-aeq\\backend.json")
  end
  local home = os.getenv("HOME") or ""
  if reaper.GetOS():match("OSX") or reaper.GetOS():match("mac") then
    return files.join(home, "Library/Application Support/reaper-aeq/backend.json")
  end
  local state_home = os.getenv("XDG_STATE_HOME")
  return files.join(state_home and state_home ~= "" and state_home or files.join(home, ".local/state"),
    "reaper-aeq/backend.json")
end

--- {command = {...}, state_file, version}, or nil where `reaper-aeq install` has not been.
function install.record()
  local record = read_json(files.join(files.library(), "installed.json"))
  return record and type(record.command) == "table" and record or nil
end

--- {port, token, pid, version} of the backend that runs or ran last, or nil.
function install.server()
  local record = install.record()
  local state = read_json(record and record.state_file or default_state_file())
  if state and math.type(state.port) == "integer" and type(state.token) == "string" then
    return state
  end
end

local function quoted_posix(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function quoted_windows(word)
  return '"' .. word:gsub("%%", "%%%%") .. '"' -- a Windows path has no quotes; % would name a variable
end

--- Starts the backend; it writes its state file when it is there. Fails if `reaper-aeq install` has not been.
function install.launch(temp)
  local record = install.record() or messages.fail("not_installed")
  local words = {}
  local quoted = files.windows and quoted_windows or quoted_posix
  for _, word in ipairs(record.command) do
    words[#words + 1] = quoted(word)
  end
  words[#words + 1] = "serve --state-file"
  words[#words + 1] = quoted(record.state_file or default_state_file())
  words[#words + 1] = "--background"
  local command = table.concat(words, " ")
  -- A script of its own, because ExecProcess has no way to write quotes inside an argument. chcp: a .cmd file is read
  -- in the console's code page, and paths may hold any letter.
  if files.windows then
    temp:write("start.cmd", "@echo off\r\nchcp 65001 > nul\r\n" .. command .. " > nul 2>&1 < nul\r\n")
  else
    temp:write("start.sh", command .. " > /dev/null 2>&1 < /dev/null &\n")
  end
  files.run_script(temp:file("start"))
end

return install
