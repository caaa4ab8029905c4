-- The gains of an EQ that follows the song, over time: a line for each that moves, in the colors of its name.

local look = require("aeq.panel_look")
local reaeq = require("aeq.reaeq")

local along = {}

local LEFT, ROW, GAP = 30, 14, 12
local COLORS = { "accent", "result", "target", "warn", "source", "ink" }
local LEAST_DB = 1.5 -- of the scale, up and down
local STEPS_S = { 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600 }
local MOST_TICKS = 6

local function hz(freq_hz)
  return freq_hz >= 999.5 and ("%.3g kHz"):format(freq_hz / 1000) or ("%.0f Hz"):format(freq_hz)
end

local function name_of(sight, parameter)
  local band = parameter % 3 == reaeq.GAIN and sight.eq.bands[parameter // 3 + 1]
  return band and (band.kind or "another kind"):gsub("_", " ") .. " " .. hz(band.freq_hz) or "output"
end

--- The names in their colors, as many as have room. Returns how high they stand.
local function names(sight, x, y, w)
  local at, row = x, 0
  for n, curve in ipairs(sight.along.curves) do
    local text = name_of(sight, curve.parameter)
    local width = look.width(text, look.SMALL)
    if at > x and at + width > x + w then
      at, row = x, row + 1
    end
    look.color(COLORS[(n - 1) % #COLORS + 1])
    look.text(look.fit(text, w, look.SMALL), at, y + row * ROW, look.SMALL)
    at = at + width + GAP
  end
  return (row + 1) * ROW
end

local function line(points, at_x, at_y, last_s)
  local from = points[1]
  for n = 2, #points + 1 do
    local to = points[n] or { math.max(last_s, from[1]), from[2] }
    gfx.line(look.px(at_x(from[1])), look.px(at_y(from[2])), look.px(at_x(to[1])), look.px(at_y(to[2])), 1)
    from = to
  end
end

local function clock(seconds)
  return ("%d:%02d"):format(seconds // 60, seconds % 60)
end

--- Draws `sight.along` into a box.
function along.draw(sight, x, y, w, h)
  local curves, length_s, reach = sight.along.curves, math.max(sight.along.length_s, 1), LEAST_DB
  for _, curve in ipairs(curves) do
    for _, point in ipairs(curve.points) do
      reach = math.max(reach, math.min(24, 1.15 * math.abs(point[2])))
      length_s = math.max(length_s, point[1])
    end
  end
  local head = names(sight, x + LEFT, y, w - LEFT)
  local top, height, left, width = y + head + 2, h - head - 2 - ROW, x + LEFT, w - LEFT
  local function at_x(seconds)
    return left + width * math.max(0, seconds) / length_s
  end
  local function at_y(gain_db)
    return top + height * (reach - math.max(-reach, math.min(reach, gain_db))) / (2 * reach)
  end
  local step_s = STEPS_S[#STEPS_S]
  for n = #STEPS_S, 1, -1 do
    step_s = length_s / STEPS_S[n] <= MOST_TICKS and STEPS_S[n] or step_s
  end
  for seconds = 0, length_s, step_s do
    look.color("line")
    look.rect(at_x(seconds), top, 1, height)
    look.color("soft")
    local text = clock(seconds)
    look.text(text, math.min(at_x(seconds) - 8, x + w - look.width(text, look.SMALL)), top + height + 1, look.SMALL)
  end
  local level = reach < 4 and 1 or reach < 9 and 3 or 6
  for gain_db = -(reach // level) * level, reach, level do
    look.color("line", gain_db == 0 and 1 or 0.6)
    look.rect(left, at_y(gain_db), width, 1)
  end
  look.color("soft")
  for _, gain_db in ipairs({ reach // level * level, 0, -(reach // level) * level }) do
    local at = math.max(top - 4, math.min(at_y(gain_db) - 6, top + height - 8))
    look.text(("%d"):format(gain_db), x + 2, at, look.SMALL)
  end
  for n, curve in ipairs(curves) do
    look.color(COLORS[(n - 1) % #COLORS + 1])
    line(curve.points, at_x, at_y, length_s)
  end
end

return along
