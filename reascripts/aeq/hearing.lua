-- Can a track be heard at all: mute, solo, instruments, something that reaches it.

local chain = require("aeq.chain")

local hearing = {}

local function value(track, key)
  return reaper.GetMediaTrackInfo_Value(track, key)
end

local function soloed_around(project, track)
  local above = track
  while above do
    if value(above, "I_SOLO") ~= 0 then
      return true
    end
    above = reaper.GetParentTrack(above)
  end
  for i = 0, reaper.CountTracks(project) - 1 do -- a soloed child is heard through its folder
    local child = reaper.GetTrack(project, i)
    local parent = value(child, "I_SOLO") ~= 0 and reaper.GetParentTrack(child) or nil
    while parent do
      if parent == track then
        return true
      end
      parent = reaper.GetParentTrack(parent)
    end
  end
  return value(track, "B_SOLO_DEFEAT") ~= 0
end

--- A stem of a track that is muted, or silenced by a solo elsewhere, is silence.
function hearing.audible(project, track, any_solo)
  local above = track
  while above do
    if value(above, "B_MUTE") ~= 0 then
      return false
    end
    above = reaper.GetParentTrack(above)
  end
  return not any_solo or soloed_around(project, track)
end

local function is_instrument(track, fx)
  -- A JSFX may be an instrument; TrackFX_GetInstrument knows only plug-ins that say they are one (VSTi, AUi, CLAPi).
  local ok, kind = reaper.TrackFX_GetNamedConfigParm(track, fx, "fx_type")
  if not ok then -- older REAPER: the shown name begins with the type
    local _, name = reaper.TrackFX_GetFXName(track, fx)
    kind = name:match("^(%w+):") or ""
  end
  return kind == "JS" or kind:match("i$") ~= nil
end

local function is_on(track, fx)
  return reaper.TrackFX_GetEnabled(track, fx) and not reaper.TrackFX_GetOffline(track, fx)
end

--- Is there an instrument that is on, in containers too?
function hearing.has_instrument(track)
  if reaper.GetMediaTrackInfo_Value(track, "I_FXEN") == 0 then
    return false
  end
  for _, entry in ipairs(chain.all(track)) do
    local on, inside = is_on(track, entry.index), entry.inside
    while inside do
      on, inside = on and is_on(track, inside.index), inside.inside
    end
    if on and not entry.is_container and is_instrument(track, entry.index) then
      return true
    end
  end
  return false
end

--- Does anything reach this track: items of its own, children, receives?
function hearing.has_input(track)
  return reaper.GetTrackNumMediaItems(track) > 0
    or reaper.GetTrackNumSends(track, -1) > 0
    or value(track, "I_FOLDERDEPTH") > 0
end

return hearing
