-- The only place that touches the disk: a private temporary folder for each run, gone when the run ends.

local messages = require("aeq.messages")

local files = {}

files.windows = reaper.GetOS():match("^Win") ~= nil
files.separator = files.windows and "\\" or "/"

function files.join(folder, name)
  return folder:gsub("[/\\]+$", "") .. files.separator .. name
end

--- The whole text of a file, or nil.
function files.read(path)
  local file = io.open(path, "rb")
  if not file then
    return nil
  end
  local text = file:read("a")
  file:close()
  return text
end

--- The folder this library lies in; `reaper-aeq install` leaves its record here.
function files.library()
  return debug.getinfo(1, "S").source:match("^@(.*)[/\\][^/\\]+$")
end

local function temp_root()
  local variables = files.windows and { "TEMP", "TMP" } or { "TMPDIR" }
  for _, variable in ipairs(variables) do
    local value = os.getenv(variable)
    -- ExecProcess splits its command line at quotes, and has no way to write one inside an argument. On Windows
    -- os.getenv answers in the system's code page, REAPER's paths are UTF-8: such a name would not be found again.
    if value and value ~= "" and not value:find('"') and utf8.len(value) then
      return value
    end
  end
  return files.windows and reaper.GetResourcePath() or "/tmp"
end

--- Runs a program to its end. Returns exit code and output, or nil if it could not be started.
function files.execute(command, timeout_ms)
  -- ExecProcess: nil on total failure, else "<exit code>\n<output>" (facts sheet, 5)
  local answer = reaper.ExecProcess(command, timeout_ms)
  local code, output = (answer or ""):match("^(%-?%d+)\r?\n?(.*)$")
  return tonumber(code), output
end

--- Starts the script `path`.cmd or `path`.sh in the background. -2: minimised, without waiting; what ExecProcess
--- returns then says nothing. Programs are named by their whole path: REAPER started from a dock has hardly any PATH.
function files.run_script(path)
  if files.windows then
    local shell = os.getenv("COMSPEC") or "C:\\Windows\\System32\\cmd.exe"
    reaper.ExecProcess(('%s /s /c ""%s.cmd""'):format(shell, path), -2)
  else
    reaper.ExecProcess(('/bin/sh "%s.sh"'):format(path), -2)
  end
end

local Temp = {}
Temp.__index = Temp

--- A new folder that only this user may look into: it holds the token, and the user's audio.
function files.temp()
  local root = temp_root()
  local path = files.join(root, "reaper-aeq-" .. reaper.genGuid(""):gsub("%W", ""):sub(1, 16):lower())
  if files.windows then -- %TEMP% is the user's own already
    reaper.RecursiveCreateDirectory(path, 0)
  else
    -- RecursiveCreateDirectory cannot say who may read; mkdir also refuses a folder that someone put there before us.
    files.execute(('/bin/mkdir -m 700 "%s"'):format(path), 5000)
  end
  local temp = setmetatable({ path = path }, Temp)
  local fine, thrown = pcall(temp.write, temp, "probe", "probe")
  if not fine then
    -- os.rename on itself tells whether a folder is there: then only the room in it is missing
    local there = os.rename(path, path)
    temp:remove(math.huge)
    messages.fail(there and thrown.key or "temp_folder", { folder = root })
  end
  os.remove(temp:file("probe"))
  return temp
end

function Temp:file(name)
  return files.join(self.path, name)
end

--- Writes a whole file; a full disk ends the action.
function Temp:write(name, text)
  local file = io.open(self:file(name), "wb")
  local written = file and file:write(text)
  -- A full disk often shows only when the buffer is flushed.
  local closed = file and file:close()
  if not (written and closed) then
    messages.fail("disk_full", { folder = self.path })
  end
end

function Temp:read(name)
  return files.read(self:file(name))
end

function Temp:names()
  local list, index = {}, 0
  reaper.EnumerateFiles(self.path, -1) -- REAPER keeps listings: -1 makes it read the folder anew
  while true do
    local name = reaper.EnumerateFiles(self.path, index)
    if not name then
      return list
    end
    list[#list + 1], index = name, index + 1
  end
end

--- Removes what is in the folder, for at most `budget_s`, and then the folder. True when nothing is left to do; what
--- cannot be removed (Windows keeps a file that is being read) is tried again with the next call.
function Temp:remove(budget_s)
  local until_s = reaper.time_precise() + budget_s
  local left = self:names()
  for i, name in ipairs(left) do
    os.remove(self:file(name))
    if i < #left and reaper.time_precise() > until_s then
      return false
    end
  end
  -- C's remove() takes an empty folder on POSIX; on Windows only rmdir does.
  if not os.remove(self.path) and files.windows then
    local shell = os.getenv("COMSPEC") or "C:\\Windows\\System32\\cmd.exe"
    reaper.ExecProcess(('%s /s /c "rmdir "%s""'):format(shell, self.path), -2)
  end
  return #left == 0 or not files.windows or #self:names() == 0
end

return files
