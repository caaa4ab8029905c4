-- Which words are used how often: the panel shows those first.

local json = require("aeq.json")
local settings = require("aeq.settings")

local favorites = {}

local function counts()
  local fine, kept = pcall(json.decode, settings.remembered("favorites"))
  return fine and type(kept) == "table" and kept or {}
end

local USUAL = { "warm", "bright", "clear", "airy", "full", "punchy", "less muddy", "less harsh", "dark", "smooth",
  "deep", "tight", "soft", "less boomy", "presence" }
local SHOWN = 18

--- Words for buttons: those that were used most, then the usual ones.
function favorites.first()
  local kept, list, there = counts(), {}, {}
  for word in pairs(kept) do
    list[#list + 1] = word
  end
  table.sort(list, function(a, b)
    local x, y = tonumber(kept[a]) or 0, tonumber(kept[b]) or 0
    return x > y or x == y and a < b
  end)
  for _, word in ipairs(list) do
    there[word] = true
  end
  for _, word in ipairs(USUAL) do
    list[#list + 1] = not there[word] and word or nil
  end
  return { table.unpack(list, 1, SHOWN) }
end

function favorites.used(word)
  local kept = counts()
  kept[word] = (tonumber(kept[word]) or 0) + 1
  settings.remember("favorites", json.encode(kept))
end

return favorites
