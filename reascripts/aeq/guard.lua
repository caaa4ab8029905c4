-- Leaves things as they were, whatever happens in between. Lua 5.3 has no to-be-closed variables.

local guard = {}

local open = {} -- the restores of every guard that is running, the innermost last

local function put_back(restores)
  local trouble
  for i = #restores, 1, -1 do
    local fine, why = pcall(restores[i])
    restores[i] = nil
    trouble = trouble or not fine and why or nil
  end
  return trouble
end

--- Calls body(later) and returns what it returns. `later(restore)` is called as soon as something was changed; all
--- restores run afterwards, the last first, each even if another one throws. Errors of the body are thrown on. The
--- body may wait for another cycle; should REAPER end the script meanwhile, `guard.unwind` puts things back.
function guard.run(body)
  local restores = {}
  open[#open + 1] = restores
  local results = table.pack(xpcall(body, function(thrown)
    return type(thrown) == "table" and thrown or debug.traceback(tostring(thrown), 2)
  end, function(restore)
    restores[#restores + 1] = restore
  end))
  local trouble = put_back(restores)
  for i = #open, 1, -1 do
    if open[i] == restores then
      table.remove(open, i)
    end
  end
  if not results[1] then
    error(results[2], 0)
  elseif trouble then
    error(trouble, 0)
  end
  return table.unpack(results, 2, results.n)
end

--- Puts back what a script that was ended in the middle of a wait had changed.
function guard.unwind()
  for i = #open, 1, -1 do
    put_back(open[i])
    open[i] = nil
  end
end

return guard
