-- What `reaper-aeq install` left: where the backend is and how it is started.

local files = require("aeq.files")
local json = require("aeq.json")

local install = {}

local function read_json(path)
  local fine, value = pcall(json.decode, path and files.read(path) or "")
  return fine and type(value) == "table" and value or nil
end

local function default_state_file()
  if files.windows then
    return files.join(os.getenv("LOCALAPPDATA") or "", "reaper-aeq\\backend.json")
  end
  local home = os.getenv("HOME") or ""
  if files.mac then
    return files.join(home, "Library/Application Support/reaper-aeq/backend.json")
  end
  local state_home = os.getenv("XDG_STATE_HOME") or ""
  -- a relative path there counts for nothing, as the backend has it (util/paths.py)
  return files.join(state_home:sub(1, 1) == "/" and state_home or files.join(home, ".local/state"),
    "reaper-aeq/backend.json")
end

--- {command = {...}, state_file, version}, or nil where `reaper-aeq install` has not been.
function install.record()
  local record = read_json(files.join(files.library(), "installed.json"))
  return record and type(record.command) == "table" and type(record.command[1]) == "string" and record or nil
end

--- Has `reaper-aeq install` put the actions into REAPER's list? Its lines say what a second press does.
function install.lists_actions()
  local record = install.record()
  return record ~= nil and type(record.files) == "table" and next(record.files) ~= nil
end

--- The file in which the backend says where HTTP reaches it.
function install.state_file()
  local record = install.record()
  return record and type(record.state_file) == "string" and record.state_file or default_state_file()
end

return install
