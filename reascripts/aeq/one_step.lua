-- Changes EQs of ours that are there, on any number of tracks, as one undo step: first all is read and made ready, a
-- slice in each cycle of REAPER's, and nothing is written; then all is written in one cycle, with as few calls as can
-- be; then it is looked at, in slices again. What the user changes meanwhile is read again, so the press goes on.

local check = require("aeq.check")
local linked = require("aeq.linked")
local messages = require("aeq.messages")
local options = require("aeq.options")
local presence = require("aeq.presence")
local reaeq = require("aeq.reaeq")
local selection = require("aeq.selection")
local write = require("aeq.write")

local one_step = {}

local TRIES = 3
local FEW = 8 -- tracks that are made ready anew in the cycle of the block

local function prepare(entry, job)
  check.may_change(entry.track, entry.name)
  entry.automation = reaper.GetMediaTrackInfo_Value(entry.track, "I_AUTOMODE")
  job.ready(entry)
end

local function read(act, job)
  local entries = linked.with_ours(act)
  presence.each(act, entries, function(entry)
    prepare(entry, job)
  end)
  return entries
end

--- Does a track hold all that it held when it was read, and in the same place? REAPER's count tells of steps, but of no
--- knob that is turned.
local function as_it_was(entry, job)
  for _, instance in ipairs(entry.ours) do
    if reaper.TrackFX_GetFXGUID(entry.track, instance.index) ~= instance.guid then
      return false
    end
  end
  return not job.same or job.same(entry)
end

--- Makes ready anew, in this cycle, what is no longer as it was read. False where that is too much, or where it is not
--- only another state of the same EQs.
local function renew(entries, job)
  local others = {}
  for n, entry in ipairs(entries) do
    others[#others + 1] = not as_it_was(entry, job) and n or nil
  end
  if #others > (job.renews and FEW or 0) then
    return false
  end
  for _, n in ipairs(others) do
    local was = entries[n]
    local entry = { track = was.track, name = was.name, ours = reaeq.ours(was.track), group = was.group }
    if #entry.ours ~= #was.ours then
      return false
    end
    prepare(entry, job)
    entries[n] = entry
  end
  return true
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
---   renews          whether a few that do not are made ready anew then, and all where there are more; else nothing is
---                   written
---   write(entry)    in the undo block: writes what was made ready
---   look(entry)     afterwards: nil, or what did not arrive; all is taken back then
function one_step.run(act, job)
  options.check(job, { ready = "function", decide = "function?", same = "function?", renews = "boolean?",
    write = "function", look = "function?" })
  local entries, title, count
  for try = 1, job.renews and TRIES or 1 do
    presence.project(act)
    if try > 1 then
      selection.check(act) -- it is taken anew below, and the press was for what was selected then
    end
    local before = presence.history(act.project)
    entries = read(act, job)
    selection.check(act)
    if presence.history(act.project) == before then
      title = job.decide and job.decide(entries) or act.title
      count = write.undoable(act, title, entries, function()
        for _, entry in ipairs(entries) do
          job.write(entry)
        end
      end, nil, function()
        if presence.history(act.project) ~= before or not renew(entries, job) then
          return false
        end
        title = job.decide and job.decide(entries) or act.title
        return true, title
      end)
    end
    if count then
      break
    end
  end
  if not count then
    messages.fail("changed_meanwhile")
  end
  if job.look then
    act:uninterrupted(function()
      look(act, entries, "AEQ: " .. title, job.look, count)
    end)
  end
end

return one_step
