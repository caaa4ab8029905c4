-- What each AEQ_*.lua calls: the title that the undo history and the window show, and the story to run.

local run = require("aeq.run")

local json = require("aeq.json")
local messages = require("aeq.messages")
local settings = require("aeq.settings")

local actions = {}

local MORE, LESS = 1.25, 0.8 -- each takes the other back
local VARIATIONS = 8 -- so many other answers in turn; after the last one the first answer

-- What a press does, by name: these can be repeated.
local PRESSES = {
  make = function(act, press)
    require("aeq.flow").make(act, press.blend, press.along)
  end,
  match = function(act)
    require("aeq.flow").match(act, require("aeq.reference").chosen)
  end,
  more = function(act)
    require("aeq.adjust").scale(act, MORE, "more")
  end,
  less = function(act)
    require("aeq.adjust").scale(act, LESS, "less")
  end,
  compare = function(act)
    require("aeq.adjust").compare(act)
  end,
  remove = function(act)
    require("aeq.adjust").remove(act)
  end,
  afresh = function(act)
    require("aeq.adjust").afresh(act)
  end,
  delta = function(act)
    require("aeq.adjust").delta(act)
  end,
  variation = function(act)
    require("aeq.flow").again(act, function(target)
      local variation = require("aeq.seen").kept(target.instance.record).variation or 0
      target.variation = (variation + 1) % (VARIATIONS + 1)
    end)
  end,
}

--- Presses {what, title, blend, timed, along}, and remembers it once it has worked. `timed`: of tracks only what the
--- time selection holds is heard.
function actions.do_press(act, press)
  act.title = press.title
  act.settings.time_selection = press.timed == true
  PRESSES[press.what](act, press)
  settings.remember("last_press", json.encode(press))
  for _, part in ipairs(press.blend or {}) do
    require("aeq.favorites").used(part.word)
  end
end

local function start(title, what)
  run.start(title, function(act)
    actions.do_press(act, { what = what, title = title })
  end)
end

--- `title` as in "make warmer", `word` as the vocabulary has it.
function actions.make(title, word)
  run.start(title, function(act)
    local blend = json.array({ { word = word, weight = act.settings.intensity } })
    actions.do_press(act, { what = "make", title = title, blend = blend })
  end)
end

--- As `actions.make`, with gains that follow the song.
function actions.make_along(title, word)
  run.start(title, function(act)
    local blend = json.array({ { word = word, weight = act.settings.intensity } })
    actions.do_press(act, { what = "make", title = title, blend = blend, along = true })
  end)
end

function actions.ask(timed)
  run.start("ask for a word", function(act)
    local title, blend = require("aeq.dialogs").word(act)
    if blend then
      actions.do_press(act, { what = "make", title = title, blend = json.array(blend), timed = timed })
    end
  end)
end

function actions.repeat_last(timed)
  run.start("repeat", function(act)
    local fine, press = pcall(json.decode, settings.remembered("last_press"))
    if not fine or type(press) ~= "table" or not PRESSES[press.what] or type(press.title) ~= "string" then
      messages.fail("nothing_to_repeat")
    end
    press.timed = timed
    actions.do_press(act, press)
  end)
end

function actions.more()
  start("more", "more")
end

function actions.less()
  start("less", "less")
end

--- Sets how far an EQ goes towards what is usual, by `step`, and computes the selection's EQs anew.
function actions.adaptation(step)
  run.start("adaptation", function(act)
    local value = settings.change("adaptation", step, act.settings)
    act:result("adaptation", ("%d percent"):format(math.floor(value * 100 + 0.5)))
    require("aeq.flow").again(act)
  end)
end

function actions.delta()
  require("aeq.lamps").mine("delta")
  start("only the change", "delta")
end

function actions.variation()
  start("next variation", "variation")
end

function actions.kind()
  run.start("kind of sound", require("aeq.kinds").ask)
end

function actions.why()
  run.start("why", require("aeq.kinds").why)
end

function actions.compare()
  require("aeq.lamps").mine("compare")
  start("compare", "compare")
end

function actions.remove()
  start("remove EQ", "remove")
end

function actions.start_afresh()
  start("start afresh", "afresh")
end

function actions.learn()
  run.start("learn from my edits", require("aeq.learning").run)
end

function actions.match()
  start("match to reference", "match")
end

function actions.link()
  run.start("link tracks", function(act)
    require("aeq.linked").switch(act)
  end)
end

function actions.set_reference()
  run.start("set reference", require("aeq.reference").set)
end

function actions.analyze()
  run.start("analyze", require("aeq.flow").analyze)
end

function actions.master()
  run.start("master project", require("aeq.master").run)
end

function actions.start_backend()
  run.start("start backend", require("aeq.control").start)
end

function actions.stop_backend()
  run.start("stop backend", require("aeq.control").stop)
end

function actions.dashboard()
  run.start("open dashboard", require("aeq.control").dashboard)
end

function actions.settings()
  run.start("settings", require("aeq.dialogs").settings)
end

function actions.selftest()
  run.start("self-test", require("aeq.selftest").run)
end

return actions
