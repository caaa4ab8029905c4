-- Which words are used how often: the panel shows those first.

local json = require("aeq.json")
local settings = require("aeq.settings")

local favorites = {}

local function counts()
  local fine, kept = pcall(json.decode, settings.remembered("favorites"))
  return fine and type(kept) == "table" and kept or {}
end

function favorites.used(word)
  local kept = counts()
  kept[word] = (tonumber(kept[word]) or 0) + 1
  settings.remember("favorites", json.encode(kept))
end

return favorites
