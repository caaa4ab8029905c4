-- The story of a press: who is meant, can they be heard, listen, ask, and only with every answer in hand write.

local backend = require("aeq.backend")
local capture = require("aeq.capture")
local check = require("aeq.check")
local json = require("aeq.json")
local messages = require("aeq.messages")
local names = require("aeq.names")
local reaeq = require("aeq.reaeq")
local selection = require("aeq.selection")
local write = require("aeq.write")

local flow = {}

--- One question to the backend (wire: a task of POST /v1/jobs).
function flow.task(act, target, path, blend, references)
  local request, intensity = names.request(blend)
  if references then
    request = json.null -- nothing but the reference says what is wanted
  end
  return {
    id = target.guid,
    name = target.name,
    path = path,
    request = request,
    intensity = intensity,
    adaptation = act.settings.adaptation ~= "" and act.settings.adaptation or json.null,
    method = act.settings.method,
    references = json.array(references or {}),
  }
end

--- The backend hears silence: it answers with no bands and no confidence at all.
function flow.is_silent(eq)
  return #eq.bands == 0 and eq.confidence == 0
end

--- Asks for every target's blend and returns what `write.all` takes. `paths` and `blends` go with `targets`.
function flow.entries(act, targets, paths, blends, references)
  local tasks, entries = {}, {}
  for i, target in ipairs(targets) do
    tasks[i] = flow.task(act, target, paths[i], blends[i], references)
  end
  for i, eq in ipairs(backend.adapt(act, act.title, tasks)) do
    entries[i] = { target = targets[i], eq = eq, blend = blends[i] }
  end
  return entries
end

--- The entries that have a sound; the others are named when all is done. Fails if none has.
local function without_silence(act, entries)
  local kept, silent = {}, {}
  for _, entry in ipairs(entries) do
    if flow.is_silent(entry.eq) then
      silent[#silent + 1] = entry.target.name
    else
      kept[#kept + 1] = entry
    end
  end
  local tracks = table.concat(silent, "', '")
  if #kept == 0 then
    messages.fail("silent", { track = tracks })
  end
  act.note = #silent > 0 and messages.text("left_out", { tracks = tracks }) or nil
  return kept
end

--- Writes all of them, and says what was left out.
local function finish(act, entries)
  write.all(act, act.title, without_silence(act, entries))
  if act.note then
    messages.show(act.note)
  end
end

--- What each target's instance is to hold: what it holds, and what is added.
local function blends_for(targets, added)
  local blends = {}
  for i, target in ipairs(targets) do
    blends[i] = names.merge(target.instance and reaeq.blend(target.instance) or {}, added)
  end
  return blends
end

--- Makes the selection more of `added` (a blend).
function flow.make(act, added)
  local targets = selection.targets(act, "word")
  check.targets(act, targets)
  local paths = capture.paths(act, targets)
  local entries = flow.entries(act, targets, paths, blends_for(targets, added))
  finish(act, entries)
end

--- Brings the selection's balance to that of a reference. `reference(act)` returns its file and name.
function flow.match(act, reference)
  local targets = selection.targets(act, "match")
  check.targets(act, targets)
  local file, name = reference(act)
  local paths, blends = capture.paths(act, targets), {}
  -- " + " and "%" have a meaning in the names of our instances
  local label = name:gsub("%%", ""):gsub(" %+ ", " & ")
  for i in ipairs(targets) do
    blends[i] = { { word = label, weight = act.settings.intensity } }
  end
  local entries = flow.entries(act, targets, paths, blends, { file })
  finish(act, entries)
end

--- Tells how the selection sounds, everything on. Changes nothing.
function flow.analyze(act)
  local targets = selection.targets(act, "word")
  check.targets(act, targets)
  local paths, tasks = capture.paths(act, targets, true), {}
  for i, target in ipairs(targets) do
    tasks[i] = { id = target.guid, name = target.name, path = paths[i] }
  end
  local lines = {}
  for i, answer in ipairs(backend.analyze(act, tasks)) do
    local scores = {}
    for n, entry in ipairs(answer.top) do
      scores[n] = ("%s %.2f"):format(entry[1], entry[2])
    end
    lines[i] = ("%s\n  %s\n  %s\n"):format(targets[i].name, table.concat(scores, "  "), answer.suggestion)
  end
  reaper.ShowConsoleMsg("reaper-aeq: scores from 0 to 1, against other music\n\n" .. table.concat(lines, "\n") .. "\n")
end

return flow
