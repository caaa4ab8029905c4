-- What stands where in the panel: a list of controls in the order of Tab, in logical pixels.

local favorites = require("aeq.favorites")
local look = require("aeq.panel_look")

local controls = {}

local PAD, ROW, GAP, LINE = 10, 26, 6, 15
-- A window that is wide and low, as in a docker below the arrangement, has the picture beside the controls.
local LOW, TALL, COLUMN, LEAST_PICTURE = 480, 560, 400, 220

-- Rows of buttons as wide as their words.
local function flow(list, entries, y, width, lines)
  local x, line = PAD, 1
  for _, entry in ipairs(entries) do
    entry.w, entry.h = math.min(width, look.width(entry.label) + 16), ROW
    if x > PAD and x + entry.w > PAD + width then
      x, y, line = PAD, y + ROW + GAP, line + 1
      if lines and line > lines then
        return y - GAP
      end
    end
    entry.x, entry.y = x, y
    x = x + entry.w + GAP
    list[#list + 1] = entry
  end
  return y + ROW
end

--- The controls for a window, and where the picture and the sentences are. New switches go into `tools` (what is done
--- with the EQ of the selection) or `options` (how the next press is meant).
function controls.place(panel, width, height)
  local beside = height < LOW and width >= COLUMN + LEAST_PICTURE + 3 * PAD
  local list, inner, sight = {}, beside and COLUMN or width - 2 * PAD, panel.sight
  local words = {
    { id = "typed", kind = "field", label = panel.typing and panel.typing .. "|" or "Type a word ..." },
  }
  for _, word in ipairs(favorites.first()) do
    words[#words + 1] = { id = "word " .. word, kind = "button", label = word, word = word }
  end
  local y = flow(list, words, 54, inner, height < LOW and 1 or 2) + GAP + 2
  local place = { width = inner }
  local has = sight.instance ~= nil
  local tools = {
    { id = "compare", kind = "button", label = "Compare", on = has and not sight.on },
    { id = "delta", kind = "button", label = "Delta", on = sight.delta },
    { id = "less", kind = "button", label = "Less" }, { id = "more", kind = "button", label = "More" },
    { id = "variation", kind = "button", label = "Variation" },
    { id = "remove", kind = "button", label = "Remove" },
  }
  local options = {
    { id = "kind", kind = "button", label = "Kind: " .. (sight.kind or sight.seen.kind or "as heard") },
    { id = "timed", kind = "button", label = "Time selection", on = panel.timed },
  }
  local below = {}
  local bottom = flow(below, options, flow(below, tools, 0, inner) + GAP, inner)
  local sliders = height - 26 - bottom - 2 * (ROW + 4) - 4
  list[#list + 1] = { id = "intensity", kind = "slider", label = "Intensity", x = PAD, y = sliders, w = inner, h = ROW,
    value = panel.amount or sight.amount, most = 2, limit = has and sight.amount * sight.most or nil }
  list[#list + 1] = { id = "adaptation", kind = "slider", label = "Adaptation", x = PAD, y = sliders + ROW + 4,
    w = inner, h = ROW, value = panel.adaptation, most = 1 }
  for _, entry in ipairs(below) do
    entry.y = entry.y + sliders + 2 * (ROW + 4) + 4
    list[#list + 1] = entry
  end
  local most = height < TALL and 3 or 5 -- lines that say why
  place.why = math.max(sliders - most * LINE - 5, y)
  place.lines = math.max(0, math.min(most, (sliders - place.why) // LINE))
  place.picture = { PAD, y, inner, place.why - y - 6 }
  if beside then
    place.picture = { 2 * PAD + inner, PAD, width - inner - 3 * PAD, height - 2 * PAD }
  end
  return list, place
end

local function slider(entry, focused)
  local name = 82
  local track, value = entry.w - name - 48, entry.value
  local x, middle = entry.x + name, entry.y + entry.h / 2
  look.color(focused and "accent" or "ink")
  look.text(entry.label, entry.x, entry.y + 5)
  look.color("line")
  look.rect(x, middle - 2, track, 4)
  if entry.limit and entry.limit < entry.most then -- beyond, the sound would suffer
    look.color("warn")
    look.rect(x + track * entry.limit / entry.most, middle - 5, 2, 10)
  end
  look.color("accent")
  look.rect(x, middle - 2, track * value / entry.most, 4)
  gfx.circle(look.px(x + track * value / entry.most), look.px(middle), look.px(focused and 8 or 6.5), 1, 1)
  look.color("ink")
  look.text(("%d %%"):format(math.floor(value * 100 + 0.5)), entry.x + entry.w - 40, entry.y + 5)
end

--- Where on a slider the mouse is: its value.
function controls.value_at(entry, x)
  local share = (x - entry.x - 82) / (entry.w - 82 - 48)
  return math.max(0, math.min(1, share)) * entry.most
end

function controls.draw(entry, focused, hovered)
  if entry.kind == "slider" then
    return slider(entry, focused)
  end
  look.color(entry.on and "accent" or "raised")
  look.rect(entry.x, entry.y, entry.w, entry.h)
  if focused or hovered then
    look.color(focused and "accent" or "soft")
    look.frame(entry.x - 1, entry.y - 1, entry.w + 2, entry.h + 2)
  end
  look.color(entry.on and "on" or entry.kind == "field" and "soft" or "ink")
  look.text(look.fit(entry.label, entry.w - 10), entry.x + 8, entry.y + 5)
end

--- What a control says of itself.
function controls.spoken(entry)
  if entry.kind == "slider" then
    return ("%s %d percent"):format(entry.label, math.floor(entry.value * 100 + 0.5))
  elseif entry.kind == "field" then
    return "Type a word, then press Enter"
  end
  return entry.label .. (entry.on and ", on" or "")
end

return controls
