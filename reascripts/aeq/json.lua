-- JSON: what the wire needs, and strict about it. REAPER has no JSON of its own.

local json = {}

--- Stands for null, so that {word = json.null} keeps its key.
json.null = setmetatable({}, { __tostring = function() return "null" end })
local array_mark = {}

--- Marks a table as an array, so that an empty one is written as [].
function json.array(list)
  return setmetatable(list, array_mark)
end

local raw_mark = {}

--- Stands for a value that was written as JSON before: its text is taken as it is.
function json.raw(text)
  return setmetatable({ text = text }, raw_mark)
end

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local unescapes = { n = "\n", r = "\r", t = "\t", b = "\b", f = "\f", ["/"] = "/", ["\\"] = "\\", ['"'] = '"' }
local encode

local function encode_string(text)
  return '"' .. text:gsub('[%c"\\]', function(c)
    return escapes[c] or ("\\u%04x"):format(c:byte())
  end) .. '"'
end

local function encode_table(value)
  local parts, mark = {}, getmetatable(value)
  if mark == raw_mark then
    return value.text
  elseif mark == array_mark or #value > 0 then
    for i = 1, #value do
      parts[i] = encode(value[i])
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, item in pairs(value) do
    parts[#parts + 1] = encode_string(tostring(key)) .. ":" .. encode(item)
  end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value)
  local kind = type(value)
  if value == json.null then
    return "null"
  elseif kind == "table" then
    return encode_table(value)
  elseif kind == "string" then
    return encode_string(value)
  elseif kind == "boolean" then
    return tostring(value)
  elseif math.type(value) == "integer" then
    return ("%d"):format(value)
  elseif kind == "number" and value == value and math.abs(value) < math.huge then
    -- A locale with decimal commas would change %g: JSON knows only the point.
    return (("%.17g"):format(value):gsub(",", "."))
  end
  error("cannot write " .. tostring(value) .. " as JSON", 0)
end
json.encode = encode

local decode_value

local function fail(text, at)
  error(("not JSON at byte %d: %s"):format(at, text:sub(at, at + 20)), 0)
end

local function skip(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

local function decode_escape(text, at)
  local c = text:sub(at, at)
  if c ~= "u" then
    return unescapes[c] or fail(text, at), at + 1
  end
  local code = tonumber(text:match("^%x%x%x%x", at + 1) or fail(text, at), 16)
  at = at + 5
  local low = code >= 0xD800 and code < 0xDC00 and text:match("^\\u(%x%x%x%x)", at)
  if low then
    return utf8.char(0x10000 + ((code - 0xD800) << 10) + (tonumber(low, 16) - 0xDC00)), at + 6
  end
  return utf8.char(code), at
end

local function decode_string(text, at)
  local parts = {}
  while true do
    local stop = text:find('["\\]', at) or fail(text, at)
    parts[#parts + 1] = text:sub(at, stop - 1)
    if text:sub(stop, stop) == '"' then
      return table.concat(parts), stop + 1
    end
    parts[#parts + 1], at = decode_escape(text, stop + 1)
  end
end

--- One member after another until `close`; `take` reads a member and returns where it ended.
local function decode_members(text, at, close, take)
  at = skip(text, at)
  if text:sub(at, at) == close then
    return at + 1
  end
  while true do
    at = skip(text, take(at))
    local c = text:sub(at, at)
    if c == close then
      return at + 1
    end
    at = c == "," and skip(text, at + 1) or fail(text, at)
  end
end

local function decode_container(text, at, depth, breathe)
  if depth > 100 then
    error("this JSON is nested too deeply", 0)
  end
  if breathe then
    breathe()
  end
  if text:sub(at, at) == "[" then
    local list = json.array({})
    return list, decode_members(text, at + 1, "]", function(from)
      list[#list + 1], from = decode_value(text, from, depth + 1, breathe)
      return from
    end)
  end
  local object = {}
  return object, decode_members(text, at + 1, "}", function(from)
    local key
    key, from = decode_string(text, text:sub(from, from) == '"' and from + 1 or fail(text, from))
    from = skip(text, from)
    from = text:sub(from, from) == ":" and from + 1 or fail(text, from)
    object[key], from = decode_value(text, from, depth + 1, breathe)
    return from
  end)
end

local LITERALS = { t = { "true", true }, f = { "false", false }, n = { "null", json.null } }

function decode_value(text, at, depth, breathe)
  at = skip(text, at)
  local c = text:sub(at, at)
  local literal = LITERALS[c]
  if c == '"' then
    return decode_string(text, at + 1)
  elseif c == "{" or c == "[" then
    return decode_container(text, at, depth, breathe)
  elseif literal and text:sub(at, at + #literal[1] - 1) == literal[1] then
    return literal[2], at + #literal[1]
  end
  local number = text:match("^-?%d+%.?%d*[eE]?[-+]?%d*", at) or ""
  local value = tonumber(number)
  return value and math.abs(value) < math.huge and value or fail(text, at), at + #number
end

--- The value of a JSON text; null is `json.null`. Throws a string for anything else.
-- breathe: called for each object and list in it, where a long text must not hold REAPER up
function json.decode(text, breathe)
  local value, at = decode_value(text, 1, 0, breathe)
  if skip(text, at) <= #text then
    fail(text, at)
  end
  return value
end

return json
