-- The picture: the sound, the word's usual range, what comes out, and below what ReaEQ does. The sound and the range
-- are those that the backend saw; what ReaEQ does is computed of what it holds now, so it moves with the hand.

local along = require("aeq.panel_along")
local look = require("aeq.panel_look")
local response = require("aeq.response")
local seen = require("aeq.seen")

local picture = {}

local LOW_HZ, HIGH_HZ = 20, 20000
local TICKS = { { 100, "100" }, { 1000, "1k" }, { 10000, "10k" } }
local LEFT = 30
local COLUMNS = 3 -- of the usual range, from one frequency to the next

local function across(hz, x, w)
  return x + w * math.log(hz / LOW_HZ) / math.log(HIGH_HZ / LOW_HZ)
end

local function polyline(points, thick)
  for n = 2, #points do
    local a, b = points[n - 1], points[n]
    if a and b then
      for offset = 0, math.max(1, look.px(thick)) - 1 do
        gfx.line(look.px(a[1]), look.px(a[2]) + offset, look.px(b[1]), look.px(b[2]) + offset, 1)
      end
    end
  end
end

local function grid(x, y, w, h, low, high, step)
  for _, tick in ipairs(TICKS) do
    look.color("line")
    look.rect(across(tick[1], x, w), y, 1, h)
  end
  for db = math.ceil(low / step) * step, high, step do
    local at = y + h * (high - db) / (high - low)
    look.color("line", db == 0 and 1 or 0.6)
    look.rect(x, at, w, 1)
    look.color("soft")
    look.text(("%d"):format(db), x - LEFT + 2, math.max(y, math.min(at - 6, y + h - 12)), look.SMALL)
  end
end

local function spectra(sight, x, y, w, h)
  local source = seen.curve(sight.seen.source)
  local low, high = seen.curve(sight.seen.low), seen.curve(sight.seen.high)
  if not source then
    return false
  end
  local result, top, bottom = {}, -math.huge, math.huge
  for n = 1, seen.POINTS do
    local hz = seen.freq_hz(n)
    if source[n] and hz < sight.rate / 2 then
      result[n] = source[n] + response.expected_db(sight.eq, hz, sight.rate)
      top = math.max(top, source[n], result[n], high and high[n] or -math.huge)
      bottom = math.min(bottom, source[n], result[n], low and low[n] or math.huge)
    else
      result[n] = false
    end
  end
  if top < bottom then
    return false
  end
  bottom = math.max(bottom, top - 70)
  top, bottom = top + 3, bottom - 3
  grid(x, y, w, h, bottom, top, 20)
  local function points(curve)
    local list = {}
    for n = 1, seen.POINTS do
      local value = curve[n]
      list[n] = value and { across(seen.freq_hz(n), x, w), y + h * (top - math.max(bottom, math.min(top, value)))
        / (top - bottom) } or false
    end
    return list
  end
  if low and high then
    local from, to = points(low), points(high)
    look.color("target", 0.3)
    for n = 2, seen.POINTS do
      if from[n] and to[n] and from[n - 1] and to[n - 1] then
        local x1, step = from[n - 1][1], (from[n][1] - from[n - 1][1]) / COLUMNS
        for column = 0, COLUMNS - 1 do -- they do not overlap: where two lie upon each other, both would be seen
          local part = (column + 0.5) / COLUMNS
          local y1 = to[n - 1][2] + (to[n][2] - to[n - 1][2]) * part
          local y2 = from[n - 1][2] + (from[n][2] - from[n - 1][2]) * part
          look.rect(x1 + column * step, math.min(y1, y2), step, math.abs(y2 - y1))
        end
      end
    end
  end
  look.color("source")
  polyline(points(source), 1)
  look.color("result")
  polyline(points(result), 2)
  return true
end

local function equalizer(sight, x, y, w, h)
  local values, reach = {}, 6
  for n = 0, 96 do
    local hz = LOW_HZ * (HIGH_HZ / LOW_HZ) ^ (n / 96)
    if hz < sight.rate / 2 then
      values[#values + 1] = { hz, response.expected_db(sight.eq, hz, sight.rate) }
      reach = math.max(reach, math.min(24, math.abs(values[#values][2]) * 1.15))
    end
  end
  grid(x, y, w, h, -reach, reach, reach > 9 and 6 or 3)
  local function at(db)
    return y + h * (reach - math.max(-reach, math.min(reach, db))) / (2 * reach)
  end
  local points = {}
  for n, value in ipairs(values) do
    points[n] = { across(value[1], x, w), at(value[2]) }
  end
  look.color("accent")
  polyline(points, 2)
  for _, band in ipairs(sight.eq.bands) do
    if band.enabled then
      local db = response.expected_db(sight.eq, band.freq_hz, sight.rate)
      gfx.circle(look.px(across(band.freq_hz, x, w)), look.px(at(db)), look.px(3.5), 1, 1)
    end
  end
end

-- Over time the gains have the lowest part of the box, where the other two keep enough of it.
local ALONG_SHARE, ALONG_LEAST, REST_LEAST = 0.3, 64, 130

--- Draws `sight` ({eq, seen, rate, along}) into a box.
function picture.draw(sight, x, y, w, h)
  local lowest = math.max(ALONG_LEAST, ALONG_SHARE * h)
  if sight.along and h - lowest >= REST_LEAST then
    along.draw(sight, x, y + h - lowest + 6, w, lowest - 6)
    h = h - lowest
  end
  local legend, inner = 16, w - LEFT
  local upper = (h - legend - 26) * 0.58
  local shown = spectra(sight, x + LEFT, y + legend, inner, upper)
  local at = x + LEFT
  for _, part in ipairs(shown and { { "source", "before" }, { "target", "usual" }, { "result", "after" },
    { "accent", "EQ" } } or { { "accent", "EQ" } }) do
    look.color(part[1])
    look.rect(at, y + 5, 12, 3)
    look.color("soft")
    look.text(part[2], at + 16, y, look.SMALL)
    at = at + 28 + look.width(part[2], look.SMALL)
  end
  local top = shown and y + legend + upper + 10 or y + legend
  local height = y + h - 16 - top
  equalizer(sight, x + LEFT, top, inner, height)
  look.color("soft")
  for _, tick in ipairs(TICKS) do
    look.text(tick[2], across(tick[1], x + LEFT, inner) - 8, top + height + 2, look.SMALL)
  end
end

return picture
