-- Rendered WAV files: are they whole, and several of one track as one.

local wav = {}

local BLOCK = 1 << 18

--- {format, channels, sample_rate, bits, data_from, data_bytes, seconds} of a RIFF/WAVE file, or nil.
function wav.info(path)
  local file = io.open(path, "rb")
  if not file then
    return nil
  end
  local head, size = file:read(12), file:seek("end")
  local info = { seconds = 0 }
  file:seek("set", 12)
  while head and head:match("^RIFF....WAVE") do
    local chunk = file:read(8)
    if not chunk or #chunk < 8 then
      break
    end
    local id, bytes = string.unpack("<c4I4", chunk)
    if id == "fmt " then
      info.format = file:read(bytes)
      local _, channels, rate, _, align = string.unpack("<I2I2I4I4I2", info.format)
      info.channels, info.sample_rate, info.align = channels, rate, align
    elseif id == "data" and info.format then
      -- A render that was cut off leaves a size of 0 or one beyond the file's end.
      info.data_from = file:seek()
      info.data_bytes = math.min(bytes, size - info.data_from)
      info.seconds = info.data_bytes / info.align / info.sample_rate
      break
    else
      file:seek("cur", bytes + bytes % 2)
    end
  end
  file:close()
  return info.data_from and info or nil
end

local function copy(from, info, to, act)
  local file = assert(io.open(from, "rb"))
  file:seek("set", info.data_from)
  local left = info.data_bytes
  while left > 0 do
    local block = file:read(math.min(BLOCK, left))
    if not block or not to:write(block) then
      file:close()
      return false
    end
    left = left - #block
    act:breathe()
  end
  return file:close()
end

--- Writes the sound of `paths` one after another to `target`. False if the disk is full. All have one format, because
--- one render wrote them.
function wav.join(paths, target, act)
  local infos, bytes = {}, 0
  for i, path in ipairs(paths) do
    infos[i] = wav.info(path)
    bytes = bytes + infos[i].data_bytes
  end
  local to = io.open(target, "wb")
  if not to then
    return false
  end
  local format = infos[1].format
  local fine = to:write("RIFF", string.pack("<I4", 4 + 8 + #format + 8 + bytes), "WAVE", "fmt ",
    string.pack("<I4", #format), format, "data", string.pack("<I4", bytes))
  for i, path in ipairs(paths) do
    fine = fine and copy(path, infos[i], to, act)
  end
  return to:close() and fine and true or false
end

return wav
