-- Option tables that reject unknown keys: a typo must not become a silent default.

local options = {}

--- Checks `given` against `known` ({key = type or true}); keys whose type ends in "?" may be absent. Returns `given`.
function options.check(given, known)
  for key in pairs(given) do
    if known[key] == nil then
      error("unknown option '" .. tostring(key) .. "'", 3)
    end
  end
  for key, kind in pairs(known) do
    local optional = kind:sub(-1) == "?"
    local wanted, value = kind:gsub("%?$", ""), given[key]
    if value == nil and not optional or value ~= nil and wanted ~= "any" and type(value) ~= wanted then
      error(("option '%s' must be a %s, not %s"):format(key, wanted, type(value)), 3)
    end
  end
  return given
end

return options
