-- Runs before a script in its own Lua state: turns Python callables into functions that fail like REAPER's do,
-- and remembers what the global tables held.
local note = ...
local pack, unpack, raise, traceback = table.pack, table.unpack, error, debug.traceback
local rawequal, pairs, pcall, xpcall, load_file, text, kind =
  rawequal, pairs, pcall, xpcall, loadfile, tostring, type
local prelude = {}

-- Pointers that a script has seen, kept until its state closes. Lua's collector empties weak tables before it
-- finishes off what was in them; a pointer asked for in between is made anew by lupa, and then loses what it points
-- to with the old one's end (lupa 2.8: another object in its place, or a crash).
local seen = {}

-- after: called behind each call, where somebody measures what the way back took
function prelude.wrap(call, after)
  return function(...)
    local result = pack(call(...))
    if after then after() end
    if result[1] then
      for place = 2, result.n do
        local value = result[place]
        if kind(value) == "userdata" then seen[value] = true end
      end
      return unpack(result, 2, result.n)
    end
    note(traceback(result[2], 2))
    raise(result[2], 2)
  end
end

local is_main = coroutine.isyieldable

--- A function that does nothing inside a coroutine, and answers nil.
function prelude.on_main_thread_only(call)
  return function(...)
    if not is_main() then return call(...) end
  end
end

-- io and os as the told system has them: Python says what a path really is, and what refuses.
function prelude.surround(opening, naming, renaming, removing, execute, popen)
  local open, rename, remove = io.open, os.rename, os.remove
  io.open = function(path, mode)
    local real, why, code = opening(path, mode or "r")
    if not real then return nil, why, code end
    return open(real, mode or "r")
  end
  os.rename = function(from, to)
    local real_from, why, code = naming(from)
    if not real_from then return nil, why, code end
    local real_to
    real_to, why, code = renaming(to)
    if not real_to then return nil, why, code end
    return rename(real_from, real_to)
  end
  os.remove = function(path)
    local real, why, code = removing(path)
    if not real then return nil, why, code end
    return remove(real)
  end
  os.execute, io.popen = execute, popen
end

local function copy(from)
  local into = {}
  for key, value in pairs(from) do into[key] = value end
  return into
end

local watched, before = {"_G", "string", "table", "math", "io", "os", "utf8", "coroutine", "debug", "reaper", "gfx"}, {}

function prelude.remember()
  for _, name in pairs(watched) do before[name] = copy(_G[name] or {}) end
end

function prelude.changed()
  local names = {}
  for _, name in pairs(watched) do
    local now = _G[name] or {}
    -- gfx keeps its state (x, y, r, g, b ...) in plain fields of the table
    local function differs(key, a, b) return not rawequal(a, b) and not (name == "gfx" and kind(a or b) ~= "function") end
    for key, value in pairs(now) do
      if differs(key, value, before[name][key]) then names[#names + 1] = name .. "." .. text(key) end
    end
    for key, value in pairs(before[name]) do
      if now[key] == nil then names[#names + 1] = name .. "." .. text(key) end
    end
  end
  return table.concat(names, ", ")
end

local function explain(problem) return traceback(text(problem), 2) end

-- Always two results: lupa makes a tuple only of several.
function prelude.call(f)
  local ok, problem = xpcall(f, explain)
  return ok, problem or false
end

function prelude.load(path)
  local f, problem = load_file(path, "t")
  return f or false, problem or false
end

return prelude
