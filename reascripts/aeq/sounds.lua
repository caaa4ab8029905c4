-- How each target is heard: from its files where they are all there is to it, else rendered; and the question about it.

local along = require("aeq.along")
local capture = require("aeq.capture")
local linked = require("aeq.linked")
local log = require("aeq.log")
local presence = require("aeq.presence")
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
    local paths, pieces = capture.paths(act, left, whole_chain)
    for n, path in ipairs(paths) do
      heard[places[n]].path, heard[places[n]].pieces = path, pieces[n]
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

--- Of linked targets either all are heard from their files or none.
local function all_or_none(heard, leaders)
  local rendered = {}
  for i, leader in ipairs(leaders) do
    rendered[leader] = rendered[leader] or not heard[i].sound and heard[i].rendered_because or nil
  end
  for i, leader in ipairs(leaders) do
    if rendered[leader] and heard[i].sound then
      heard[i] = { rendered_because = "it is linked with a track that has to be: " .. rendered[leader] }
    end
  end
end

--- What is heard of the target at place `leader` and those that it stands for: their sum.
local function whole_of(act, targets, heard, leaders, leader)
  local members, parts, paths = {}, {}, {}
  for i, place in ipairs(leaders) do
    if place == leader then
      members[#members + 1], parts[#parts + 1], paths[#paths + 1] = targets[i], heard[i].sound, heard[i].path
    end
  end
  if #members == 1 then
    return heard[leader]
  elseif #parts == #members then
    presence.check(act, members)
    local sum, why = linked.sum(members, parts)
    return sum and { sound = sum } or nil, why
  end
  return {
    path = capture.sum(act, paths), rendered_because = heard[leader].rendered_because, pieces = heard[leader].pieces,
  }
end

--- Asks the backend about every target, in one question if every file can be read. Returns the answers and `heard`.
-- task_of(i): the question but for the sound; ask(tasks): the answers, {unreadable = why} for a file the backend
-- cannot read; such a target is rendered and asked again. Linked targets are one question.
function sounds.ask(act, targets, whole_chain, task_of, ask)
  local leaders, answers = linked.leaders(targets), {}
  local heard = described(act, targets, whole_chain)
  local function answer(open)
    all_or_none(heard, leaders)
    render(act, targets, heard, whole_chain)
    local tasks, places, wholes = {}, {}, {}
    for _, i in ipairs(open) do
      local whole, why = whole_of(act, targets, heard, leaders, i)
      if not whole then
        for n, leader in ipairs(leaders) do
          heard[n] = leader == i and { rendered_because = why } or heard[n]
        end
        render(act, targets, heard, whole_chain)
        whole = whole_of(act, targets, heard, leaders, i)
      end
      presence.check(act, { targets[i] })
      local task = task_of(i)
      task.sound, task.path, task.rendered_because = whole.sound, whole.path, whole.rendered_because
      tasks[#tasks + 1], places[#places + 1], wholes[#wholes + 1] = task, i, whole
      if act.along then
        along.ask(act, task, whole)
      end
      act:breathe()
    end
    for n, given in ipairs(ask(tasks)) do
      answers[places[n]] = given
      along.place(given, wholes[n])
    end
  end
  local open = {}
  for i, leader in ipairs(leaders) do
    open[#open + 1] = leader == i and i or nil
  end
  answer(open)
  local again = {}
  for _, i in ipairs(open) do
    if answers[i].unreadable then
      log.add(("%s: %s"):format(targets[i].name, answers[i].unreadable))
      again[#again + 1] = i
      for n, leader in ipairs(leaders) do
        heard[n] = leader == i and { rendered_because = "reaper-aeq cannot read a file of it" } or heard[n]
      end
    end
  end
  if #again > 0 then
    answer(again)
  end
  for i, leader in ipairs(leaders) do
    answers[i] = answers[leader]
  end
  tell(act, targets, heard)
  return answers, heard
end

--- The sound of one target by itself, or nil and why it has to be rendered.
function sounds.alone(act, target)
  local heard = described(act, { target }, false)[1]
  return heard.sound, heard.rendered_because
end

--- The sound of the mix with `eqs` ({[track] = {family, eq}}) in place, or nil and why it has to be rendered.
function sounds.of_mix(act, target, eqs)
  local heard = described(act, { target }, false, eqs)[1]
  return heard.sound, heard.rendered_because
end

return sounds
