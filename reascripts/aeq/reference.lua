-- The reference of "Match to reference": an item of this project, remembered by its GUID, or a file.

local capture = require("aeq.capture")
local check = require("aeq.check")
local json = require("aeq.json")
local messages = require("aeq.messages")
local selection = require("aeq.selection")
local settings = require("aeq.settings")
local sounds = require("aeq.sounds")

local reference = {}

local function guid_of(item)
  local _, guid = reaper.GetSetMediaItemInfo_String(item, "GUID", "", false)
  return guid
end

local function name_of(item)
  local take = reaper.GetActiveTake(item)
  return take and reaper.GetTakeName(take) or "item"
end

local function file_name(path)
  return path:match("[^/\\]+$")
end

--- Marks the selected item; with none selected, asks for a file.
function reference.set(act)
  local count = reaper.CountSelectedMediaItems(act.project)
  local chosen
  if count == 1 then
    local item = reaper.GetSelectedMediaItem(act.project, 0)
    chosen = { guid = guid_of(item), name = name_of(item) }
  elseif count == 0 then
    local picked, path = reaper.GetUserFileNameForRead("", "Reference: a sound file", "")
    if not picked then
      return
    end
    chosen = { path = path, name = file_name(path) }
  else
    messages.fail("reference_one_item")
  end
  settings.remember("reference", json.encode(chosen))
  messages.show(messages.text("reference_set", { name = chosen.name }))
end

local function find_item(project, guid)
  for i = 0, reaper.CountMediaItems(project) - 1 do
    local item = reaper.GetMediaItem(project, i)
    if guid_of(item) == guid then
      return item
    end
  end
  messages.fail("reference_gone")
end

-- Files that the backend can read by their name; the reference has no second chance, as the selection has.
local READABLE = { wav = true, flac = true, mp3 = true, ogg = true, opus = true, aif = true, aiff = true, w64 = true }

local function readable(described)
  for _, track in ipairs(described.tracks) do
    for _, item in ipairs(track.items or {}) do
      if not READABLE[(item.file:match("%.(%w+)$") or ""):lower()] then
        return false
      end
    end
  end
  return true
end

--- The reference as the wire has it, a path or {name, sound}, and its name; an item is heard as it sounds before its
--- track's FX.
function reference.chosen(act)
  local known, chosen = pcall(json.decode, settings.remembered("reference"))
  if not known or type(chosen) ~= "table" then
    messages.fail("no_reference")
  elseif chosen.path then
    if not reaper.file_exists(chosen.path) then
      messages.fail("reference_gone")
    end
    return chosen.path, chosen.name
  end
  local item = find_item(act.project, chosen.guid)
  local target = selection.of_item(act, item)
  check.targets(act, { target })
  local described = sounds.alone(act, target)
  if described and readable(described) then
    return { name = chosen.name, sound = described }, chosen.name
  end
  return capture.paths(act, { target })[1], chosen.name
end

return reference
