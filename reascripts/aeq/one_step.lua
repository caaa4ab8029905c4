-- Changes EQs of ours that are there, on any number of tracks, as one undo step: first all is read and made ready, a
-- slice in each cycle of REAPER's, and nothing is written; then all is written in one cycle, with as few calls as can
-- be; then it is looked at, in slices again.

local check = require("aeq.check")
local linked = require("aeq.linked")
local messages = require("aeq.messages")
local options = require("aeq.options")
local presence = require("aeq.presence")
local selection = require("aeq.selection")
local write = require("aeq.write")

local one_step = {}

local TRIES = 3

--- Is everything there as it was when it was read? REAPER's count tells of steps, but of no knob that is turned.
local function refuse_changed(act, entries, count, same)
  if reaper.GetProjectStateChangeCount(act.project) ~= count then
    messages.fail("changed_meanwhile")
  end
  for _, entry in ipairs(entries) do
    for _, instance in ipairs(entry.ours) do
      if reaper.TrackFX_GetFXGUID(entry.track, instance.index) ~= instance.guid then
        messages.fail("changed_meanwhile")
      end
    end
    if same and not same(entry) then
      messages.fail("changed_meanwhile")
    end
  end
end

local function read(act, job)
  local entries = linked.with_ours(act)
  presence.each(act, entries, function(entry)
    check.may_change(entry.track, entry.name)
    entry.automation = reaper.GetMediaTrackInfo_Value(entry.track, "I_AUTOMODE")
    job.ready(entry)
  end)
  return entries
end

--- Whether the step just closed is still the last one, and nothing was done after it.
local function is_last(act, count)
  return reaper.EnumProjects(-1) == act.project and reaper.GetProjectStateChangeCount(act.project) == count
end

-- count: of changes, right behind the step
local function look(act, entries, label, looked, count)
  for _, entry in ipairs(entries) do
    if reaper.EnumProjects(-1) ~= act.project then
      return -- what was written stays as it is; who looks at another project does not ask
    elseif presence.has(act, entry) then
      local what = looked(entry)
      if what then
        local taken_back = is_last(act, count) and write.take_back(act.project, label)
        check.refuse_closed(entry.track, entry.name)
        messages.fail(taken_back and "not_written" or "not_kept", { track = entry.name, what = what })
      end
    end
    act:breathe()
  end
end

--- Runs a job on the EQs of the selection, and on those that share one with them:
---   ready(entry)    reads what is there on one track, {track, name, ours}, and keeps with it what is to be written
---   decide(entries) once all is read: returns the title
---   same(entry)     right before the block: does all hold what it held when it was read?
---   write(entry)    in the undo block: writes what was made ready
---   look(entry)     afterwards: nil, or what did not arrive; all is taken back then
function one_step.run(act, job)
  options.check(job, { ready = "function", decide = "function?", same = "function?", write = "function",
    look = "function?" })
  local entries, before
  for try = 1, TRIES do
    before = reaper.GetProjectStateChangeCount(act.project)
    entries = read(act, job)
    selection.check(act)
    if reaper.GetProjectStateChangeCount(act.project) == before then
      break
    elseif try == TRIES then
      messages.fail("changed_meanwhile")
    end
  end
  local title = job.decide and job.decide(entries) or act.title
  local count = write.undoable(act, title, entries, function()
    for _, entry in ipairs(entries) do
      job.write(entry)
    end
  end, nil, function()
    refuse_changed(act, entries, before, job.same)
  end)
  if job.look then
    act:uninterrupted(function()
      look(act, entries, "AEQ: " .. title, job.look, count)
    end)
  end
end

return one_step
