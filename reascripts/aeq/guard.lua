-- Leaves things as they were, whatever happens in between. Lua 5.3 has no to-be-closed variables.

local guard = {}

--- Calls body(later) and returns what it returns. `later(restore)` is called as soon as something was changed; all
--- restores run afterwards, the last first, each even if another one throws. Errors of the body are thrown on.
function guard.run(body)
  local restores = {}
  local results = table.pack(xpcall(body, function(thrown)
    return type(thrown) == "table" and thrown or debug.traceback(tostring(thrown), 2)
  end, function(restore)
    restores[#restores + 1] = restore
  end))
  local trouble
  for i = #restores, 1, -1 do
    local fine, why = pcall(restores[i])
    trouble = trouble or not fine and why or nil
  end
  if not results[1] then
    error(results[2], 0)
  elseif trouble then
    error(trouble, 0)
  end
  return table.unpack(results, 2, results.n)
end

return guard
