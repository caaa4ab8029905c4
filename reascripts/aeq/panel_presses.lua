-- What the panel does to the selection: presses as the actions do them, and the hand on the intensity slider.

local actions = require("aeq.actions")
local gesture = require("aeq.gesture")
local json = require("aeq.json")
local kinds = require("aeq.kinds")
local linked = require("aeq.linked")
local lock = require("aeq.lock")
local messages = require("aeq.messages")
local names = require("aeq.names")
local run = require("aeq.run")
local selection = require("aeq.selection")
local settings = require("aeq.settings")

local presses = {}

local SLICE_S = 0.008

--- Runs `story(act)` while the panel lives on; what it says stands in the panel.
function presses.run(panel, title, story)
  if panel.run or panel.hand then
    return panel:say(messages.text("busy"))
  end
  panel.stop = false
  local progress = {
    say = function(_, text, share)
      panel.busy, panel.share, panel.dirty = text, share or panel.share or 0, true
    end,
    step = function()
      return panel.stop
    end,
    close = function() end,
  }
  panel.busy, panel.status, panel.dirty = title .. " ...", "", true
  local over
  local act = run.within(title, story, {
    progress = progress,
    tell = function(text)
      panel:show(text)
    end,
    over = function(fine)
      over, panel.run, panel.busy = true, nil, nil
      panel:look(true)
      if fine and panel.status == "" then
        panel:show("")
      end
    end,
  })
  panel.run = not over and act or nil
  if not act then
    panel.busy = nil
    panel:say(messages.text("busy"))
  end
end

local function press(panel, what, title, blend)
  presses.run(panel, title, function(act)
    if what == "make" then
      title, blend = blend(act)
    end
    actions.do_press(act, { what = what, title = title, blend = blend, timed = panel.timed or nil })
  end)
end

function presses.word(panel, word)
  press(panel, "make", "make it " .. word, function(act)
    return "make it " .. word, json.array({ { word = word, weight = act.settings.intensity } })
  end)
end

--- A word or blend as somebody types it.
function presses.typed(panel, text)
  press(panel, "make", "make it " .. text, function(act)
    act.held = selection.held(act.project) -- asking for the spelling may start the backend, which takes a while
    local blend = names.read(text, act.settings.intensity)
    local aliases = require("aeq.backend").call(act, "GET", "/v1/words").aliases
    blend = names.spelled(blend, type(aliases) == "table" and aliases or {})
    return "make it " .. names.format(blend):gsub("^AEQ: ", ""), json.array(blend)
  end)
end

local TITLES = { more = "more", less = "less", compare = "compare", delta = "only the change", remove = "remove EQ",
  variation = "next variation" }

--- Does what a button is for.
function presses.button(panel, entry)
  if entry.word then
    presses.word(panel, entry.word)
  elseif TITLES[entry.id] then
    press(panel, entry.id, TITLES[entry.id])
  elseif entry.id == "timed" then
    panel.timed, panel.dirty = not panel.timed, true
    panel:say(panel.timed and "Of tracks only the time selection is heard" or "Tracks are heard whole")
  elseif entry.id == "kind" then
    local list = { "as heard" }
    for _, kind in ipairs(kinds.ALL) do
      list[#list + 1] = kind
    end
    local held = selection.held(reaper.EnumProjects(-1))
    gfx.x, gfx.y = gfx.mouse_x, gfx.mouse_y
    local chosen = math.floor(gfx.showmenu(table.concat(list, "|")))
    if chosen > 0 then
      presses.run(panel, "kind of sound", function(act)
        kinds.set(act, chosen > 1 and list[chosen] or "", held)
      end)
    end
  end
end

--- Keeps the adaptation, and computes the EQs of the selection anew if there are any.
function presses.adaptation(panel, value)
  panel.adaptation = settings.change("adaptation", 0, settings.load(), value)
  panel:say(("Adaptation %d percent"):format(math.floor(value * 100 + 0.5)))
  if panel.sight.instance then
    presses.run(panel, "adaptation", require("aeq.flow").again)
  end
end

--- The hand takes the intensity slider: true if there is something to move.
function presses.grab(panel)
  if panel.run or panel.hand then
    return false
  elseif not lock.take() then
    panel:say(messages.text("busy"))
    return false
  end
  panel.hand, panel.from = gesture.open(panel.sight.project, linked.with_ours), math.max(panel.sight.amount, 0.01)
  return true
end

-- The hand has nothing to move, or something went wrong under it.
local function drop(panel, thrown)
  panel.hand, panel.letting_go, panel.amount, panel.dragged, panel.behind = nil, nil, nil, nil, nil
  lock.release()
  panel:look(true)
  panel:say(messages.is_failure(thrown) and thrown.text
    or messages.text("internal", { why = tostring(thrown):match("^[^\n]*") }))
end

function presses.drag(panel, value)
  panel.amount, panel.dirty = math.min(value, panel.sight.amount * panel.sight.most), true
  panel.hand:to(math.max(panel.amount, 0.01) / panel.from)
end

--- One step of the slider, behind those that are not written yet.
function presses.step(panel, by)
  if panel.hand then
    panel.behind = (panel.behind or 0) + by
  elseif presses.grab(panel) then
    presses.drag(panel, math.max(0, math.min(names.MAX_WEIGHT, panel.sight.amount + by)))
    panel.letting_go = true
  end
end

--- In every cycle while there is a hand: writes, and once it was let go closes its undo step.
function presses.follow(panel)
  local until_s = reaper.time_precise() + SLICE_S
  lock.beat()
  local hand = panel.hand
  local fine, done = pcall(panel.letting_go and hand.finish or hand.write, hand, until_s)
  if not fine then
    drop(panel, done)
  elseif panel.letting_go and done then
    local percent = math.floor(panel.from * panel.hand:reached() * 100 + 0.5)
    local by, track = panel.behind, panel.sight.track
    panel.hand, panel.letting_go, panel.amount, panel.behind = nil, nil, nil, nil
    lock.release()
    panel:look(true)
    panel:say(("Intensity %d percent%s"):format(percent, panel.sight.eq and ", "
      .. require("aeq.speak").eq(panel.sight.eq) or ""))
    if by and panel.sight.track == track then
      presses.step(panel, by)
    end
  end
end

--- The window is going: nothing is left half done.
function presses.abandon(panel)
  if panel.hand then
    pcall(panel.hand.finish, panel.hand, math.huge)
    panel.hand = nil
    lock.release()
  end
  if panel.run then
    run.close(panel.run)
  end
end

return presses
