-- One render without dialogs: set the keys, ask REAPER what it is going to write, run the action, wait for the files.

local files = require("aeq.files")
local lock = require("aeq.lock")
local log = require("aeq.log")
local messages = require("aeq.messages")
local options = require("aeq.options")
local render_state = require("aeq.render_state")
local wav = require("aeq.wav")

local render = {}

local RENDER_AND_CLOSE = 42230 -- "Render project, using the most recent render settings, auto-close render dialog"
local ALL_MEDIA_ONLINE = 40101
local WAV_32_FLOAT = "ZXZhdyAAAQ==" -- 'evaw', 32, 0, 1: all seven bytes; a bare 'evaw' was seen to write silence
-- RENDER_SETTINGS, as others measured: 3 is stems, behind the track's FX, fader and envelope, without folder and
-- master. 2 alone is a master mix in some. 32 (items) holds the track's FX as well, and whether it holds take FX
-- nobody has measured: an item is rendered as the stem of its track. 8192 (before the fader) is unmeasured too.
local SOURCE = { stem = 3, master = 0 }
local CUSTOM_BOUNDS, TIME_SELECTION = 0, 2
local RENDERING = 0x40000000 -- EnumProjects: the project that is being rendered
local PATTERN = { stem = "-$tracknumber", master = "" } -- tells whose file it is
local BOUNDS_S = 0.001 -- positions read back may be rounded
local SHORT_S = 0.01 -- REAPER rounds bounds to samples; anything shorter than that was stopped
local STANDS_STILL_S = 1 -- a file that has not grown for so long is not being written any more

local count = 0

--- Throws where the user's settings would make a render of ours fail or last as long as the music.
function render.check(act)
  if reaper.GetPlayStateEx(act.project) & 4 ~= 0 then
    messages.fail("recording")
  end
  if reaper.APIExists("get_config_var_string") then
    local known, speed = reaper.get_config_var_string("projrenderlimit")
    if known and speed ~= "" and speed ~= "0" then
      messages.fail("render_speed")
    end
  end
  if reaper.EnumProjects(RENDERING) then
    messages.fail("already_rendering")
  end
end

--- Is the time selection locked? Bits of `projsellock` as the SWS extension reads them: 14 locking is on, 0 of the time
--- selection, 10 of the loop points, which may be linked with it.
local function selection_locked()
  local known, value = false, ""
  if reaper.APIExists("get_config_var_string") then
    known, value = reaper.get_config_var_string("projsellock")
  end
  local bits = known and math.tointeger(tonumber(value)) or 0
  return bits & 1 << 14 ~= 0 and bits & (1 | 1 << 10) ~= 0
end

local function set_keys(project, given, folder, pattern)
  local numbers = {
    RENDER_SETTINGS = SOURCE[given.how],
    RENDER_BOUNDSFLAG = CUSTOM_BOUNDS,
    RENDER_STARTPOS = given.start_s,
    RENDER_ENDPOS = given.end_s,
    RENDER_CHANNELS = 2,
    RENDER_SRATE = 0, -- the project's
    RENDER_TAILFLAG = 0,
    RENDER_ADDTOPROJ = 0,
    RENDER_DITHER = 0,
    RENDER_NORMALIZE = 0,
  }
  local strings =
    { RENDER_FILE = folder, RENDER_PATTERN = pattern, RENDER_FORMAT = WAV_32_FLOAT, RENDER_FORMAT2 = "" }
  for key, text in pairs(strings) do
    reaper.GetSetProjectInfo_String(project, key, text, true)
  end
  for key, value in pairs(numbers) do
    reaper.GetSetProjectInfo(project, key, value, true)
  end
  local from_s = reaper.GetSetProjectInfo(project, "RENDER_STARTPOS", 0, false)
  local to_s = reaper.GetSetProjectInfo(project, "RENDER_ENDPOS", 0, false)
  if math.abs(from_s - given.start_s) > BOUNDS_S or math.abs(to_s - given.end_s) > BOUNDS_S then
    -- One REAPER was seen to ignore the positions; the time selection works there. Whoever called puts it back. If it
    -- is locked, REAPER would ask about it in a box that stops everything.
    if selection_locked() then
      messages.fail("selection_locked")
    end
    reaper.GetSet_LoopTimeRange2(project, true, false, given.start_s, given.end_s, false)
    reaper.GetSetProjectInfo(project, "RENDER_BOUNDSFLAG", TIME_SELECTION, true)
  end
end

--- The names of the files that REAPER is going to write, all beginning with `stem`. It says them itself, joined by
--- semicolons, which the folder's name may hold as well.
local function targets_of(project, stem)
  local _, list = reaper.GetSetProjectInfo_String(project, "RENDER_TARGETS", "", false)
  local found = {}
  for name in list:gmatch("[/\\](" .. stem .. "[^;/\\]*)") do
    found[#found + 1] = name
  end
  return found
end

--- {[track number] = path}, or nil if REAPER would not write just one file for each.
local function paths_of(project, temp, given, stem)
  local names, paths = targets_of(project, stem), {}
  if #names ~= #given.numbers then
    return nil
  elseif #names == 1 then -- nothing to mix up, whatever it is called
    return { [given.numbers[1]] = files.join(temp.path, names[1]) }
  end
  for _, name in ipairs(names) do
    local number = math.tointeger(tonumber(name:match("^" .. stem .. "%-(%d+)%.")))
    if not number or paths[number] then
      return nil
    end
    paths[number] = files.join(temp.path, name)
  end
  for _, number in ipairs(given.numbers) do
    if not paths[number] then
      return nil
    end
  end
  return paths
end

local function size_of(path)
  local file = io.open(path, "rb")
  local size = file and file:seek("end")
  if file then
    file:close()
  end
  return size or -1
end

--- Waits until every file is as long as it must be, or no longer grows: a render in the background returns at once.
local function wait_for(act, paths, given)
  local needed_s, since_s, before = given.end_s - given.start_s - SHORT_S, reaper.time_precise(), nil
  while true do
    local whole, sizes = true, {}
    for _, path in pairs(paths) do
      local info = wav.info(path)
      whole = whole and info ~= nil and info.seconds >= needed_s
      sizes[#sizes + 1] = size_of(path)
    end
    table.sort(sizes)
    local now = table.concat(sizes, " ")
    -- whole in two looks in a row: the last bytes may still be on their way
    if whole and (before == nil or before == now) then
      return
    elseif given.at_once then
      return reaper.EnumProjects(RENDERING) and messages.fail("background_render")
    elseif now ~= before or reaper.EnumProjects(RENDERING) then
      before, since_s = now, reaper.time_precise()
    elseif reaper.time_precise() > since_s + STANDS_STILL_S then
      return
    end
    render_state.wait(act)
  end
end

--- Renders the selected tracks ("stem") or the mix ("master") from `start_s` to `end_s` into the run's folder. The
--- caller has saved what a render touches and selected the tracks of these `numbers` (the master's is -1). Returns
--- {[number] = path}, or nil if REAPER would not write one file for each: nothing was rendered then. `at_once`: fails
--- where REAPER renders in the background. It may wait for more cycles otherwise.
function render.run(act, given)
  options.check(given, {
    how = "string", start_s = "number", end_s = "number", numbers = "table", at_once = "boolean?", offline = "boolean?",
  })
  if given.end_s <= given.start_s then
    return nil -- REAPER would open a box
  end
  local project, temp = act.project, act:folder()
  count = count + 1
  -- A name that exists could raise a question in a dialog, so every render has a new one.
  local stem = ("aeq%d%s"):format(count, given.how:sub(1, 1))
  set_keys(project, given, temp.path, stem .. PATTERN[given.how])
  local paths = paths_of(project, temp, given, stem)
  log.add(("render %s %.2f to %.2f s: %s"):format(given.how, given.start_s, given.end_s,
    paths and #given.numbers .. " files" or "not one file for each"))
  if not paths then
    return nil
  end
  if given.offline then
    reaper.Main_OnCommandEx(ALL_MEDIA_ONLINE, 0, project)
  end
  -- Returns when all is rendered, unless the user renders in the background.
  reaper.Main_OnCommandEx(RENDER_AND_CLOSE, 0, project)
  lock.beat()
  wait_for(act, paths, given)
  return paths
end

return render
