-- Everything a render touches, saved so that it can be put back exactly (facts sheet, 4: save and restore all keys).

local render_state = {}

-- Post-processing is one bit field (RENDER_NORMALIZE): 0 switches off normalising, limiting, fades, trimming and
-- padding at once, so their own values need not be touched.
local NUMBERS = {
  "RENDER_SETTINGS",
  "RENDER_BOUNDSFLAG",
  "RENDER_STARTPOS",
  "RENDER_ENDPOS",
  "RENDER_CHANNELS",
  "RENDER_SRATE",
  "RENDER_TAILFLAG",
  "RENDER_TAILMS",
  "RENDER_ADDTOPROJ",
  "RENDER_DITHER",
  "RENDER_NORMALIZE",
}
local STRINGS = { "RENDER_FILE", "RENDER_PATTERN", "RENDER_FORMAT", "RENDER_FORMAT2" }

--- Saves the render keys; the function it returns restores those that differ.
function render_state.keys(project)
  local numbers, strings = {}, {}
  for _, key in ipairs(NUMBERS) do
    numbers[key] = reaper.GetSetProjectInfo(project, key, 0, false)
  end
  for _, key in ipairs(STRINGS) do
    local _, text = reaper.GetSetProjectInfo_String(project, key, "", false)
    strings[key] = text
  end
  return function()
    -- Strings first: a new format may change numbers that belong to it.
    for _, key in ipairs(STRINGS) do
      reaper.GetSetProjectInfo_String(project, key, strings[key], true)
    end
    for _, key in ipairs(NUMBERS) do
      if reaper.GetSetProjectInfo(project, key, 0, false) ~= numbers[key] then
        reaper.GetSetProjectInfo(project, key, numbers[key], true)
      end
    end
  end
end

local function all_tracks(project)
  local tracks = { reaper.GetMasterTrack(project) }
  for i = 0, reaper.CountTracks(project) - 1 do
    tracks[#tracks + 1] = reaper.GetTrack(project, i)
  end
  return tracks
end

--- Selects exactly `wanted` (a set of tracks). Returns the function that selects what was selected before.
function render_state.select_tracks(project, wanted)
  local changed = {}
  for _, track in ipairs(all_tracks(project)) do
    local is, want = reaper.IsTrackSelected(track), wanted[track] == true
    if is ~= want then
      reaper.SetTrackSelected(track, want)
      changed[#changed + 1] = { track, is }
    end
  end
  return function()
    for _, entry in ipairs(changed) do
      reaper.SetTrackSelected(entry[1], entry[2])
    end
  end
end

local function already_selected(project, wanted)
  local count = 0
  for item in pairs(wanted) do
    if not reaper.IsMediaItemSelected(item) then
      return false
    end
    count = count + 1
  end
  return reaper.CountSelectedMediaItems(project) == count
end

--- The same for items. Most presses are about just what is selected, and then no item is touched.
function render_state.select_items(project, wanted)
  local changed = {}
  if already_selected(project, wanted) then
    return function() end
  end
  for i = 0, reaper.CountMediaItems(project) - 1 do
    local item = reaper.GetMediaItem(project, i)
    local is, want = reaper.IsMediaItemSelected(item), wanted[item] == true
    if is ~= want then
      reaper.SetMediaItemSelected(item, want)
      changed[#changed + 1] = { item, is }
    end
  end
  return function()
    for _, entry in ipairs(changed) do
      reaper.SetMediaItemSelected(entry[1], entry[2])
    end
  end
end

--- Bypasses the FX of a track from position `from` on, as far as they are on. Returns the function that undoes it.
function render_state.bypass_from(track, from)
  local changed = {}
  for fx = from, reaper.TrackFX_GetCount(track) - 1 do
    if reaper.TrackFX_GetEnabled(track, fx) then
      reaper.TrackFX_SetEnabled(track, fx, false)
      changed[#changed + 1] = fx
    end
  end
  return function()
    for _, fx in ipairs(changed) do
      reaper.TrackFX_SetEnabled(track, fx, true)
    end
  end
end

--- Cursor, time selection, loop and playback: a render may stop playback and move the cursor.
function render_state.transport(project)
  local state, cursor = reaper.GetPlayStateEx(project), reaper.GetCursorPositionEx(project)
  local position = reaper.GetPlayPositionEx(project)
  local spans = {}
  for _, is_loop in ipairs({ false, true }) do
    spans[is_loop] = { reaper.GetSet_LoopTimeRange2(project, false, is_loop, 0, 0, false) }
  end
  return function()
    for is_loop, span in pairs(spans) do
      local from, to = reaper.GetSet_LoopTimeRange2(project, false, is_loop, 0, 0, false)
      if from ~= span[1] or to ~= span[2] then
        reaper.GetSet_LoopTimeRange2(project, true, is_loop, span[1], span[2], false)
      end
    end
    if state & 3 ~= 0 and reaper.GetPlayStateEx(project) & 3 == 0 then
      reaper.SetEditCurPos2(project, position, false, false)
      reaper.OnPlayButtonEx(project)
      if state & 2 ~= 0 then
        reaper.OnPauseButtonEx(project)
      end
    end
    if reaper.GetCursorPositionEx(project) ~= cursor then
      reaper.SetEditCurPos2(project, cursor, false, false)
    end
  end
end

return render_state
