-- Everything a render touches, saved so that it can be put back exactly (docs/reaper.md, 7).

local chain = require("aeq.chain")
local envelopes = require("aeq.envelopes")
local hearing = require("aeq.hearing")
local messages = require("aeq.messages")

local render_state = {}

-- Post-processing is one bit field (RENDER_NORMALIZE): 0 switches off normalizing, limiting, fades, trimming and
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

local function still_open(project)
  return reaper.ValidatePtr2(0, project, "ReaProject*")
end

--- What is put back may be gone by then: a render in the background takes its time.
local function still_there(project, pointer, kind)
  return still_open(project) and reaper.ValidatePtr2(project, pointer, kind)
end

--- Deletes a track of ours, if it is still there.
function render_state.delete_track(project, track)
  if still_there(project, track, "MediaTrack*") then
    reaper.DeleteTrack(track)
  end
end

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
    if not still_open(project) then
      return
    end
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
      if still_there(project, entry[1], "MediaTrack*") then
        reaper.SetTrackSelected(entry[1], entry[2])
      end
    end
  end
end

--- Sets a value of a track for a moment. What the user has made of it since stays.
local function change(project, track, key, value, later)
  local was = reaper.GetMediaTrackInfo_Value(track, key)
  later(function()
    if still_there(project, track, "MediaTrack*") and reaper.GetMediaTrackInfo_Value(track, key) == value then
      reaper.SetMediaTrackInfo_Value(track, key, was)
    end
  end)
  reaper.SetMediaTrackInfo_Value(track, key, value)
end

--- Armed tracks that are monitored would play what comes in at their inputs into a render.
function render_state.disarm(project, later)
  for _, track in ipairs(all_tracks(project)) do
    local armed = reaper.GetMediaTrackInfo_Value(track, "I_RECARM")
    if armed ~= 0 and reaper.GetMediaTrackInfo_Value(track, "I_RECMON") ~= 0 then
      change(project, track, "I_RECARM", 0, later)
    end
  end
end

local function lies_in(track, targets)
  local above = reaper.GetParentTrack(track)
  while above do
    if targets[above] then
      return true
    end
    above = reaper.GetParentTrack(above)
  end
  return false
end

--- Switches every solo off: in one REAPER the stems of soloed tracks were silent. What a solo silences inside of the
--- tracks to be rendered (a set) is muted in its place.
function render_state.lift_solos(project, targets, later)
  if not reaper.AnyTrackSolo(project) then
    return
  end
  local tracks, silent = all_tracks(project), {}
  for _, track in ipairs(tracks) do
    local inside = lies_in(track, targets) and reaper.GetMediaTrackInfo_Value(track, "B_MUTE") == 0
    silent[#silent + 1] = inside and not targets[track] and not hearing.audible(project, track, true) and track or nil
  end
  for _, track in ipairs(silent) do
    change(project, track, "B_MUTE", 1, later)
  end
  for _, track in ipairs(tracks) do
    if reaper.GetMediaTrackInfo_Value(track, "I_SOLO") ~= 0 then
      change(project, track, "I_SOLO", 0, later)
    end
  end
end

--- The receives of a track by what they are: {[route] = {{place, muted}, ..., source, guid}}.
local function receives(track)
  local routes = {}
  for i = 0, reaper.GetTrackNumSends(track, -1) - 1 do
    local function value(key)
      return reaper.GetTrackSendInfo_Value(track, -1, i, key)
    end
    local source = value("P_SRCTRACK")
    local guid = reaper.GetTrackGUID(source)
    local route = table.concat({ guid, value("I_SRCCHAN"), value("I_DSTCHAN"), value("I_MIDIFLAGS") }, " ")
    routes[route] = routes[route] or { source = source, guid = guid }
    table.insert(routes[route], { place = i, muted = value("B_MUTE") ~= 0 })
  end
  return routes
end

--- Mutes the receives of a track. The user may add, delete or move receives and tracks while a render goes on in the
--- background, so they are found again by their route and not by their place; `tell` is for what cannot be found.
local function mute_receives(project, track, later, tell)
  local before = receives(track)
  later(function()
    if not still_there(project, track, "MediaTrack*") then
      return
    end
    local left, lost, doubtful = receives(track), {}, nil
    for route, were in pairs(before) do
      local are = left[route]
      local known = are and #are == #were
      for n, one in ipairs(were) do
        if known and are[n].muted and not one.muted then
          reaper.SetTrackSendInfo_Value(track, -1, are[n].place, "B_MUTE", 0)
        end
        lost[were.guid] = lost[were.guid] or not known and not one.muted
      end
      left[route] = not known and are or nil
    end
    for _, list in pairs(left) do
      for _, one in ipairs(list) do
        doubtful = one.muted and lost[list.guid] and list.source or doubtful
      end
    end
    if doubtful then
      local _, name = reaper.GetTrackName(track)
      local _, source = reaper.GetTrackName(doubtful)
      tell(messages.text("receive_lost", { track = name, source = source }))
    end
  end)
  for _, list in pairs(before) do
    for _, one in ipairs(list) do
      if not one.muted then
        reaper.SetTrackSendInfo_Value(track, -1, one.place, "B_MUTE", 1)
      end
    end
  end
end

--- Keeps what comes from other tracks, its folder's children and receives, out of a track: chosen items are heard by
--- themselves. The others are still heard where they are rendered. `tell`: says what could not be put back.
function render_state.cut_off(project, track, later, tell)
  for _, child in ipairs(all_tracks(project)) do
    if reaper.GetParentTrack(child) == track and reaper.GetMediaTrackInfo_Value(child, "B_MAINSEND") ~= 0 then
      change(project, child, "B_MAINSEND", 0, later)
    end
  end
  mute_receives(project, track, later, tell)
end

--- Would REAPER record what is written on a track in this automation mode (touch, write, latch)? nil for no mode known.
function render_state.records(mode)
  return mode and mode >= 2 and mode <= 5
end

--- Keeps what is written on this track out of its automation: in touch, write and latch modes REAPER would record it.
--- Returns the function that puts the mode back.
function render_state.no_recording(project, track)
  local restore = function() end
  if render_state.records(reaper.GetMediaTrackInfo_Value(track, "I_AUTOMODE")) then
    change(project, track, "I_AUTOMODE", 0, function(put_back)
      restore = put_back
    end)
  end
  return restore
end

--- Switches an FX on or off without an undo step: TrackFX_SetEnabled records one by itself, the parameter that REAPER
--- adds to every FX does not. That one is translated and moves with the plug-in's own; its ident does neither.
function render_state.switch(track, fx, on)
  local parameter = reaper.TrackFX_GetParamFromIdent(track, fx, ":bypass")
  if parameter >= 0 then
    reaper.TrackFX_SetParam(track, fx, parameter, on and 0 or 1)
  end
  if reaper.TrackFX_GetEnabled(track, fx) ~= on then
    reaper.TrackFX_SetEnabled(track, fx, on)
  end
end

--- Bypasses the FX at `from` and all that the sound passes after it, as far as they are on.
function render_state.bypass_from(project, track, from, later)
  for _, entry in ipairs(chain.from(track, from)) do
    if envelopes.switch(track, entry.index) and not reaper.TrackFX_GetOffline(track, entry.index) then
      local _, name = reaper.GetTrackName(track)
      local _, fx = reaper.TrackFX_GetFXName(track, entry.index)
      messages.fail("envelope_switches", { fx = fx, track = name })
    end
  end
  later(render_state.no_recording(project, track))
  for _, entry in ipairs(chain.from(track, from)) do
    if reaper.TrackFX_GetEnabled(track, entry.index) then
      later(function()
        -- the user may have moved it since
        local now = still_there(project, track, "MediaTrack*") and chain.find(track, entry.guid)
        if now then
          render_state.switch(track, now, true)
        end
      end)
      render_state.switch(track, entry.index, false)
    end
  end
end

--- Mutes the items of a track that are not `wanted` (a set) and overlap `from_s` .. `to_s`.
function render_state.mute_others(project, track, wanted, from_s, to_s, later)
  for i = 0, reaper.GetTrackNumMediaItems(track) - 1 do
    local item = reaper.GetTrackMediaItem(track, i)
    local start_s = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
    local end_s = start_s + reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
    if not wanted[item] and start_s < to_s and end_s > from_s
      and reaper.GetMediaItemInfo_Value(item, "B_MUTE") == 0 then
      later(function()
        if still_there(project, item, "MediaItem*") then
          reaper.SetMediaItemInfo_Value(item, "B_MUTE", 0)
        end
      end)
      reaper.SetMediaItemInfo_Value(item, "B_MUTE", 1)
    end
  end
end

local drawing_held = false

local function hold_drawing(on)
  if drawing_held ~= on then
    drawing_held = on
    reaper.PreventUIRefresh(on and 1 or -1)
  end
end

--- REAPER draws nothing until the guard of `later` ends or `render_state.wait` is called.
function render_state.hold_drawing(later)
  later(function()
    hold_drawing(false)
  end)
  hold_drawing(true)
end

--- The edit cursor, the time selection and the loop: {{cursor}, {from, to}, {from, to}}.
local function marks(project)
  local found = { { reaper.GetCursorPositionEx(project) } }
  for n, is_loop in ipairs({ false, true }) do
    found[n + 1] = { reaper.GetSet_LoopTimeRange2(project, false, is_loop, 0, 0, false) }
  end
  return found
end

local function same_mark(a, b)
  return a[1] == b[1] and a[2] == b[2]
end

local kept -- {project, marks} that are to be put back; `left`: where they stood when REAPER got its cycle

--- What the user has moved in REAPER's cycle is to stay where it is.
local function follow_user()
  if kept and kept.left and still_open(kept.project) then
    for n, mark in ipairs(marks(kept.project)) do
      kept.marks[n] = same_mark(mark, kept.left[n]) and kept.marks[n] or mark
    end
    kept.left = nil
  end
end

--- Gives REAPER a cycle in the middle of all this; its window must not stand still meanwhile.
function render_state.wait(act)
  hold_drawing(false)
  if kept and still_open(kept.project) then
    kept.left = marks(kept.project)
  end
  act:wait()
  follow_user()
  hold_drawing(true)
end

--- Cursor, time selection, loop and playback: a render may stop playback and move the cursor.
function render_state.transport(project)
  local state, position = reaper.GetPlayStateEx(project), reaper.GetPlayPositionEx(project)
  local mine = { project = project, marks = marks(project) }
  kept = mine
  return function()
    follow_user() -- where the user stopped it in that cycle
    kept = nil
    local cursor, spans = mine.marks[1], { [false] = mine.marks[2], [true] = mine.marks[3] }
    if not still_open(project) then
      return
    end
    for is_loop, span in pairs(spans) do
      if not same_mark(span, { reaper.GetSet_LoopTimeRange2(project, false, is_loop, 0, 0, false) }) then
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
    if reaper.GetCursorPositionEx(project) ~= cursor[1] then
      reaper.SetEditCurPos2(project, cursor[1], false, false)
    end
  end
end

return render_state
