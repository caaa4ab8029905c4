-- How each target is heard: from its files where they are all there is to it, else rendered; and the question about it.

local capture = require("aeq.capture")
local log = require("aeq.log")
local sound = require("aeq.sound")

local sounds = {}

--- What is heard of each target: {sound = ...} or {rendered_because = why}, in their order.
local function described(act, targets, whole_chain, eqs)
  local describer, heard = sound.describer(act), {}
  for i, target in ipairs(targets) do
    local found, why
    if act.settings.always_render then
      why = "the settings say so"
    else
      found, why = describer:of(target, whole_chain, eqs)
    end
    heard[i] = { sound = found, rendered_because = why }
    log.add(("%s: %s"):format(target.name, found and "from its files" or "rendered, " .. why))
  end
  return heard
end

--- Renders those of the targets that are not described.
local function render(act, targets, heard, whole_chain)
  local left, places = {}, {}
  for i, target in ipairs(targets) do
    if not heard[i].sound and not heard[i].path then
      left[#left + 1], places[#places + 1] = target, i
    end
  end
  if #left > 0 then
    for n, path in ipairs(capture.paths(act, left, whole_chain)) do
      heard[places[n]].path = path
    end
  end
end

--- How a target was heard, for people.
function sounds.told(heard)
  return heard.sound and "heard from its files" or "rendered, because " .. heard.rendered_because
end

local function tell(act, targets, heard)
  if act.settings.tell_heard then
    local lines = {}
    for i, target in ipairs(targets) do
      lines[i] = ("%s: %s\n"):format(target.name, sounds.told(heard[i]))
    end
    reaper.ShowConsoleMsg("reaper-aeq, " .. act.title .. "\n" .. table.concat(lines) .. "\n")
  end
end

--- Asks the backend about every target, in one question if every file can be read. Returns the answers and `heard`.
-- task_of(i): the question but for the sound; ask(tasks): the answers, {unreadable = why} for a file the backend
-- cannot read; such a target is rendered and asked again.
function sounds.ask(act, targets, whole_chain, task_of, ask)
  local heard = described(act, targets, whole_chain)
  render(act, targets, heard, whole_chain)
  local function question(i)
    local task = task_of(i)
    task.sound, task.path, task.rendered_because = heard[i].sound, heard[i].path, heard[i].rendered_because
    return task
  end
  local tasks = {}
  for i in ipairs(targets) do
    tasks[i] = question(i)
  end
  local answers = ask(tasks)
  local again, places = {}, {}
  for i, answer in ipairs(answers) do
    if answer.unreadable then
      log.add(("%s: %s"):format(targets[i].name, answer.unreadable))
      heard[i] = { rendered_because = "reaper-aeq cannot read a file of it" }
      again[#again + 1], places[#places + 1] = targets[i], i
    end
  end
  if #again > 0 then
    render(act, targets, heard, whole_chain)
    tasks = {}
    for n, i in ipairs(places) do
      tasks[n] = question(i)
    end
    for n, answer in ipairs(ask(tasks)) do
      answers[places[n]] = answer
    end
  end
  tell(act, targets, heard)
  return answers, heard
end

--- The sound of the mix with `eqs` ({[track] = {family, eq}}) in place, or nil and why it has to be rendered.
function sounds.of_mix(act, target, eqs)
  local heard = described(act, { target }, false, eqs)[1]
  return heard.sound, heard.rendered_because
end

return sounds
