-- What each AEQ_*.lua calls: the title that the undo history and the window show, and the story to run.

local run = require("aeq.run")

local json = require("aeq.json")
local messages = require("aeq.messages")
local settings = require("aeq.settings")

local actions = {}

local MORE, LESS = 1.25, 0.8 -- each takes the other back

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
}

--- Presses {what, title, blend, along}, and remembers it once it has worked.
local function do_press(act, press)
  act.title = press.title
  PRESSES[press.what](act, press)
  settings.remember("last_press", json.encode(press))
end

local function start(title, what)
  run.start(title, function(act)
    do_press(act, { what = what, title = title })
  end)
end

--- `title` as in "make warmer", `word` as the vocabulary has it.
function actions.make(title, word)
  run.start(title, function(act)
    local blend = json.array({ { word = word, weight = act.settings.intensity } })
    do_press(act, { what = "make", title = title, blend = blend })
  end)
end

--- As `actions.make`, with gains that follow the song.
function actions.make_along(title, word)
  run.start(title, function(act)
    local blend = json.array({ { word = word, weight = act.settings.intensity } })
    do_press(act, { what = "make", title = title, blend = blend, along = true })
  end)
end

function actions.ask()
  run.start("ask for a word", function(act)
    local title, blend = require("aeq.dialogs").word(act)
    if blend then
      do_press(act, { what = "make", title = title, blend = json.array(blend) })
    end
  end)
end

function actions.repeat_last()
  run.start("repeat", function(act)
    local fine, press = pcall(json.decode, settings.remembered("last_press"))
    if not fine or type(press) ~= "table" or not PRESSES[press.what] or type(press.title) ~= "string" then
      messages.fail("nothing_to_repeat")
    end
    do_press(act, press)
  end)
end

function actions.more()
  start("more", "more")
end

function actions.less()
  start("less", "less")
end

function actions.compare()
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
