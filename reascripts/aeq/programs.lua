-- Starting a program that nobody waits for. A press starts none: only the backend's start and the browser do.

local files = require("aeq.files")

local programs = {}

local function quoted_posix(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function quoted_windows(word)
  return word:match("^[%w%-_.:\\/=]+$") and word or '"' .. word .. '"' -- a path there has no quotes of its own
end

local function command_line(words, quoted)
  local parts = {}
  for i, word in ipairs(words) do
    parts[i] = quoted(word)
  end
  return table.concat(parts, " ")
end

-- A console program shows its window even when started with -2 (minimized); pythonw has none, and is python otherwise.
local function windowless(program)
  local without = program:gsub("[Pp][Yy][Tt][Hh][Oo][Nn]%.[Ee][Xx][Ee]$", "pythonw.exe")
  return reaper.file_exists(without) and without or program
end

--- Starts a program in the background. Returns whether the system took it, which does not yet say that it runs.
--- `log` gets what it says, and "exit N" at its end; on Windows there is no shell between that could write it.
function programs.start(words, log)
  if files.windows then
    local own = { windowless(words[1]), table.unpack(words, 2) }
    -- -2: neither waited for nor ended with REAPER, no window; nil when there is no such program
    return reaper.ExecProcess(command_line(own, quoted_windows), -2) ~= nil
  end
  -- Not ExecProcess: on macOS what it starts was measured never to run, and only a nil tells. os.execute returns at
  -- once, for the shell leaves the program to itself. umask: the log may be read by its owner only.
  local out = quoted_posix(log)
  return os.execute(("(umask 077; %s > %s 2>&1; echo \"exit $?\" >> %s) > /dev/null 2>&1 < /dev/null &"):format(
    command_line(words, quoted_posix), out, out)) == true
end

--- Makes a folder that only this user may look into, and those above it.
function programs.make_private(path)
  if files.windows then -- REAPER's own folder is the user's already
    reaper.RecursiveCreateDirectory(path, 0)
  else
    os.execute("umask 077; mkdir -p " .. quoted_posix(path) .. " > /dev/null 2>&1 < /dev/null")
  end
end

--- Shows a page in the user's browser.
function programs.browse(url)
  if files.windows then
    reaper.ExecProcess(('C:\\Windows\\System32\\rundll32.exe url.dll,FileProtocolHandler "%s"'):format(url), -2)
  else
    local opener = files.mac and "/usr/bin/open" or "/usr/bin/env xdg-open"
    os.execute(("%s %s > /dev/null 2>&1 < /dev/null &"):format(opener, quoted_posix(url)))
  end
end

return programs
