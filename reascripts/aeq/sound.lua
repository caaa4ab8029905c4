-- Describes what reaches a target's EQ by the items it is made of (wire: Sound), where that is all there is to it: the
-- backend then reads the media itself, and nothing is rendered. Else says why not.

local chain = require("aeq.chain")
local envelopes = require("aeq.envelopes")
local hearing = require("aeq.hearing")
local item_sound = require("aeq.item_sound")
local json = require("aeq.json")
local messages = require("aeq.messages")
local presence = require("aeq.presence")
local reaeq = require("aeq.reaeq")

local sound = {}

local MOST_ITEMS = 20000 -- of one press; the wire's limit for one sound
local IN_CONTAINER = 0x1000000 -- indexes from here on are no places in the chain itself
local BALANCE = { [0] = true, [3] = true } -- pan modes that are one

local function value(track, key)
  return reaper.GetMediaTrackInfo_Value(track, key)
end

local function cannot(why)
  error({ rendered_because = why }, 0)
end

--- The first FX that changes the sound before place `stop` of a chain; `except`: {[index] = true} that do not count.
local function audible_fx(track, stop, except)
  if value(track, "I_FXEN") == 0 then
    return nil
  end
  for fx = 0, stop - 1 do
    local on = reaper.TrackFX_GetEnabled(track, fx) or envelopes.switch(track, fx)
    if on and not except[fx] and not reaper.TrackFX_GetOffline(track, fx) then
      return fx
    end
  end
end

--- Our EQs of a chain that are on, as one; and their places. `instead`: {family, eq} takes the place of that family's.
local function our_eq(track, instead)
  local places, whole = {}, { bands = {}, output_gain_db = 0 }
  local function add(eq)
    for _, band in ipairs(eq.bands) do
      if band.enabled and not band.kind then
        cannot("an EQ of reaper-aeq has a band of a kind that only ReaEQ can compute")
      elseif band.enabled then
        whole.bands[#whole.bands + 1] = {
          kind = band.kind, freq_hz = band.freq_hz, gain_db = band.gain_db, bandwidth_oct = band.bandwidth_oct,
        }
      end
    end
    whole.output_gain_db = whole.output_gain_db + eq.output_gain_db
  end
  local off = value(track, "I_FXEN") == 0
  for _, instance in ipairs(reaeq.ours(track)) do
    local fx = instance.index
    local on = not off and reaper.TrackFX_GetEnabled(track, fx) and not reaper.TrackFX_GetOffline(track, fx)
    if instance.index < IN_CONTAINER then
      places[fx] = true
    end
    if not off and next(envelopes.driven(track, fx)) then
      cannot("an envelope moves an EQ of reaper-aeq")
    elseif instead and instance.family == instead.family then
      on = false
    end
    if on then
      local wet = reaper.TrackFX_GetParamFromIdent(track, fx, ":wet") -- names are translated, idents are not
      if wet >= 0 and reaper.TrackFX_GetParamNormalized(track, fx, wet) < 1 then
        cannot("an EQ of reaper-aeq has its wet/dry mix changed")
      end
      add(reaeq.read(track, fx))
    end
  end
  if instead then
    add(instead.eq)
  end
  if #whole.bands > 0 or whole.output_gain_db ~= 0 then
    whole.bands = json.array(whole.bands)
    return whole, places
  end
  return nil, places
end

local function refuse_moves(track, count, get, why)
  for i = 0, count - 1 do
    local envelope = get(track, i)
    if envelope and envelopes.moves(envelope) then
      cannot(why)
    end
  end
end

--- Audio that comes in from elsewhere.
local function refuse_receives(track)
  for i = 0, reaper.GetTrackNumSends(track, -1) - 1 do
    if reaper.GetTrackSendInfo_Value(track, -1, i, "B_MUTE") == 0
      and reaper.GetTrackSendInfo_Value(track, -1, i, "I_SRCCHAN") >= 0 then
      cannot("other tracks send to it")
    end
  end
end

local PRE_FX = { "<VOLENV", "<PANENV", "<WIDTHENV" }

local function refuse_pre_fx(track)
  refuse_moves(track, #PRE_FX, function(_, i)
    return reaper.GetTrackEnvelopeByChunkName(track, PRE_FX[i + 1])
  end, "an envelope moves it before its FX")
end

local Description = {}
Description.__index = Description

--- What describes the sounds of one press. `tree`: the tracks as they lie in each other now.
function sound.describer(act)
  presence.project(act)
  local children, top = {}, {}
  for i = 0, reaper.CountTracks(act.project) - 1 do
    local track = reaper.GetTrack(act.project, i)
    local parent = reaper.GetParentTrack(track)
    local list = top
    if parent then
      children[parent] = children[parent] or {}
      list = children[parent]
    end
    list[#list + 1] = track
  end
  local rate = math.floor(reaper.GetSetProjectInfo(act.project, "PROJECT_SRATE", 0, false))
  return setmetatable({
    act = act,
    children = children,
    top = top,
    any_solo = reaper.AnyTrackSolo(act.project),
    sample_rate = math.max(8000, math.min(192000, rate > 0 and rate or 44100)),
    left = MOST_ITEMS,
  }, Description)
end

local function name_of(track)
  local _, name = reaper.GetTrackName(track)
  return name
end

local function check_track(project, track)
  if reaper.EnumProjects(-1) ~= project then
    messages.fail("project_switched")
  elseif not reaper.ValidatePtr2(project, track, "MediaTrack*") then
    messages.fail("track_vanished", { track = "A track" })
  end
end

function Description:items(track, chosen, window)
  local items, project = {}, self.act.project
  local count = chosen and #chosen or reaper.GetTrackNumMediaItems(track)
  for i = 1, count do
    -- Thousands of items take a while: REAPER gets its cycles, in which the user may delete some.
    self.act:breathe()
    check_track(project, track)
    local item = chosen and chosen[i] or reaper.GetTrackMediaItem(track, i - 1)
    local there = item and reaper.ValidatePtr2(project, item, "MediaItem*")
    local why = there and item_sound.plays(item) and item_sound.add(items, item, window)
    if why then
      cannot(why)
    elseif chosen and not there then
      messages.fail("item_vanished", { track = name_of(track) })
    end
  end
  self.left = self.left - #items
  if self.left < 0 then
    cannot("there are too many items")
  end
  return #items > 0 and items or nil
end

--- Adds the tracks that sound in `list`, with what lies in them. `parent`: number of their folder.
function Description:add_tracks(tracks, list, parent, window, eqs)
  for _, track in ipairs(list) do
    check_track(self.act.project, track)
    if value(track, "B_MAINSEND") ~= 0 and hearing.audible(self.act.project, track, self.any_solo) then
      self:add_track(tracks, track, parent, window, eqs)
    end
  end
end

local function fader(track)
  local pan, law, mode = value(track, "D_PAN"), value(track, "D_PANLAW"), math.floor(value(track, "I_PANMODE"))
  if not BALANCE[mode] and (pan ~= 0 or value(track, "D_WIDTH") ~= 1) or pan ~= 0 and law >= 0 and law ~= 1 then
    cannot("a track in it has an unusual pan setting")
  elseif value(track, "C_MAINSEND_OFFS") ~= 0 then
    cannot("a track in it goes to other channels")
  elseif value(track, "D_PLAY_OFFSET") ~= 0 and math.floor(value(track, "I_PLAY_OFFSET_FLAG")) & 1 == 0 then
    cannot("a track in it is played earlier or later")
  end
  return value(track, "D_VOL"), pan, value(track, "B_PHASE") ~= 0
end

--- {volume, pan, phase_inverted} of a track's fader, or nil and why they cannot be described.
function sound.fader(track)
  local fine, volume, pan, inverted = pcall(function()
    refuse_moves(track, reaper.CountTrackEnvelopes(track), reaper.GetTrackEnvelope, "an envelope moves it")
    return fader(track)
  end)
  if fine then
    return { volume = volume, pan = pan, phase_inverted = inverted }
  elseif type(volume) == "table" and volume.rendered_because then
    return nil, volume.rendered_because
  end
  error(volume, 0)
end

function Description:add_track(tracks, track, parent, window, eqs)
  refuse_receives(track)
  refuse_moves(track, reaper.CountTrackEnvelopes(track), reaper.GetTrackEnvelope, "an envelope moves a track in it")
  local eq, places = our_eq(track, eqs and eqs[track])
  if audible_fx(track, reaper.TrackFX_GetCount(track), places) then
    cannot("a track in it has FX")
  end
  local volume, pan, inverted = fader(track)
  tracks[#tracks + 1] = {
    parent = parent, items = self:items(track, nil, window), volume = volume, pan = pan, phase_inverted = inverted,
    eq = eq,
  }
  self:add_tracks(tracks, self.children[track] or {}, #tracks - 1, window, eqs)
end

--- The target's own chain: nothing in it may be heard but (with `whole_chain`) our EQ. Returns that.
local function own_chain(target, whole_chain)
  local track = target.track
  local eq, places
  if whole_chain then
    eq, places = our_eq(track)
  end
  local stop = reaper.TrackFX_GetCount(track)
  if not whole_chain then
    stop = chain.own(target) or target.place == "first" and 0 or stop
  end
  local fx = stop >= IN_CONTAINER or audible_fx(track, stop, places or {})
  if fx then
    cannot(reaper.TrackFX_GetInstrument(track) == fx and "an instrument plays on it"
      or whole_chain and "it has FX" or "FX stand before the EQ")
  end
  return eq
end

local function window_of(act, target)
  if #target.items > 0 or not act.settings.time_selection then
    return nil
  end
  local from_s, to_s = reaper.GetSet_LoopTimeRange2(act.project, false, false, 0, 0, false)
  return to_s > from_s and { from_s = from_s, to_s = to_s } or nil
end

function Description:target(target, whole_chain, eqs)
  presence.check(self.act, { target }) -- describing those before it took its time
  local eq = own_chain(target, whole_chain)
  local window = window_of(self.act, target)
  local tracks = {}
  if target.is_master then
    if eq then
      cannot("the master has an EQ")
    end
    self:add_tracks(tracks, self.top, nil, window, eqs)
  else
    refuse_pre_fx(target.track)
    local chosen = #target.items > 0
    if not chosen then
      refuse_receives(target.track)
    end
    tracks[1] = { items = self:items(target.track, chosen and target.items or nil, window), eq = eq }
    if not chosen then
      self:add_tracks(tracks, self.children[target.track] or {}, 0, window, eqs)
    end
  end
  local any = false
  for _, track in ipairs(tracks) do
    any = any or track.items ~= nil
  end
  if not any then
    cannot("no item of it plays")
  end
  local described = { sample_rate = self.sample_rate, tracks = tracks, track = target.is_master and json.null or 0 }
  described.through_eq = eq ~= nil or nil
  return described
end

--- The sound of a target, or nil and why it has to be rendered. `whole_chain`: as it sounds now, everything on.
--- `eqs`: {[track] = {family, eq}} that are about to be set.
function Description:of(target, whole_chain, eqs)
  local left = self.left
  local fine, found = pcall(self.target, self, target, whole_chain, eqs)
  if fine then
    return found
  elseif type(found) == "table" and found.rendered_because then
    self.left = left
    return nil, found.rendered_because
  end
  error(found, 0)
end

return sound
