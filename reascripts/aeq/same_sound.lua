-- Some REAPERs gave the whole mix for a track without items, for every such track the same, and said nothing. Stems
-- that are alike to the byte are therefore held against the mix; two tracks with one sound are alike without being it.

local hearing = require("aeq.hearing")
local messages = require("aeq.messages")
local wav = require("aeq.wav")

local same_sound = {}

--- Targets whose files are alike, of the first sound that occurs twice: {target, ...}, or nil. Silence is not a sound.
local function alike(group, paths)
  for i, one in ipairs(group.targets) do
    local list = { one }
    for n = i + 1, #group.targets do
      local other = group.targets[n]
      if wav.same(paths[one.number], paths[other.number]) then
        list[#list + 1] = other
      end
    end
    if #list > 1 then
      return list
    end
  end
end

--- Does a track sound that lies in none of the target's folders? Else the mix is the target's sound, and rightly so.
local function others_sound(act, target)
  local any_solo = reaper.AnyTrackSolo(act.project)
  for i = 0, reaper.CountTracks(act.project) - 1 do
    local track = reaper.GetTrack(act.project, i)
    local above = track
    while above and above ~= target.track do
      above = reaper.GetParentTrack(above)
    end
    local has_sound = reaper.GetTrackNumMediaItems(track) > 0 or reaper.GetTrackNumSends(track, -1) > 0
    if not above and has_sound and hearing.audible(act.project, track, any_solo) then
      return true
    end
  end
  return false
end

--- Fails if the stems of a group, {[track number] = path}, are the mix. `render_mix()` renders that with the same FX on
--- and off, and returns {[-1] = path} or nil.
function same_sound.check(act, group, paths, render_mix)
  local list, others = group.how == "stem" and #group.targets > 1 and alike(group, paths) or {}, false
  for _, target in ipairs(list) do
    others = others or others_sound(act, target)
  end
  if not others then
    return
  end
  local mix = render_mix()
  if mix and wav.same(mix[-1], paths[list[1].number]) then
    messages.fail("stems_are_mix", { track = list[1].name })
  end
end

return same_sound
