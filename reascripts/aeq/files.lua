-- The only place that touches the disk. A run's own folder lies in the mailbox, which only this user may read, and is
-- gone when the run ends.

local messages = require("aeq.messages")

local files = {}

files.windows = reaper.GetOS():match("^Win") ~= nil
files.mac = reaper.GetOS():match("OSX") ~= nil or reaper.GetOS():match("mac") ~= nil
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

-- C's errno for "no space left" is the same on all three systems; a quota's is not
local NO_ROOM = { [28] = true, [69] = true, [122] = true }

--- A name that nobody else chooses: 32 hexadecimal digits.
function files.id()
  return reaper.genGuid(""):gsub("%X", ""):lower()
end

--- Writes a whole file under another name and renames it into place, so that nobody ever reads half of it.
--- True, or nil and "full" or "refused".
function files.put(folder, name, text)
  local part = files.join(folder, files.id() .. ".part")
  local file, _, code = io.open(part, "wb")
  if not file then
    return nil, NO_ROOM[code] and "full" or "refused"
  end
  local written = file:write(text)
  local closed = file:close() -- a full disk often shows only when the buffer is flushed
  if written and closed and os.rename(part, files.join(folder, name)) then
    return true
  end
  os.remove(part)
  return nil, written and closed and "refused" or "full"
end

--- Writes a file that may be there already, whole or not at all. Returns as `put`.
function files.replace(folder, name, text)
  local path, fresh, old = files.join(folder, name), files.id() .. ".part", files.join(folder, files.id() .. ".part")
  local fine, why = files.put(folder, fresh, text)
  if not fine then
    return nil, why
  end
  fresh = files.join(folder, fresh)
  if os.rename(fresh, path) then
    return true
  end
  -- Windows' rename replaces nothing: the old one goes aside first, and comes back where the new one cannot follow
  if os.rename(path, old) then
    if os.rename(fresh, path) then
      os.remove(old)
      return true
    end
    os.rename(old, path)
  end
  os.remove(fresh)
  return nil, "refused"
end

--- Is there a folder of that name? C has no other question for it than to rename it to itself.
function files.exists(path)
  local fine, _, code = os.rename(path, path)
  return fine ~= nil or code == 13 or code == 17 -- it is there, but may not be renamed just now
end

local Temp = {}
Temp.__index = Temp

--- A new folder for this run inside `root`, which is private already: it holds the user's audio.
function files.temp(root)
  local path = files.join(root, "run-" .. files.id())
  reaper.RecursiveCreateDirectory(path, 0)
  local temp = setmetatable({ path = path }, Temp)
  local fine, thrown = pcall(temp.write, temp, "probe", "probe")
  os.remove(temp:file("probe"))
  if not fine then
    temp:remove(math.huge)
    error(thrown, 0)
  end
  return temp
end

function Temp:file(name)
  return files.join(self.path, name)
end

--- Writes a whole file; a full disk ends the action.
function Temp:write(name, text)
  if not files.put(self.path, name, text) then
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
  -- C's remove() takes an empty folder on POSIX. On Windows it does not, and a program that does would show its
  -- console: a folder of this name is removed by the backend.
  if not os.remove(self.path) and files.windows then
    os.rename(self.path, self.path .. ".done")
  end
  return not files.exists(self.path)
end

return files
