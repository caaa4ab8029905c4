-- The story of a press: who is meant, can they be heard, listen, ask, and only with every answer in hand write.

local backend = require("aeq.backend")
local check = require("aeq.check")
local instances = require("aeq.instances")
local json = require("aeq.json")
local linked = require("aeq.linked")
local messages = require("aeq.messages")
local names = require("aeq.names")
local reaeq = require("aeq.reaeq")
local seen = require("aeq.seen")
local selection = require("aeq.selection")
local sounds = require("aeq.sounds")
local write = require("aeq.write")

local flow = {}

--- One question to the backend (wire: a task of POST /v1/jobs), but for the sound.
function flow.task(act, target, blend, references)
  local request, intensity = names.request(blend)
  if references then
    request = json.null -- nothing but the reference says what is wanted
  end
  return {
    id = target.guid,
    name = target.name,
    request = request,
    intensity = intensity,
    adaptation = act.settings.adaptation ~= "" and act.settings.adaptation or json.null,
    method = act.settings.method,
    references = json.array(references or {}),
    kind = instances.read(target.track).kind,
    variation = not references and target.variation or nil,
    sketch = not references and act.sketched or nil,
  }
end

--- The backend hears silence: it answers with no bands and no confidence at all.
function flow.is_silent(eq)
  return #eq.bands == 0 and eq.confidence == 0
end

-- Everything under it is 0.0 dB on ReaEQ's own display.
local NOTHING_DB = 0.05
local WITHOUT_GAIN = { low_pass = true, high_pass = true, notch = true, band_pass = true }

--- Would an EQ be 0.0 dB everywhere? Then there is nothing to insert.
function flow.does_nothing(eq)
  if eq.sections then
    return false
  end
  for _, band in ipairs(eq.bands) do
    if band.enabled and (WITHOUT_GAIN[band.kind] or math.abs(band.gain_db) >= NOTHING_DB) then
      return false
    end
  end
  return math.abs(eq.output_gain_db) < NOTHING_DB
end

local function entries_of(targets, eqs, blends)
  local entries = {}
  for i, eq in ipairs(eqs) do
    entries[i] = { target = targets[i], eq = eq, blend = blends[i] }
  end
  return entries
end

--- Listens to every target and asks for its blend; returns what `write.all` takes. `blends` go with `targets`.
function flow.entries(act, targets, blends, references)
  act.sketched = seen.is_worth(#targets)
  local function task_of(i)
    return flow.task(act, targets[i], blends[i], references)
  end
  local function ask(tasks)
    return backend.adapt(act, act.title, tasks)
  end
  return entries_of(targets, sounds.ask(act, targets, false, task_of, ask), blends)
end

--- The same for one sound that is at hand: {sound = ...} or {path = ..., rendered_because = ...}.
function flow.entry(act, target, heard, blend)
  local task = flow.task(act, target, blend)
  task.sound, task.path, task.rendered_because = heard.sound, heard.path, heard.rendered_because
  return entries_of({ target }, backend.adapt(act, act.title, { task }), { blend })[1]
end

--- The entries that are worth writing; the others are named when all is done: silent ones, and those whose EQ would do
--- nothing where none of ours is yet (one that is there is set to it). Fails if no entry is worth it.
local function worth_writing(act, entries)
  local kept, silent, idle, why = {}, {}, {}, nil
  for _, entry in ipairs(entries) do
    if flow.is_silent(entry.eq) then
      silent[#silent + 1] = entry.target.name
    elseif flow.does_nothing(entry.eq) and not entry.target.instance then
      idle[#idle + 1] = entry.target.name
      why = why or entry.eq.explanation
    else
      kept[#kept + 1] = entry
    end
  end
  if #silent > 0 then
    local tracks = table.concat(silent, "', '")
    if #kept == 0 and #idle == 0 then
      messages.fail("silent", { track = tracks })
    end
    act:note(messages.text("left_out", { tracks = tracks }))
  end
  if #idle > 0 then
    local tracks = table.concat(idle, "', '")
    act:note(messages.text("does_nothing", { tracks = tracks, why = tostring(why or "") }))
  end
  return kept
end

--- Writes those that are worth it.
local function finish(act, entries)
  local kept = worth_writing(act, entries)
  if #kept > 0 then
    write.all(act, act.title, kept)
  end
end

--- Names those that were asked to follow the song and need not.
local function tell_steady(act, entries)
  local steady = {}
  for _, entry in ipairs(entries) do
    if not entry.eq.sections and not flow.is_silent(entry.eq) then
      steady[#steady + 1] = entry.target.name
    end
  end
  if #steady > 0 then
    act:note(messages.text("needs_no_movement", { tracks = table.concat(steady, "', '") }))
  end
end

--- What each target's instance is to hold: what it holds, and what is added.
local function blends_for(targets, added)
  local blends = {}
  for i, leader in ipairs(linked.leaders(targets)) do
    local instance = targets[leader].instance
    blends[i] = blends[leader] or names.merge(instance and reaeq.blend(instance) or {}, added)
  end
  return blends
end

--- Makes the selection more of `added` (a blend). `along`: with gains that follow the song, which the settings may want
--- of every word.
function flow.make(act, added, along)
  act.along = along or act.settings.follow_song
  local targets = linked.complete(act, selection.targets(act, "word"), "word")
  check.targets(act, targets)
  if act.settings.learn_by_itself then
    require("aeq.learning").quietly(act, targets)
  end
  local entries = flow.entries(act, targets, blends_for(targets, added))
  finish(act, entries)
  tell_steady(act, along and entries or {})
end

--- Computes the selection's EQs anew for the words that they are for. `change(target)` may change a target before.
function flow.again(act, change)
  local targets = {}
  for _, target in ipairs(linked.complete(act, selection.targets(act, "word"), "word")) do
    if target.instance and #reaeq.blend(target.instance) > 0 then
      targets[#targets + 1] = target
    end
  end
  if #targets == 0 then
    messages.fail("no_instances")
  end
  check.targets(act, targets)
  for _, target in ipairs(change and targets or {}) do
    change(target)
  end
  local entries = flow.entries(act, targets, blends_for(targets, {}))
  for i, entry in ipairs(entries) do
    entry.eq.variation = targets[i].variation
  end
  finish(act, entries)
end

--- Brings the selection's balance to that of a reference. `reference(act)` returns it as the wire has it, and its name.
function flow.match(act, reference)
  local targets = linked.complete(act, selection.targets(act, "match"), "match")
  check.targets(act, targets)
  local wanted, name = reference(act)
  local blends = {}
  -- " + " and "%" have a meaning in the names of our instances
  local label = name:gsub("%%", ""):gsub(" %+ ", " & ")
  for i in ipairs(targets) do
    blends[i] = { { word = label, weight = act.settings.intensity } }
  end
  finish(act, flow.entries(act, targets, blends, { wanted }))
end

--- Tells how the selection sounds, everything on. Changes nothing.
function flow.analyze(act)
  local targets = selection.targets(act, "word")
  check.targets(act, targets)
  local function task_of(i)
    return { id = targets[i].guid, name = targets[i].name }
  end
  local scored, heard = sounds.ask(act, targets, true, task_of, function(tasks)
    return backend.analyze(act, tasks)
  end)
  local lines = {}
  for i, answer in ipairs(scored) do
    local scores = {}
    for n, entry in ipairs(answer.top) do
      scores[n] = ("%s %.2f"):format(entry[1], entry[2])
    end
    lines[i] = ("%s (%s)\n  %s\n  %s\n"):format(
      targets[i].name, sounds.told(heard[i]), table.concat(scores, "  "), answer.suggestion)
  end
  local head = "reaper-aeq: scores from 0 to 1, compared with other music\n\n"
  reaper.ShowConsoleMsg(head .. table.concat(lines, "\n") .. "\n")
end

return flow
