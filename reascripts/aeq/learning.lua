-- What the user made by hand of an answer teaches the word: the backend keeps it in a store on this computer, by the
-- same code as `reaper-aeq profile learn`. Of an edit that was learned, the next answer has a part by itself; only the
-- rest is kept beside it then.

local adjust = require("aeq.adjust")
local backend = require("aeq.backend")
local chain = require("aeq.chain")
local check = require("aeq.check")
local edits = require("aeq.edits")
local json = require("aeq.json")
local linked = require("aeq.linked")
local messages = require("aeq.messages")
local noting = require("aeq.noting")
local presence = require("aeq.presence")
local reaeq = require("aeq.reaeq")
local write = require("aeq.write")

local learning = {}

--- Why nothing can be learned of an edit: the key of a sentence, or nil.
local function hindrance(edit)
  local record, blend = edit.instance.record, reaeq.blend(edit.instance)
  if record.learned == edits.signature(edit.held) then
    return "learned_before"
  elseif record.family ~= "word" or #blend ~= 1 or blend[1].weight == 0 then
    return "learn_one_word"
  elseif type(record.heard) ~= "table" then
    return "learn_again"
  end
  for _, band in ipairs(edit.held.bands) do
    if band.enabled and not band.kind then
      return "learn_kind"
    end
  end
end

--- Asks the backend to keep these edits. Each gets what counts as computed from now on, and the mark that it is known.
local function ask(act, list)
  local tasks = {}
  for i, edit in ipairs(list) do
    local record, held, blend = edit.instance.record, { bands = {} }, reaeq.blend(edit.instance)
    for _, band in ipairs(edit.held.bands) do
      held.bands[#held.bands + 1] = band.enabled and band or nil
    end
    tasks[i] = {
      word = blend[1].word, intensity = blend[1].weight, heard = record.heard,
      computed = { bands = noting.bands(record.eq) }, made = { bands = noting.bands(held) },
    }
  end
  local told = backend.call(act, "POST", "/v1/profile/learn", { edits = json.array(tasks) })
  if type(told.learned) ~= "table" or #told.learned ~= #list then
    messages.fail("nonsense", { what = "nothing was learned" })
  end
  for i, learned in ipairs(told.learned) do
    local share = tonumber(learned.share) or 0
    list[i].computed = edits.toward(list[i].instance.record.eq, list[i].held, math.max(0, math.min(1, share)))
    list[i].learned = edits.signature(list[i].held)
  end
  return told.learned
end

local function tracks_text(list)
  local names = {}
  for i, edit in ipairs(list) do
    names[i] = "'" .. edit.entry.name .. "'"
  end
  return table.concat(names, ", ")
end

local function learned_text(list, learned)
  local words, seen = {}, {}
  for i = #learned, 1, -1 do -- the last one counts all
    local one = learned[i]
    local count = math.tointeger(tonumber(one.settings)) or 0
    if not seen[one.word] then
      seen[one.word] = true
      table.insert(words, 1, ("%d setting%s of '%s'"):format(count, count == 1 and "" or "s", tostring(one.word)))
    end
  end
  return messages.text("learned", { tracks = tracks_text(list), words = table.concat(words, ", ") })
end

--- Where in the chain an edit is; nil where it was undone since it was read, or what it is an edit of.
local function still_edited(edit)
  local track, computed = edit.entry.track, edit.instance.record.eq
  for _, instance in ipairs(reaeq.ours(track)) do
    local record = instance.guid == edit.instance.guid and instance.record
    if record and record.eq and edits.described(computed, record.eq) == "" then
      local _, change = edits.of(track, instance.index, computed)
      return change and instance.index or nil
    end
  end
end

--- Learns from the edits of the selection, and says what there is now.
function learning.run(act)
  local entries = linked.selected_with_ours(act)
  local list, why = {}, {}
  presence.each(act, entries, function(entry)
    check.may_change(entry.track, entry.name)
    local edited, unknown = adjust.edited(entry)
    why[#why + 1] = unknown
    for _, edit in ipairs(edited) do
      local key = hindrance(edit)
      why[#why + 1] = key and messages.text(key, { track = edit.entry.name })
      list[#list + 1] = not key and edit or nil
    end
  end)
  if #list + #why == 0 then
    messages.fail("nothing_edited")
  elseif #list == 0 then
    messages.fail("cannot", { why = table.concat(why, " ") })
  end
  local learned = ask(act, list)
  write.undoable(act, act.title, entries, function()
    for _, edit in ipairs(list) do
      local track, fx = edit.entry.track, still_edited(edit)
      edit.entry.learned = edit.learned
      local blend = reaeq.blend(edit.instance)
      local what = fx and noting.note(edit.entry, fx, edit.instance, edit.computed, blend, { factor = 1 })
      if what then
        write.fail_not_taken(track, edit.entry.name, what)
      end
      edit.entry.learned = nil
    end
  end)
  act:note(learned_text(list, learned))
  for _, sentence in ipairs(why) do
    act:note(sentence)
  end
end

--- The same at a press, for those of its targets of which something can be learned; says nothing of the others.
function learning.quietly(act, targets)
  local list = {}
  presence.each(act, targets, function(target)
    local instance, fx = target.instance, chain.own(target)
    if fx and instance.record and instance.record.eq then
      local held, change = edits.of(target.track, fx, instance.record.eq)
      local edit = { entry = target, instance = instance, held = held }
      list[#list + 1] = change and not hindrance(edit) and edit or nil
    end
  end)
  if #list == 0 then
    return
  end
  local fine, learned = pcall(ask, act, list)
  if not fine then
    if not messages.is_failure(learned, "refused") then
      error(learned, 0)
    end
    act:note(messages.text("not_learned", { tracks = tracks_text(list), why = learned.text })) -- the press goes on
    return
  end
  for _, edit in ipairs(list) do
    edit.entry.computed, edit.entry.learned = edit.computed, edit.learned
  end
  act:note(learned_text(list, learned))
end

return learning
