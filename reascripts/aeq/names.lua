-- What our instances are called, and what that says: "AEQ: warm 70% + airy 50%" holds the blend {warm 0.7, airy 0.5}.
-- The name is what people see and may edit; what we keep beside it is in instances.lua.

local messages = require("aeq.messages")

local names = {}

names.MAX_WEIGHT = 2.0 -- of the backend (limits of intensity)
-- Matching to a reference is no word and cannot be blended with one: it has an instance of its own.
local prefixes = { word = "AEQ: ", match = "AEQ match: " }
local LINKED = " linked" -- behind the blend: one EQ for several tracks, computed from their sum
local EDITED = " (edited)" -- behind all: somebody changed by hand what we computed

--- "word" or "match" if an FX of this name is ours, else nil.
function names.family(name)
  for family, prefix in pairs(prefixes) do
    if name:sub(1, #prefix) == prefix then
      return family
    end
  end
end

local function without(name, ending)
  return name:sub(-#ending) == ending and name:sub(1, -#ending - 1) or name
end

--- The blend in a name, {{word = "warm", weight = 0.7}, ...}; empty if the user has rewritten it beyond reading.
function names.parse(name)
  local family, blend = names.family(name), {}
  if not family then
    return blend
  end
  name = without(without(name:sub(#prefixes[family] + 1), EDITED), LINKED)
  for part in (name .. " + "):gmatch("(.-) %+ ") do
    local word, percent = part:match("^(.-)%s+(-?%d+)%%$")
    if word and word ~= "" then
      blend[#blend + 1] = { word = word, weight = math.max(-2, math.min(2, tonumber(percent) / 100)) }
    elseif part:match("%S") and not part:find("%%") then
      blend[#blend + 1] = { word = part, weight = 1.0 }
    end
  end
  return blend
end

--- The name of a blend; `linked`: of an EQ that several tracks share, `edited`: and was changed by hand.
function names.format(blend, family, linked, edited)
  local parts = {}
  for i, part in ipairs(blend) do
    parts[i] = ("%s %d%%"):format(part.word, math.floor(part.weight * 100 + 0.5))
  end
  local ending = (linked and LINKED or "") .. (edited and EDITED or "")
  return prefixes[family or "word"] .. table.concat(parts, " + ") .. ending
end

function names.is_linked(name)
  return names.family(name) ~= nil and without(without(name, EDITED), LINKED) ~= without(name, EDITED)
end

function names.is_edited(name)
  return names.family(name) ~= nil and without(name, EDITED) ~= name
end

--- `blend` with the parts of `added`: a word that is there already is replaced, another one joins.
function names.merge(blend, added)
  local merged, place = {}, {}
  for _, parts in ipairs({ blend, added }) do
    for _, part in ipairs(parts) do
      place[part.word] = place[part.word] or #merged + 1
      merged[place[part.word]] = { word = part.word, weight = part.weight }
    end
  end
  return merged
end

--- What the backend is asked for a blend: request and intensity. One word keeps its own meaning of intensity.
function names.request(blend)
  if #blend == 1 then
    return blend[1].word, blend[1].weight
  end
  local request = {}
  for _, part in ipairs(blend) do
    request[part.word] = part.weight
  end
  return request, 1.0
end

local function weight_of(text)
  local number, percent = text:match("^([-+]?%d*%.?%d+)(%%?)$")
  if number then
    return tonumber(number) / (percent == "%" and 100 or 1)
  end
end

--- Reads what a user typed: "warm", "less muddy", "warm 0.7, airy 30%". Each weight is multiplied by `intensity`.
function names.read(text, intensity)
  local blend, seen = {}, {}
  local function refuse(why)
    messages.fail("bad_blend", { text = text, why = why })
  end
  for part in (text:gsub("%s%+%s", ",") .. ","):gmatch("([^,]*),") do
    part = part:gsub("^%s+", ""):gsub("%s+$", ""):gsub("%s+", " "):lower()
    local word, last = part:match("^(.+) (%S+)$")
    local weight = last and weight_of(last)
    word = weight and word or part
    if word == "" or weight_of(word) then
      refuse(part == "" and "a word is missing" or "a number without a word")
    elseif seen[word] then
      refuse("'" .. word .. "' occurs twice")
    end
    weight = (weight or 1.0) * intensity
    if math.abs(weight) > names.MAX_WEIGHT then
      refuse("the amount of '" .. word .. "' must lie between -2 and 2")
    end
    seen[word] = true
    blend[#blend + 1] = { word = word, weight = weight }
  end
  return blend
end

--- The vocabulary's spelling of each word ("warmer" is "warm"), from `GET /v1/words`.
function names.spelled(blend, aliases)
  local spelled = {}
  for i, part in ipairs(blend) do
    local inner = part.word:match("^less (.+)$")
    local word = aliases[part.word] or inner and aliases[inner] and "less " .. aliases[inner] or part.word
    spelled[i] = { word = word, weight = part.weight }
  end
  return spelled
end

return names
