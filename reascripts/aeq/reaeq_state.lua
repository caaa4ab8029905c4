-- ReaEQ's own state as bytes (docs/reaper.md, 2: B), handed over in one call: a whole EQ at once, where the
-- parameters take dozens of calls. Only used in a REAPER that gave out a state of just this layout before.

local reaeq = require("aeq.reaeq")

local state = {}

local ELEMENT_BYTES = 33
local TAIL = string.pack("<i4i4i4i4", 0, 0, 0, 2) -- unknown, editor width and height (never opened), display bits
local BAND, ENDING = "<i4i4dddB", "<i4i4d"
local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local char = string.char
local DIGIT, PAIR = {}, {}
for i = 1, 64 do
  DIGIT[ALPHABET:byte(i)] = i - 1
end
for bits = 0, 4095 do
  PAIR[bits] = ALPHABET:sub((bits >> 6) + 1, (bits >> 6) + 1) .. ALPHABET:sub((bits & 63) + 1, (bits & 63) + 1)
end

function state.to_base64(bytes)
  local parts = {}
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local bits = a << 16 | (b or 0) << 8 | (c or 0)
    parts[#parts + 1] = PAIR[bits >> 12] .. PAIR[bits & 4095]
  end
  local text = table.concat(parts)
  local spare = -#bytes % 3
  return text:sub(1, #text - spare) .. ("="):rep(spare)
end

function state.from_base64(text)
  local bytes, spare = {}, #(text:match("=*$"))
  text = text:gsub("=", "A")
  for i = 1, #text - 3, 4 do
    local a, b, c, d = text:byte(i, i + 3)
    a, b, c, d = DIGIT[a], DIGIT[b], DIGIT[c], DIGIT[d]
    if not (a and b and c and d) then
      return nil
    end
    local bits = a << 18 | b << 12 | c << 6 | d
    bytes[#bytes + 1] = char(bits >> 16, bits >> 8 & 255, bits & 255)
  end
  local all = table.concat(bytes)
  return all:sub(1, #all - spare)
end

--- Where part B begins: at once, or behind the plug-in wrapper's header (part A), which some states carry.
local function head_length(bytes)
  if bytes:sub(1, 4) ~= "qeer" then
    return 0
  end
  local inputs = string.unpack("<I4", bytes, 9)
  local outputs = string.unpack("<I4", bytes, 13 + 8 * inputs)
  return 16 + 8 * inputs + 8 * outputs + 12
end

local function parse(bytes)
  local head = bytes:sub(1, head_length(bytes))
  local element, count = string.unpack("<i4i4", bytes, #head + 1)
  if element ~= ELEMENT_BYTES or count < 0 then
    return nil
  end
  local found, at = { head = head, bands = {} }, #head + 9
  for n = 1, count do
    local kind, enabled, freq, gain, width, _
    kind, enabled, freq, gain, width, _, at = string.unpack(BAND, bytes, at)
    found.bands[n] = {
      state = kind,
      kind = reaeq.KIND_OF_STATE[kind],
      enabled = enabled == 1,
      freq_hz = freq,
      gain_db = reaeq.to_db(gain),
      bandwidth_oct = width,
    }
  end
  local _, _, gain, after = string.unpack(ENDING, bytes, at)
  found.output_gain_db, found.tail = reaeq.to_db(gain), bytes:sub(after)
  return #found.tail == #TAIL and found or nil
end

--- {bands, output_gain_db, head, tail} of an instance, or nil where REAPER gives out nothing that we know to read.
function state.read(track, fx)
  local ok, text = reaper.TrackFX_GetNamedConfigParm(track, fx, "vst_chunk")
  local bytes = ok and state.from_base64(text)
  local fine, found = pcall(parse, bytes or "")
  return fine and found or nil
end

--- A text that is another one as soon as anything of the instance is: its bytes, where REAPER gives them out.
function state.fingerprint(track, fx)
  local ok, text = reaper.TrackFX_GetNamedConfigParm(track, fx, "vst_chunk")
  if ok and text ~= "" then
    return text
  end
  local held = reaeq.read(track, fx)
  local parts = { tostring(held.output_gain_db) }
  for _, band in ipairs(held.bands) do
    parts[#parts + 1] = ("%s %s %s %s %s"):format(reaeq.state_of(band), band.enabled, band.freq_hz, band.gain_db,
      band.bandwidth_oct)
  end
  return table.concat(parts, "\n")
end

local function part_b(eq, tail)
  local parts = { string.pack("<i4i4", ELEMENT_BYTES, #eq.bands) }
  for n, band in ipairs(eq.bands) do
    parts[n + 1] = string.pack(BAND, reaeq.state_of(band), band.enabled and 1 or 0, band.freq_hz,
      reaeq.to_linear(band.gain_db), band.bandwidth_oct, 1) -- the flag is 1 in nearly all real files
  end
  parts[#parts + 1] = string.pack(ENDING, 1, 1, reaeq.to_linear(eq.output_gain_db)) .. tail
  return table.concat(parts)
end

--- `eq` in the layout `like` (of `state.read`), as text.
function state.text(eq, like)
  local body = part_b(eq, like.tail or TAIL)
  local head = like.head
  if head ~= "" then -- its last but two integers tell how long part B is
    head = head:sub(1, -13) .. string.pack("<I4", #body) .. head:sub(-8)
  end
  return state.to_base64(head .. body)
end

--- Hands over a text of `state.text`. False where REAPER refuses. Also whether the instance says to the byte what it
--- was given.
function state.put(track, fx, text)
  if not reaper.TrackFX_SetNamedConfigParm(track, fx, "vst_chunk", text) then
    return false
  end
  local _, held = reaper.TrackFX_GetNamedConfigParm(track, fx, "vst_chunk")
  return true, held == text
end

return state
