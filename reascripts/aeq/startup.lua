-- Starting the backend with REAPER: our block in Scripts/__startup.lua, which other tools share. The same bytes as
-- reaper_aeq/reaper/install/startup_block.py writes, where the rules are explained.

-- REAPER's start-up script loads this file by its path: what it requires is found from there.
local here = debug.getinfo(1, "S").source:match("^@(.*)[/\\]aeq[/\\][^/\\]+$") or "."
local path_before = package.path
package.path = here .. "/?.lua;" .. path_before
local files = require("aeq.files")
local mailbox = require("aeq.mailbox")
local messages = require("aeq.messages")
local settings = require("aeq.settings")
package.path = path_before

local startup = {}

local BEGIN, END = "-- >>> reaper-aeq: start with REAPER", "-- <<< reaper-aeq"
local NEW = " (this file was made for it)"

local function file()
  return files.join(files.join(reaper.GetResourcePath(), "Scripts"), "__startup.lua")
end

--- Our library's folder below Scripts, with forward slashes.
local function library()
  local whole, root = files.library():gsub("\\", "/"), reaper.GetResourcePath():gsub("\\", "/") .. "/Scripts/"
  return whole:sub(1, #root) == root and whole:sub(#root + 1) or whole:match("/Scripts/(.+)$") or whole
end

local function block(made)
  return table.concat({
    BEGIN .. (made and NEW or ""),
    "do",
    '  local file = reaper.GetResourcePath() .. "/Scripts/' .. library() .. '/startup.lua"',
    "  local found, startup = pcall(dofile, file)",
    "  if found then pcall(startup.begin) end",
    "  reaper.defer(function() end) -- a script that just ends would be an undo point",
    "end",
    END,
    "",
  }, "\n")
end

local function count(text, mark)
  local found, at = 0, 1
  while true do
    local from, to = text:find(mark, at, true)
    if not from then
      return found
    end
    found, at = found + 1, to + 1
  end
end

--- Where our block begins and ends in `text`, and whether it made the file; nil where there is none.
local function find(text)
  local begins, ends = count(text, BEGIN), count(text, END)
  if begins == 0 and ends == 0 then
    return nil
  end
  local from, line_end = text:find(BEGIN, 1, true)
  local close = from and text:find(END, line_end, true)
  local to = close and text:find("\n", close, true)
  if begins ~= 1 or ends ~= 1 or not to then
    messages.fail("startup_damaged", { file = file() })
  end
  return from, to, text:sub(line_end + 1, line_end + #NEW) == NEW
end

--- Does the backend start with REAPER?
function startup.is_set()
  return find(files.read(file()) or "") ~= nil
end

local function place(text)
  local from = text:sub(1, 3) == "\xEF\xBB\xBF" and 4 or 1
  return text:sub(from, from) == "#" and (text:find("\n", 1, true) or 0) + 1 or from
end

--- Puts our block into the start-up script, or takes it out; everything else in it stays as it is.
function startup.set(on)
  local before = files.read(file())
  local text = before or ""
  local from, to, made = find(text)
  if not on and not from then
    return
  end
  local head, tail = text:sub(1, (from or place(text)) - 1), text:sub(from and to + 1 or place(text))
  local after = head .. (on and block(from and made or not before) or "") .. tail
  if not on and after == "" and made then
    os.remove(file())
  elseif after ~= before then
    local folder, name = file():match("^(.*)[/\\]([^/\\]+)$")
    local fine, why = files.replace(folder, name, after)
    if not fine then
      messages.fail(why == "full" and "disk_full" or "startup_refused", { folder = folder, file = file() })
    end
  end
end

--- What the block does, when REAPER starts: nothing is shown, nothing is waited for.
function startup.begin()
  -- the self-test tells by this whether REAPER reads the file at all
  reaper.SetExtState(settings.SECTION, "startup", "read", false)
  if not mailbox.backend() then
    mailbox.start()
  end
end

return startup
