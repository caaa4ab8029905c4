-- The FX of a track as the sound passes them, with what lies in containers (REAPER 7).

local chain = {}

chain.IN_CONTAINER = 0x2000000 -- indices of FX in containers begin here

local function config(track, fx, name)
  local ok, value = reaper.TrackFX_GetNamedConfigParm(track, fx, name)
  return ok and math.tointeger(tonumber(value)) or nil
end

local function add(list, track, fx, inside)
  local entry = { index = fx, inside = inside, guid = reaper.TrackFX_GetFXGUID(track, fx) }
  list[#list + 1] = entry
  -- Its shown name is translated, and formulas for the index of what is inside hold only until the next edit of the
  -- chain: the container itself tells where its content is.
  for n = 0, (config(track, fx, "container_count") or 0) - 1 do
    entry.is_container = true
    local child = config(track, fx, "container_item." .. n)
    if child then
      add(list, track, child, entry)
    end
  end
end

--- Every FX: {{index, guid, inside, is_container}, ...}; a container comes before its content.
function chain.all(track)
  local list = {}
  for fx = 0, reaper.TrackFX_GetCount(track) - 1 do
    add(list, track, fx)
  end
  return list
end

--- Where the FX with this GUID is now, or nil.
function chain.find(track, guid)
  for _, entry in ipairs(chain.all(track)) do
    if entry.guid == guid then
      return entry.index
    end
  end
end

--- Where the EQ of {track, instance} is now, nil where it has none: FX may have been moved since it was read.
function chain.own(target)
  return target.instance and chain.find(target.track, target.instance.guid)
end

--- The FX that sound still has to pass from the one at `index` on, that one included. What is in a container that is
--- listed itself is not.
function chain.from(track, index)
  local all, found = chain.all(track), {}
  local at, level
  for place, entry in ipairs(all) do
    if entry.index == index then
      at, level = place, entry.inside
    end
  end
  for place = at or #all + 1, #all do
    local entry = all[place]
    -- behind it in its own container, then behind that container, and so on outwards
    local outer = level
    while outer ~= entry.inside and outer do
      outer = outer.inside
    end
    if outer == entry.inside then
      found[#found + 1], level = entry, entry.inside
    end
  end
  return found
end

return chain
