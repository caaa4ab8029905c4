-- What each AEQ_*.lua calls: the title that the undo history and the window show, and the story to run.

local run = require("aeq.run")

local actions = {}

local MORE, LESS = 1.25, 0.8 -- each takes the other back

--- `title` as in "make warmer", `word` as the vocabulary has it.
function actions.make(title, word)
  run.start(title, function(act)
    require("aeq.flow").make(act, { { word = word, weight = act.settings.intensity } })
  end)
end

function actions.ask()
  run.start("ask for a word", require("aeq.dialogs").word)
end

function actions.more()
  run.start("more", function(act)
    require("aeq.adjust").scale(act, MORE, "more")
  end)
end

function actions.less()
  run.start("less", function(act)
    require("aeq.adjust").scale(act, LESS, "less")
  end)
end

function actions.compare()
  run.start("compare", require("aeq.adjust").compare)
end

function actions.remove()
  run.start("remove EQ", require("aeq.adjust").remove)
end

function actions.match()
  run.start("match to reference", function(act)
    require("aeq.flow").match(act, require("aeq.reference").file)
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
