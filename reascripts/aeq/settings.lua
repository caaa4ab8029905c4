-- The user's settings: one table says name, type, default, range and the words shown; kept in REAPER's ExtState.

local json = require("aeq.json")
local messages = require("aeq.messages")

local settings = {}

settings.SECTION = "reaper-aeq" -- the only ExtState section we touch

-- name, default, caption, then what `check` needs
local entries = {
  { name = "intensity", default = 1.0, caption = "Intensity (0 to 2)", low = 0, high = 2 },
  { name = "adaptation", default = "", caption = "Adaptation (0 to 1 or empty)", low = 0, high = 1, empty = true },
  { name = "method", default = "adaptive", caption = "Method" },
  { name = "start_timeout_s", default = 60, caption = "Wait for the start (seconds)", low = 1, high = 600 },
  {
    name = "plan",
    default = "vocal vox voice sing lead: clear 0.6; kick snare drum perc: punchy 0.5; bass 808: deep 0.4; "
      .. "guitar gtr: warm 0.4; key piano synth pad string: warm 0.3; master: warm 0.3; *: clear 0.4",
    caption = "Master plan (name parts: words; ...)",
  },
  { name = "learn_by_itself", default = false, caption = "Learn from my edits at the next press (yes/no)" },
  { name = "start_with_reaper", default = false, caption = "Start with REAPER (yes/no)" }, -- startup.lua does it
  -- What REAPER plays instead of what is in the files, wherever the two could differ.
  { name = "always_render", default = false, caption = "Always render (yes/no)" },
  { name = "follow_song", default = false, caption = "Words follow the song (yes/no)" },
  { name = "tell_heard", default = false, caption = "Tell how tracks were heard (yes/no)" },
}
settings.entries = entries

local YES_NO = { yes = true, y = true, ["true"] = true, no = false, n = false, ["false"] = false }

local function read_value(entry, text)
  local function refuse(why)
    messages.fail("bad_setting", { name = entry.caption, value = text, why = why })
  end
  text = text:gsub("^%s+", ""):gsub("%s+$", "")
  if type(entry.default) == "boolean" then
    local value = YES_NO[text:lower()]
    return value ~= nil and value or value == nil and refuse("write yes or no") or false
  elseif entry.low then
    local value = tonumber((text:gsub(",", ".")))
    if text == "" and entry.empty then
      return ""
    elseif not value or value < entry.low or value > entry.high then
      refuse(("write a number from %g to %g"):format(entry.low, entry.high))
    end
    return value
  end
  return text ~= "" and text or entry.default
end

--- The settings as a table of checked values. Stored values that no longer fit fall back to their default.
function settings.load()
  local stored = {}
  local ok, decoded = pcall(json.decode, reaper.GetExtState(settings.SECTION, "settings"))
  if ok and type(decoded) == "table" then
    stored = decoded
  end
  local values = {}
  for _, entry in ipairs(entries) do
    local kept = stored[entry.name]
    local fits, value = pcall(read_value, entry, settings.shown(entry, kept))
    values[entry.name] = entry.default
    if kept ~= nil and fits then
      values[entry.name] = value
    end
  end
  return values
end

--- A value as the dialog shows it.
function settings.shown(entry, value)
  if type(entry.default) == "boolean" then
    return value == true and "yes" or "no"
  end
  return type(value) == "number" and ("%g"):format(value) or tostring(value)
end

--- Reads and keeps what was typed, {name = text}. Throws `bad_setting` and keeps nothing if one does not fit.
function settings.save(texts)
  local values = {}
  for _, entry in ipairs(entries) do
    values[entry.name] = read_value(entry, texts[entry.name])
  end
  -- persist: written to reaper-extstate.ini, which cannot hold line breaks; JSON has none.
  reaper.SetExtState(settings.SECTION, "settings", json.encode(values), true)
  return values
end

--- Moves a setting between 0 and 1 by `step`, or to `value`; keeps it, and returns what it is now.
function settings.change(name, step, values, value)
  local now = tonumber(values[name]) or 0.5
  values[name] = math.max(0, math.min(1, value or now + step))
  local stored = {}
  local ok, decoded = pcall(json.decode, reaper.GetExtState(settings.SECTION, "settings"))
  for key, kept in pairs(ok and type(decoded) == "table" and decoded or {}) do
    stored[key] = kept
  end
  stored[name] = values[name]
  reaper.SetExtState(settings.SECTION, "settings", json.encode(stored), true)
  return values[name]
end

--- A small remembered text (last word, window place, reference).
function settings.remembered(key)
  return reaper.GetExtState(settings.SECTION, key)
end

function settings.remember(key, text)
  reaper.SetExtState(settings.SECTION, key, (text:gsub("[\r\n]", " ")), true)
end

return settings
