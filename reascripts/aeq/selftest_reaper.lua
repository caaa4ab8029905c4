-- Self-test of REAPER itself: preferences that a render meets, the history, folders, chunks, envelopes, containers.
-- Each line is something that measurements disagree about, that nobody has measured, or that depends on the user's
-- settings.
local chain = require("aeq.chain")
local guard = require("aeq.guard")
local files = require("aeq.files")
local loudest = require("aeq.loudest")
local reaeq = require("aeq.reaeq")
local render_state = require("aeq.render_state")
local settings = require("aeq.settings")
local startup = require("aeq.startup")
local unknowns = require("aeq.selftest_unknowns")

local ALL_MEDIA_OFFLINE, ALL_MEDIA_ONLINE = 40100, 40101
local CHUNKS_S = 0.3 -- for how long chunks of the user's tracks are asked for
local VARIABLES = { "projrenderlimit", "workrender", "renderclosewhendone", "offlineinact", "autosaveonrender" }

local function preferences(report)
  if not reaper.APIExists("get_config_var_string") then
    return report:unknown("render preferences", "this REAPER does not tell them")
  end
  for _, name in ipairs(VARIABLES) do
    local known, value = reaper.get_config_var_string(name)
    if known then
      report:note("preference " .. name, value)
    else
      report:unknown("preference " .. name)
    end
  end
end

--- Does REAPER read Scripts/__startup.lua? Our lines there say so when it starts.
local function start_up(report)
  local name = "REAPER reads the start-up script"
  local fine, set = pcall(startup.is_set)
  if reaper.GetExtState(settings.SECTION, "startup") == "read" then
    report:check(name, true)
  elseif fine and set then
    report:unknown(name, "it has not since 'Start with REAPER' was chosen; start REAPER anew and test again")
  else
    report:unknown(name, fine and "'Start with REAPER' is off" or "the lines of reaper-aeq in it are damaged")
  end
end

--- A folder whose name has letters beyond ASCII: written, read, renamed, listed, removed.
local function folders(act, report)
  local folder = files.join(act:folder().path, "Ünïcode 日本")
  reaper.RecursiveCreateDirectory(folder, 0)
  local path, moved = files.join(folder, "ä.txt"), files.join(folder, "б.txt")
  local file = io.open(path, "wb")
  if not file then
    return report:unknown("a folder with letters of all languages", "no file could be made there")
  end
  file:write("42")
  file:close()
  local renamed = os.rename(path, moved)
  reaper.EnumerateFiles(folder, -1)
  local listed = reaper.EnumerateFiles(folder, 0)
  local read = files.read(moved)
  local gone = os.remove(moved)
  report:check("a folder with letters of all languages", renamed and read == "42" and listed == "б.txt" and gone,
    ("renamed %s, read %s, listed %s, removed %s"):format(renamed, read, listed, gone))
  os.remove(folder)
end

--- What asking for a track's chunk costs, by the user's own tracks: it holds the state of every plug-in.
local function chunks(project, report)
  local from_s, count, bytes, worst_s = reaper.time_precise(), 0, 0, 0
  while count < reaper.CountTracks(project) and reaper.time_precise() < from_s + CHUNKS_S do
    local began_s = reaper.time_precise()
    local _, text = reaper.GetTrackStateChunk(reaper.GetTrack(project, count), "", false)
    worst_s = math.max(worst_s, reaper.time_precise() - began_s)
    count, bytes = count + 1, bytes + #text
  end
  report:note("chunks of your tracks", ("%d, %d kB, the slowest %.0f ms"):format(count, bytes // 1000, worst_s * 1000))
end

local function history(project, track, report)
  reaper.Undo_BeginBlock2(project)
  reaper.GetSetMediaTrackInfo_String(track, "P_NAME", "AEQ self-test", true)
  reaper.Undo_EndBlock2(project, "AEQ: a name", -1)
  report:check("a block that changed something is a step", reaper.Undo_CanUndo2(project) == "AEQ: a name",
    tostring(reaper.Undo_CanUndo2(project)))
  reaper.Undo_BeginBlock2(project)
  reaper.Undo_EndBlock2(project, "AEQ: nothing", -1)
  report:check("an empty block is none", reaper.Undo_CanUndo2(project) == "AEQ: a name",
    tostring(reaper.Undo_CanUndo2(project)))
  local ok = reaper.GetSetMediaTrackInfo_String(track, "P_EXT:aeq-self-test", '{"a": "it\'s"}', true)
  local _, text = reaper.GetSetMediaTrackInfo_String(track, "P_EXT:aeq-self-test", "", false)
  report:check("what is kept beside a track comes back", ok and text == '{"a": "it\'s"}', text)
  local before = reaper.Undo_CanUndo2(project)
  local fx = reaeq.add(track, 0)
  local outside = reaper.Undo_CanUndo2(project)
  report:note("adding an FX outside a block", outside ~= before and "is a step: " .. tostring(outside) or "is no step")
  local bypass = reaper.TrackFX_GetParamFromIdent(track, fx, ":bypass")
  reaper.TrackFX_SetParam(track, fx, bypass, 1)
  report:check("an FX is bypassed by its parameter", not reaper.TrackFX_GetEnabled(track, fx), "number " .. bypass)
  report:check("which is no step", reaper.Undo_CanUndo2(project) == outside, tostring(reaper.Undo_CanUndo2(project)))
  reaper.TrackFX_SetParam(track, fx, bypass, 0)
  local enabled = reaper.TrackFX_SetNamedConfigParm(track, fx, "BANDENABLED0", "0")
  local _, held = reaper.TrackFX_GetNamedConfigParm(track, fx, "BANDENABLED0")
  report:check("a band is switched off", held == "0", "the call answered " .. tostring(enabled))
end

--- On which scale the points of a gain envelope lie: 0.25 or 0.5 is 0 dB.
local function envelope_scale(act, track, report)
  if not (reaper.APIExists("GetFXEnvelope") and reaper.APIExists("GetEnvelopePoint")) then
    return report:unknown("the scale of FX envelopes")
  end
  local envelope = reaper.GetFXEnvelope(track, 0, reaeq.GAIN, true)
  if not envelope or reaper.CountEnvelopePoints(envelope) == 0 then
    return report:unknown("the scale of FX envelopes", "a new one has no point")
  end
  local _, _, value = reaper.GetEnvelopePoint(envelope, 0)
  report:note("0 dB in a gain envelope", ("%.3f"):format(value))
  reaper.TrackFX_SetParam(track, 0, reaeq.GAIN, 0.5)
  local now = reaper.TrackFX_GetParam(track, 0, reaeq.GAIN)
  act:wait()
  act:wait()
  local later = reaper.TrackFX_GetParam(track, 0, reaeq.GAIN)
  report:note("0.5 written to what an envelope controls", ("%.3f, then %.3f"):format(now, later))
end

local function container(track, report)
  local fx = reaper.TrackFX_AddByName(track, "Container", false, -1)
  if fx < 0 or not reaper.TrackFX_GetNamedConfigParm(track, fx, "container_count") then
    return report:unknown("containers", "none could be added")
  end
  local guid, its = reaper.TrackFX_GetFXGUID(track, 0), reaper.TrackFX_GetFXGUID(track, fx)
  reaper.TrackFX_CopyToTrack(track, 0, track, 0x2000000 + reaper.TrackFX_GetCount(track) + 1 + fx + 1, true)
  local place = chain.find(track, its) -- moved up by what went into it
  local _, count = reaper.TrackFX_GetNamedConfigParm(track, place or fx, "container_count")
  local now = chain.find(track, guid)
  local found = now and now >= chain.IN_CONTAINER and reaeq.is_reaeq(track, now)
  report:check("an EQ in a container is found", found, "it holds " .. tostring(count))
  if found then
    reaper.TrackFX_SetParam(track, now, reaeq.GAIN, 0.5)
    local held = reaper.TrackFX_GetParam(track, now, reaeq.GAIN)
    report:check("and is written to there", math.abs(held - 0.5) < 1e-3, ("%.3f for 0.500"):format(held))
  end
end

--- Media that is offline says so by its length.
local function offline(project, item, report)
  local source = reaper.GetMediaItemTake_Source(reaper.GetActiveTake(item))
  reaper.Main_OnCommandEx(ALL_MEDIA_OFFLINE, 0, project)
  local length_s = reaper.GetMediaSourceLength(source)
  reaper.Main_OnCommandEx(ALL_MEDIA_ONLINE, 0, project)
  source = reaper.GetMediaItemTake_Source(reaper.GetActiveTake(item))
  local again_s = reaper.GetMediaSourceLength(source)
  report:check("offline media has no length, and comes back", length_s == 0 and again_s > 0,
    ("%.2f s, then %.2f s"):format(length_s, again_s))
end

local function accessor(act, item, report)
  local take = reaper.GetActiveTake(item)
  local function read()
    local buffer, made = reaper.new_array(2), reaper.CreateTakeAudioAccessor(take)
    local answer = reaper.GetAudioAccessorSamples(made, 8000, 1, 0, 2, buffer)
    reaper.DestroyAudioAccessor(made)
    return answer
  end
  report:note("an accessor read in a coroutine answers", tostring(read()))
  report:check("and outside of one a number", math.type(act:on_main(read)) == "integer")
end

return {
  --- In the user's project, which it only looks at.
  here = function(act, report)
    preferences(report)
    folders(act, report)
    chunks(act.project, report)
    start_up(report)
  end,
  --- In a tab of its own.
  in_new_tab = function(act, report, insert_item)
    guard.run(function(later)
      local position = reaper.CountTracks(act.project)
      reaper.InsertTrackAtIndex(position, false)
      local track = reaper.GetTrack(act.project, position)
      later(function()
        render_state.delete_track(act.project, track)
      end)
      report:part("the history", function() history(act.project, track, report) end)
      report:part("envelopes", function() envelope_scale(act, track, report) end)
      report:part("another type", function() unknowns.retyped_lane(act, track, report) end)
      report:part("delta", function() unknowns.delta(track, report) end)
      report:part("containers", function() container(track, report) end)
      local item = insert_item(act, track)
      report:check("items without lanes play", loudest.plays(item))
      report:part("offline media", function() offline(act.project, item, report) end)
      report:part("accessors", function() accessor(act, item, report) end)
    end)
  end,
}
