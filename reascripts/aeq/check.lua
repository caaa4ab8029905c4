-- Before anything is rendered: can these targets be heard, and may their tracks be changed?

local chain = require("aeq.chain")
local hearing = require("aeq.hearing")
local loudest = require("aeq.loudest")
local messages = require("aeq.messages")
local offline = require("aeq.offline")
local presence = require("aeq.presence")
local reaeq = require("aeq.reaeq")

local check = {}

--- Looked up once a press: with thousands of items it is a long way.
local function offline_by_preference(act)
  if act.offline_by_preference == nil then
    act.offline_by_preference = offline.by_preference(act.project)
  end
  return act.offline_by_preference
end

local function check_item(act, target, item)
  local take = reaper.GetActiveTake(item)
  local source = take and reaper.GetMediaItemTake_Source(take)
  if not source then
    messages.fail("empty_item", { track = target.name })
  elseif reaper.TakeIsMIDI(take) then
    return
  end
  source = offline.media(source)
  local file = reaper.GetMediaSourceFileName(source)
  if file ~= "" and not reaper.file_exists(file) then
    messages.fail("missing_file", { track = target.name, file = file })
  end
  if offline.is(source) then
    if file == "" or reaper.GetMediaSourceSampleRate(source) > 0 then -- it is there, but holds nothing
      messages.fail("empty_item", { track = target.name })
    elseif not offline_by_preference(act) then
      messages.fail("offline_file", { track = target.name, file = file })
    end
  end
  if reaper.GetMediaItemInfo_Value(item, "D_LENGTH") <= 0 then
    messages.fail("empty_item", { track = target.name })
  end
end

--- A chunk holds the state of every FX: with a sampler on the track it takes REAPER long to write one. ReaEQs and JSFX
--- are light.
local function is_light(track)
  for _, entry in ipairs(chain.all(track)) do
    local ok, kind = reaper.TrackFX_GetNamedConfigParm(track, entry.index, "fx_type")
    if not (ok and kind == "JS" or entry.is_container or reaeq.is_reaeq(track, entry.index)) then
      return false
    end
  end
  return true
end

--- The lines of a track chunk that are about the track itself, and whether it holds a frozen state.
local function track_lines(track)
  local ok, chunk = reaper.GetTrackStateChunk(track, "", false)
  if not ok then
    return "", false
  end
  return chunk:match("^[^\n]*(.-)\n%s*[<>]") or "", chunk:find("\n%s*<FREEZE") ~= nil
end

--- Stops if the user has locked or frozen the track. Neither has a call of its own: `LOCK 1` and `<FREEZE` are lines
--- of its chunk. (A frozen track has given its FX away, so it is light.)
function check.refuse_closed(track, name)
  local lines, frozen = track_lines(track)
  if frozen then
    messages.fail("frozen_track", { track = name })
  elseif lines:find("\n%s*LOCK 1") then
    messages.fail("locked_track", { track = name })
  end
end

--- The same, for a track that has to be changed but not heard; heavy ones are found out when a write fails.
function check.may_change(track, name)
  local is_master = reaper.GetMediaTrackInfo_Value(track, "IP_TRACKNUMBER") < 0
  if not is_master and is_light(track) then
    check.refuse_closed(track, name)
  end
end

local function check_track(target)
  local track = target.track
  if reaper.GetMediaTrackInfo_Value(track, "I_FXEN") == 0 and reaper.TrackFX_GetCount(track) > 0 then
    messages.fail("fx_off", { track = target.name })
  end
  check.may_change(track, target.name)
end

--- The chosen items without those in a lane that does not play; fails if that leaves none.
local function check_lanes(target)
  local kept = {}
  for _, item in ipairs(target.items) do
    local muted = reaper.GetMediaItemInfo_Value(item, "B_MUTE") ~= 0
    kept[#kept + 1] = (muted or loudest.plays(item)) and item or nil
  end
  if #kept == 0 and #target.items > 0 then
    messages.fail("silent_lane", { track = target.name })
  end
  target.items = kept
end

--- Writes would be recorded as automation. A track's own mode is changed while we write; this one is the user's.
local function check_override()
  if reaper.APIExists("GetGlobalAutomationOverride") then
    local mode = reaper.GetGlobalAutomationOverride()
    if mode >= 2 and mode <= 5 then
      messages.fail("automation_override")
    end
  end
end

--- Throws the first failure that can be known before rendering. Long selections are looked at over several cycles.
function check.targets(act, targets)
  presence.project(act)
  if reaper.GetPlayStateEx(act.project) & 4 ~= 0 then
    messages.fail("recording")
  end
  check_override()
  local any_solo = reaper.AnyTrackSolo(act.project)
  presence.each(act, targets, function(target)
    check_track(target)
    for _, item in ipairs(target.items) do
      presence.item(act, item, target.name)
    end
    check_lanes(target)
    for _, item in ipairs(target.items) do
      presence.item(act, item, target.name)
      check_item(act, target, item)
      act:breathe()
    end
    presence.check(act, { target })
    if target.how == "stem" and #target.items == 0 then
      for i = 0, reaper.GetTrackNumMediaItems(target.track) - 1 do
        local item = reaper.GetTrackMediaItem(target.track, i)
        local take = item and reaper.GetActiveTake(item) -- the user may have deleted some
        target.midi = target.midi or take and reaper.TakeIsMIDI(take)
        if take and loudest.plays(item) then
          check_item(act, target, item)
        end
        act:breathe()
        presence.check(act, { target })
      end
    end
    if target.how == "stem" then
      if not hearing.has_input(target.track) then
        messages.fail("empty_track", { track = target.name })
      elseif not hearing.audible(act.project, target.track, any_solo) then
        messages.fail("muted_track", { track = target.name })
      end
    end
    if target.midi and not hearing.has_instrument(target.track) then
      messages.fail("midi_without_instrument", { track = target.name })
    end
  end)
end

return check
