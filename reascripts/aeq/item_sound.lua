-- Describes items as the backend reads them (wire: ItemInfo): which part of which file, and how it is played.

local envelopes = require("aeq.envelopes")

local item_sound = {}

-- Sources whose sound is not in a file of their own, as REAPER calls them.
local NOT_FILES = {
  MIDI = true, MIDIPOOL = true, VIDEO = true, VIDEOEFFECT = true, LTC = true, CLICK = true, RPP_PROJECT = true,
  SUBPROJECT = true, EMPTY = true, OFFLINE = true,
}
local MOST_SECTIONS = 8 -- of the wire

--- File and sections of a source, those nearest to the file first; or nil and why there are none.
local function media(source)
  local sections = {}
  local inner = reaper.GetMediaSourceParent(source)
  while inner do
    -- A section or a reversed source wraps the one that has the file.
    local ok, start_s, length_s, reverse = reaper.PCM_Source_GetSectionInfo(source)
    if not ok or #sections == MOST_SECTIONS then
      return nil, "an item's source is nested too deeply"
    end
    table.insert(sections, 1, { start_s = start_s, length_s = length_s > 0 and length_s or nil, reverse = reverse })
    source, inner = inner, reaper.GetMediaSourceParent(inner)
  end
  local kind, file = reaper.GetMediaSourceType(source), reaper.GetMediaSourceFileName(source)
  if NOT_FILES[kind] then
    return nil, kind:match("^MIDI") and "MIDI is played by an instrument" or "an item's sound is in no audio file"
  elseif not file:match("^[/\\]") and not file:match("^%a:[/\\]") then
    return nil, "an item's file has no full path"
  end
  return file, sections
end

--- Why a take's sound is not in its file alone; nil if it is.
local function shaped(take)
  for fx = 0, reaper.TakeFX_GetCount(take) - 1 do
    if reaper.TakeFX_GetEnabled(take, fx) and not reaper.TakeFX_GetOffline(take, fx) then
      return "an item has FX of its own"
    end
  end
  if reaper.GetTakeNumStretchMarkers(take) > 0 then
    return "an item has stretch markers"
  end
  for i = 0, reaper.CountTakeEnvelopes(take) - 1 do
    if envelopes.moves(reaper.GetTakeEnvelope(take, i)) then
      return "an item has an envelope"
    end
  end
end

local function fade(item, which)
  local function value(key)
    return reaper.GetMediaItemInfo_Value(item, key)
  end
  local automatic = value(("D_FADE%sLEN_AUTO"):format(which)) -- a crossfade; it takes the place of the other
  local length_s = automatic > 0 and automatic or value(("D_FADE%sLEN"):format(which))
  if length_s > 0 then
    local shape = math.floor(value(("C_FADE%sSHAPE"):format(which)))
    return { length_s = length_s, shape = math.max(0, math.min(6, shape)) }
  end
end

local function describe(item, take)
  local source = reaper.GetMediaItemTake_Source(take)
  if reaper.TakeIsMIDI(take) or not source then
    return nil, "MIDI is played by an instrument"
  end
  local why = shaped(take)
  local file, sections = media(source)
  if why or not file then
    return nil, why or sections
  end
  local function of_item(key)
    return reaper.GetMediaItemInfo_Value(item, key)
  end
  local function of_take(key)
    return reaper.GetMediaItemTakeInfo_Value(take, key)
  end
  local pan, law = of_take("D_PAN"), of_take("D_PANLAW")
  if pan ~= 0 and law >= 0 and law ~= 1 then
    return nil, "an item has a pan law of its own"
  end
  local info = {
    file = file,
    position_s = of_item("D_POSITION"),
    length_s = of_item("D_LENGTH"),
    offset_s = of_take("D_STARTOFFS"),
    rate = of_take("D_PLAYRATE"),
    preserve_pitch = of_take("B_PPITCH") ~= 0,
    pitch_semitones = of_take("D_PITCH"),
    channel_mode = math.floor(of_take("I_CHANMODE")),
    volume = of_item("D_VOL"),
    take_volume = of_take("D_VOL"), -- negative: the polarity is flipped
    pan = pan,
    loop = of_item("B_LOOPSRC") ~= 0,
    fade_in = fade(item, "IN"),
    fade_out = fade(item, "OUT"),
  }
  info.sections = #sections > 0 and sections or nil
  return info
end

local DEFAULTS = {
  offset_s = 0, rate = 1, preserve_pitch = false, pitch_semitones = 0, channel_mode = 0, volume = 1, take_volume = 1,
  pan = 0, loop = false,
}

--- Takes away what goes without saying: a press of a thousand items shall be a short message.
local function brief(info)
  for key, default in pairs(DEFAULTS) do
    if info[key] == default then
      info[key] = nil
    end
  end
  return info
end

--- The part of a described item between two times; nil if nothing of it lies there.
local function cut(info, from_s, to_s)
  local start_s, end_s = info.position_s, info.position_s + info.length_s
  local first_s, last_s = math.max(start_s, from_s), math.min(end_s, to_s)
  if last_s <= first_s then
    return nil
  end
  local function shorter(part, by_s)
    if part and part.length_s > by_s then
      return { length_s = part.length_s - by_s, shape = part.shape }
    end
  end
  info.offset_s = info.offset_s + (first_s - start_s) * info.rate
  info.position_s, info.length_s = first_s, last_s - first_s
  info.fade_in, info.fade_out = shorter(info.fade_in, first_s - start_s), shorter(info.fade_out, end_s - last_s)
  return info
end

--- Does an item sound: not muted, with a take, in a lane that plays?
function item_sound.plays(item)
  if reaper.GetMediaItemInfo_Value(item, "B_MUTE") ~= 0 then
    return false
  end
  local track = reaper.GetMediaItemTrack(item)
  -- With fixed lanes (2) only those that play count; older versions answer 0 for what they do not know.
  return reaper.GetMediaTrackInfo_Value(track, "I_FREEMODE") ~= 2
    or reaper.GetMediaItemInfo_Value(item, "C_LANEPLAYS") > 0
end

--- Adds the takes of an item that sound to `list`, cut to `window` {from_s, to_s} if there is one. Returns why that
--- cannot be; nil if it could.
function item_sound.add(list, item, window)
  local takes = { reaper.GetActiveTake(item) }
  if reaper.GetMediaItemInfo_Value(item, "B_ALLTAKESPLAY") ~= 0 then
    takes = {}
    for i = 0, reaper.CountTakes(item) - 1 do
      takes[#takes + 1] = reaper.GetTake(item, i) -- nil for an empty one
    end
  end
  for _, take in ipairs(takes) do
    local info, why = describe(item, take)
    if not info then
      return why
    end
    info = not window and info or cut(info, window.from_s, window.to_s)
    if info then
      list[#list + 1] = brief(info)
    end
  end
end

return item_sound
