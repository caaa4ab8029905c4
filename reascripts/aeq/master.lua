-- "Master project": every track with audio by the plan, then the master for the mix that these EQs make.
--
-- The master's EQ needs the mix with the tracks' EQs in it, and yet a failure must leave the project as it was. So the
-- EQs of the tracks are put in only while the mix is rendered, all in one cycle, and taken out again at once; what is
-- written in the end is written together, as one undo point, when the master's answer is in hand as well.

local capture = require("aeq.capture")
local check = require("aeq.check")
local flow = require("aeq.flow")
local guard = require("aeq.guard")
local hearing = require("aeq.hearing")
local messages = require("aeq.messages")
local plan = require("aeq.plan")
local presence = require("aeq.presence")
local render_state = require("aeq.render_state")
local selection = require("aeq.selection")
local listening = require("aeq.sounds")
local write = require("aeq.write")

local master = {}

--- Does the track itself make a sound: an unmuted take, and for MIDI an instrument?
local function sounds(track)
  for i = 0, reaper.GetTrackNumMediaItems(track) - 1 do
    local item = reaper.GetTrackMediaItem(track, i)
    local take = reaper.GetActiveTake(item)
    if take and reaper.GetMediaItemInfo_Value(item, "B_MUTE") == 0
      and (not reaper.TakeIsMIDI(take) or hearing.has_instrument(track)) then
      return true
    end
  end
  return false
end

local function targets_of(act, rules)
  local targets, blends = {}, {}
  local any_solo = reaper.AnyTrackSolo(act.project)
  for i = 0, reaper.CountTracks(act.project) - 1 do
    presence.project(act)
    local track = reaper.GetTrack(act.project, i) -- nil where the user has deleted some
    if track and sounds(track) and hearing.audible(act.project, track, any_solo) then
      local target = selection.of_track(act, track, "word")
      local blend = plan.blend(rules, target.name, false)
      if blend then
        targets[#targets + 1], blends[#blends + 1] = target, blend
      end
    end
    act:breathe()
  end
  if #targets == 0 then
    messages.fail("no_audio_tracks")
  end
  return targets, blends
end

local function audible_entries(entries)
  local kept = {}
  for _, entry in ipairs(entries) do
    if not flow.is_silent(entry.eq) then
      kept[#kept + 1] = entry
    end
  end
  return kept
end

local LABEL = "AEQ: listening to the mix"

--- Renders the mix with `entries` in place and takes them out again. Adding an FX records an undo step unless it
--- happens in a block, and a block that leaves the project as it was adds none: so all of it is one block in one cycle.
local function mix_with(act, entries, target)
  local groups = capture.prepare(act, { target })
  local targets = {}
  for i, entry in ipairs(entries) do
    targets[i] = entry.target
  end
  presence.check(act, targets)
  return guard.run(function(later)
    later(function()
      reaper.Undo_EndBlock2(act.project, LABEL, -1)
      -- If anything was left behind after all, the step holds it, and it is taken back.
      write.take_back(act.project, LABEL)
    end)
    reaper.Undo_BeginBlock2(act.project)
    render_state.hold_drawing(later)
    for _, entry in ipairs(entries) do
      write.for_a_moment(act, entry, later)
    end
    return capture.now(act, { target }, groups, false, true)
  end)
end

--- The master's entry, heard with `entries` in place: their bands are known, so the files may be enough.
local function mastered(act, entries, target, blend)
  local eqs = {}
  for _, entry in ipairs(entries) do
    local eq = write.with_edits(entry.target, entry.eq, entry.blend)
    eqs[entry.target.track] = { family = entry.target.family, eq = eq }
  end
  local described, why = listening.of_mix(act, target, eqs)
  if described then
    local entry = flow.entry(act, target, { sound = described }, blend)
    if not entry.eq.unreadable then
      return entry
    end
    why = "reaper-aeq cannot read a file of it"
  end
  local path = capture.joined(act, { target }, mix_with(act, entries, target))[1]
  return flow.entry(act, target, { path = path, rendered_because = why }, blend)
end

--- Runs the plan. Silent tracks are left out; the master is left out if the plan names no word for it.
function master.run(act)
  local rules = plan.read(act.settings.plan, act.settings.intensity)
  local targets, blends = targets_of(act, rules)
  check.targets(act, targets)
  local entries = audible_entries(flow.entries(act, targets, blends))
  local blend = plan.blend(rules, "master", true)
  if blend then
    presence.check(act, targets)
    local target = selection.of_track(act, reaper.GetMasterTrack(act.project), "word")
    local entry = mastered(act, entries, target, blend)
    if not flow.is_silent(entry.eq) then
      entries[#entries + 1] = entry
    end
  end
  if #entries == 0 then
    messages.fail("no_audio_tracks")
  end
  write.all(act, act.title, entries)
end

return master
