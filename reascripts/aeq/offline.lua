-- Media that REAPER itself takes offline, by a preference, while another program is in front: a press may come from a
-- controller then. Its files can be read all the same, and before a render it is brought back.

local offline = {}

--- The source that has the file: sections and reversed takes wrap it.
function offline.media(source)
  local inner = source
  while inner do
    source, inner = inner, reaper.GetMediaSourceParent(inner)
  end
  return source
end

--- Is this media offline? Only its length tells: one that was offline once may name no sample rate ever after.
function offline.is(source)
  return (reaper.GetMediaSourceLength(source)) <= 0
end

--- What the preference says: true, false, or nil where this REAPER does not tell.
function offline.preferred()
  if not reaper.APIExists("get_config_var_string") then
    return nil
  end
  local known, value = reaper.get_config_var_string("offlineinact")
  if known then
    return value ~= "0" and value ~= ""
  end
end

--- Has the preference taken the project's media offline? Then none of it is online; a user sets single items so.
function offline.by_preference(project)
  if not offline.preferred() then
    return false
  end
  for i = 0, reaper.CountMediaItems(project) - 1 do
    local take = reaper.GetActiveTake(reaper.GetMediaItem(project, i))
    local source = take and not reaper.TakeIsMIDI(take) and reaper.GetMediaItemTake_Source(take)
    if source and not offline.is(offline.media(source)) then
      return false
    end
  end
  return true
end

return offline
