-- What a sound was taken for, and the user's own word on that; why an EQ is as it is.

local instances = require("aeq.instances")
local linked = require("aeq.linked")
local messages = require("aeq.messages")
local one_step = require("aeq.one_step")
local seen = require("aeq.seen")
local selection = require("aeq.selection")
local settings = require("aeq.settings")
local speak = require("aeq.speak")

local kinds = {}

kinds.ALL = { "mix", "drums", "speech", "bass", "vocals", "guitar", "keys", "strings", "wind", "synth" }

--- Keeps with the tracks `held` (as of `selection.held`) what they are ("" for what is heard), and computes their EQs
--- anew: with those for which it was chosen, whatever is selected by now.
function kinds.set(act, kind, held)
  act.held = held
  one_step.run(act, {
    ready = function(entry)
      local kept = instances.read(entry.track)
      kept.kind = kind ~= "" and kind or nil
      entry.text = instances.text(kept, reaper.GetTrackGUID(entry.track))
    end,
    renews = true,
    write = function(entry)
      if entry.text then
        instances.put(entry.track, entry.text)
      end
    end,
  })
  require("aeq.flow").again(act)
end

--- Asks for the kind.
function kinds.ask(act)
  local held = selection.held(act.project)
  local pressed, text = reaper.GetUserInputs("reaper-aeq: what is it?", 1,
    "Kind (empty: as heard),extrawidth=120", settings.remembered("last_kind"))
  if not pressed then
    return
  end
  text = text:gsub("^%s+", ""):gsub("%s+$", ""):lower()
  local known = text == ""
  for _, kind in ipairs(kinds.ALL) do
    known = known or kind == text
  end
  if not known then
    messages.fail("bad_kind", { kind = text, kinds = table.concat(kinds.ALL, ", ") })
  end
  settings.remember("last_kind", text)
  kinds.set(act, text, held)
end

--- Says why the EQs of the selection are as they are.
function kinds.why(act)
  local lines = {}
  for i, entry in ipairs(linked.with_ours(act)) do
    local why = seen.kept(entry.ours[1].record).why
    lines[i] = ("%s: %s"):format(entry.name, why or messages.text("no_why", { track = entry.name }))
  end
  speak.say(table.concat(lines, ". "))
  reaper.ShowConsoleMsg("reaper-aeq\n" .. table.concat(lines, "\n") .. "\n")
end

return kinds
