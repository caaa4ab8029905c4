-- The questions we ask: a word, and the settings.

local backend = require("aeq.backend")
local messages = require("aeq.messages")
local names = require("aeq.names")
local selection = require("aeq.selection")
local settings = require("aeq.settings")
local startup = require("aeq.startup")

local dialogs = {}

-- A blend has commas, so the values are parted by another character; captions cannot have commas.
local LAYOUT = "extrawidth=260,separator=|"

local function ask(title, captions, values)
  local list = table.concat(captions, ",") .. "," .. LAYOUT
  local pressed, text = reaper.GetUserInputs(title, #captions, list, table.concat(values, "|"))
  if not pressed then
    return nil
  end
  local answers = {}
  for value in (text .. "|"):gmatch("([^|]*)|") do
    answers[#answers + 1] = value
  end
  return answers
end

--- Asks for a word or a blend and how much of it. Remembers both. Returns a title and the blend, nil if cancelled. What
--- is selected when it asks is meant: the spelling is the backend's, whose start may take a while.
function dialogs.word(act)
  act.held = selection.held(act.project)
  local known, last = settings.remembered("last_word"), settings.remembered("last_intensity")
  local captions = { "Word or blend (warm 0.7 + airy 0.3)", "Intensity (0 to 2)" }
  local before = { known ~= "" and known or "warm", last ~= "" and last or "1" }
  local typed = ask("reaper-aeq: make it more ...", captions, before)
  if not typed then
    return
  end
  local intensity = tonumber((typed[2]:gsub(",", ".")))
  if not intensity or math.abs(intensity) > names.MAX_WEIGHT then
    messages.fail("bad_setting", { name = "intensity", value = typed[2], why = "write a number from 0 to 2" })
  end
  local blend = names.read(typed[1], intensity)
  local aliases = backend.call(act, "GET", "/v1/words").aliases
  blend = names.spelled(blend, type(aliases) == "table" and aliases or {})
  settings.remember("last_word", typed[1])
  settings.remember("last_intensity", typed[2])
  return "make it " .. names.format(blend):gsub("^AEQ: ", ""), blend
end

--- Shows the settings until they fit or the user gives up.
function dialogs.settings(act)
  local captions, texts = {}, {}
  act.settings.start_with_reaper = startup.is_set() -- the start-up script says so, whoever changed it
  for i, entry in ipairs(settings.entries) do
    captions[i], texts[i] = entry.caption, settings.shown(entry, act.settings[entry.name])
  end
  while true do
    texts = ask("reaper-aeq: settings", captions, texts)
    if not texts then
      return
    end
    local named = {}
    for i, entry in ipairs(settings.entries) do
      named[entry.name] = texts[i] or settings.shown(entry, act.settings[entry.name])
    end
    local fine, thrown = pcall(settings.save, named)
    if fine then
      return startup.set(thrown.start_with_reaper)
    elseif not messages.is_failure(thrown) then
      error(thrown, 0)
    end
    messages.show(thrown.text)
  end
end

return dialogs
