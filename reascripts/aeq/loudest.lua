-- Where a track has most sound, by its items' files and notes: of what is too long, that part is rendered.

local presence = require("aeq.presence")

local loudest = {}

local PROBE_S, PROBE_HZ = 0.25, 8000 -- short looks at a low rate: REAPER seeks and resamples
local NOTE = 0.01 -- what a held note counts; files count their mean square
local MOST_BINS, SHORTEST_BIN_S = 24, 5

local function value(item, key)
  return reaper.GetMediaItemInfo_Value(item, key)
end

--- An item that is heard: not muted, and on a track with fixed lanes in a lane that plays.
function loudest.plays(item)
  if value(item, "B_MUTE") ~= 0 then
    return false
  end
  local track = reaper.GetMediaItemTrack(item)
  return reaper.GetMediaTrackInfo_Value(track, "I_FREEMODE") ~= 2 or value(item, "C_LANEPLAYS") > 0
end

local function add_items(list, track)
  for i = 0, reaper.GetTrackNumMediaItems(track) - 1 do
    local item = reaper.GetTrackMediaItem(track, i)
    if loudest.plays(item) then
      list[#list + 1] = item
    end
  end
end

--- The items that a target sounds of: its own selected ones; else its track's, its folder's, and everything for what
--- has receives or is the master.
function loudest.items_of(act, target)
  if #target.items > 0 then
    return target.items
  end
  local list = {}
  local place = math.floor(reaper.GetMediaTrackInfo_Value(target.track, "IP_TRACKNUMBER")) - 1 -- where it stands now
  local first, last = place, place
  if target.is_master or reaper.GetTrackNumSends(target.track, -1) > 0 then
    first, last = 0, reaper.CountTracks(act.project) - 1
  else
    local depth = reaper.GetMediaTrackInfo_Value(target.track, "I_FOLDERDEPTH")
    while depth > 0 and last < reaper.CountTracks(act.project) - 1 do -- a folder's children follow it
      last = last + 1
      depth = depth + reaper.GetMediaTrackInfo_Value(reaper.GetTrack(act.project, last), "I_FOLDERDEPTH")
    end
  end
  for i = first, last do
    add_items(list, i == place and target.track or reaper.GetTrack(act.project, i))
  end
  return list
end

--- Mean square of `count` samples, those that are no numbers left out.
local function power_of(buffer, count)
  local sum = 0
  for _, sample in ipairs(buffer.table(1, count)) do
    if sample == sample and math.abs(sample) < 1e6 then
      sum = sum + sample * sample
    end
  end
  return sum / count
end

local function audio_power(item, take, at_s)
  local count = math.floor(PROBE_S * PROBE_HZ)
  local buffer = reaper.new_array(count)
  buffer.clear() -- a failed read leaves what was there
  local accessor = reaper.CreateTakeAudioAccessor(take)
  -- its times begin at the item's start, whatever the take's offset and rate
  local answer = reaper.GetAudioAccessorSamples(accessor, PROBE_HZ, 1, at_s - value(item, "D_POSITION"), count, buffer)
  reaper.DestroyAudioAccessor(accessor)
  if answer ~= 1 then
    return 0
  end
  -- volumes are not in an accessor's samples
  local gain = value(item, "D_VOL") * reaper.GetMediaItemTakeInfo_Value(take, "D_VOL")
  return power_of(buffer, count) * gain * gain
end

local function add_notes(powers, take, from_s, bin_s, bins)
  local _, notes = reaper.MIDI_CountEvts(take)
  for n = 0, notes - 1 do
    local _, _, muted, start_ppq, end_ppq = reaper.MIDI_GetNote(take, n)
    local start_s = reaper.MIDI_GetProjTimeFromPPQPos(take, start_ppq)
    local end_s = reaper.MIDI_GetProjTimeFromPPQPos(take, end_ppq)
    for bin = math.max(0, math.floor((start_s - from_s) / bin_s)), math.min(bins - 1, (end_s - from_s) // bin_s) do
      local held_s = math.min(end_s, from_s + (bin + 1) * bin_s) - math.max(start_s, from_s + bin * bin_s)
      powers[bin + 1] = powers[bin + 1] + (muted and 0 or NOTE * math.max(0, held_s) / bin_s)
    end
  end
end

--- How strong a target sounds between two times, in parts of equal length: powers, and seconds a part.
function loudest.profile(act, target, from_s, to_s)
  local bin_s = math.max(SHORTEST_BIN_S, (to_s - from_s) / MOST_BINS)
  local bins, powers = math.ceil((to_s - from_s) / bin_s), {}
  for bin = 1, bins do
    powers[bin] = 0
  end
  presence.whole(act, target)
  for _, item in ipairs(loudest.items_of(act, target)) do
    presence.item(act, item, target.name)
    local take = reaper.GetActiveTake(item)
    local start_s = value(item, "D_POSITION")
    local end_s = start_s + value(item, "D_LENGTH")
    if take and reaper.TakeIsMIDI(take) then
      add_notes(powers, take, from_s, bin_s, bins)
    elseif take then
      for bin = 0, bins - 1 do
        local at_s = math.max(from_s + (bin + 0.5) * bin_s, start_s)
        if at_s + PROBE_S <= end_s and at_s < from_s + (bin + 1) * bin_s then
          -- inside a coroutine REAPER answers nil and leaves the buffer as it was, which looks like silence
          powers[bin + 1] = powers[bin + 1] + act:on_main(function()
            return audio_power(item, take, at_s)
          end)
        end
        act:breathe()
        presence.item(act, item, target.name)
      end
    end
  end
  return powers, bin_s
end

return loudest
