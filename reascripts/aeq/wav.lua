-- Rendered WAV files: are they whole, and several of one track as one.

local wav = {}

local BLOCK = 1 << 18
local FORMAT_BYTES = 16 -- of the shortest format chunk

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
      info.format = file:read(bytes) or ""
      if #info.format < math.max(bytes, FORMAT_BYTES) then
        break -- it is still being written
      end
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

--- Do two files hold the same bytes, and any sound? Files of one render have the same header.
function wav.same(path, other)
  local info, other_info = wav.info(path or ""), wav.info(other or "")
  if not info or not other_info or info.data_bytes ~= other_info.data_bytes then
    return false
  end
  local a, b = io.open(path, "rb"), io.open(other, "rb")
  a:seek("set", info.data_from)
  b:seek("set", other_info.data_from)
  local left, same, sounds = info.data_bytes, true, false
  while left > 0 and same do
    local block = a:read(math.min(BLOCK, left)) or ""
    same = block == b:read(math.min(BLOCK, left)) and block ~= ""
    sounds = sounds or block:find("[^%z]") ~= nil
    left = left - #block
  end
  a:close()
  b:close()
  return same and sounds
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

local function header(format, bytes)
  return table.concat({ "RIFF", string.pack("<I4", 4 + 8 + #format + 8 + bytes), "WAVE", "fmt ",
    string.pack("<I4", #format), format, "data", string.pack("<I4", bytes) })
end

local FLOATS = "<" .. ("f"):rep(128)

local function add(blocks)
  local sums = {}
  for n, block in ipairs(blocks) do
    local whole = #block - #block % 512
    local place = 0
    for at = 1, whole, 512 do
      local values = { string.unpack(FLOATS, block, at) }
      for i = 1, 128 do
        sums[place + i] = (n > 1 and sums[place + i] or 0) + values[i]
      end
      place = place + 128
    end
    for at = whole + 1, #block, 4 do
      place = place + 1
      sums[place] = (n > 1 and sums[place] or 0) + string.unpack("<f", block, at)
    end
  end
  local parts = {}
  for from = 1, #sums - 127, 128 do
    parts[#parts + 1] = string.pack(FLOATS, table.unpack(sums, from, from + 127))
  end
  for i = #sums - #sums % 128 + 1, #sums do
    parts[#parts + 1] = string.pack("<f", sums[i])
  end
  return table.concat(parts)
end

--- Writes the sum of files of 32-bit floats to `target`, as long as the shortest. False if the disk is full.
function wav.sum(paths, target, act)
  local infos, inputs, bytes = {}, {}, math.huge
  for i, path in ipairs(paths) do
    infos[i], inputs[i] = wav.info(path), io.open(path, "rb")
    inputs[i]:seek("set", infos[i].data_from)
    bytes = math.min(bytes, infos[i].data_bytes)
  end
  local to = io.open(target, "wb")
  local fine, left = to and to:write(header(infos[1].format, bytes)), bytes
  while fine and left > 0 do
    local blocks = {}
    for i, input in ipairs(inputs) do
      blocks[i] = input:read(math.min(16384, left))
    end
    fine = to:write(add(blocks))
    left = left - #blocks[1]
    act:breathe()
  end
  for _, input in ipairs(inputs) do
    input:close()
  end
  return to and to:close() and fine and true or false
end

--- Writes the sound of `pieces` ({path, from_s, to_s}) one after another to `target`. False if the disk is full. All
--- have one format, because renders of ours wrote them.
function wav.join(pieces, target, act)
  local infos, bytes = {}, 0
  for i, piece in ipairs(pieces) do
    local info = wav.info(piece.path)
    local first = math.floor(piece.from_s * info.sample_rate + 0.5) * info.align
    local last = math.min(math.floor(piece.to_s * info.sample_rate + 0.5) * info.align, info.data_bytes)
    info.data_from, info.data_bytes = info.data_from + first, math.max(0, last - first)
    infos[i] = info
    bytes = bytes + info.data_bytes
  end
  local to = io.open(target, "wb")
  if not to then
    return false
  end
  local fine = to:write(header(infos[1].format, bytes))
  for i, piece in ipairs(pieces) do
    fine = fine and copy(piece.path, infos[i], to, act)
  end
  return to:close() and fine and true or false
end

return wav
