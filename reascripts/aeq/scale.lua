-- More or less of an EQ that is there: all bands by one factor, so that the curve keeps its shape, as far as is safe.
-- `times` of a record says how much of what was computed is there now; `seen.most` how much is safe for that sound.

local names = require("aeq.names")
local reaeq = require("aeq.reaeq")
local seen = require("aeq.seen")

local scale = {}

local MAX_GAIN_DB = 12 -- ours, a hair inside of ReaEQ's own limit
-- Bands of these kinds have a gain; what passes, notches or shifts phase has none that counts (docs/reaper.md, 5). Pass
-- filters move instead.
local HAS_GAIN = { low_shelf = true, high_shelf = true, band = true }

--- The blend of an instance with its weights unrounded, where its name is still the one that we gave it.
function scale.blend(instance)
  local record = instance.record
  if record and record.name == instance.name then
    local blend = {}
    for i, part in ipairs(record.blend) do
      blend[i] = { word = part.word, weight = part.weight }
    end
    return blend
  end
  return reaeq.blend(instance)
end

--- The biggest weight of a blend, 0 for none.
function scale.amount(blend)
  local biggest = 0
  for _, part in ipairs(blend) do
    biggest = math.max(biggest, math.abs(part.weight))
  end
  return biggest
end

--- Do all bands keep to our limit?
function scale.within_limits(eq)
  for _, band in ipairs(eq.bands) do
    if band.enabled and HAS_GAIN[band.kind] and math.abs(band.gain_db) > MAX_GAIN_DB then
      return false
    end
  end
  return true
end

--- How far an EQ can be multiplied before a band, an envelope of ours (`lanes_db`, the most in it), a word or what is
--- safe for its sound ends it.
function scale.most(eq, blend, record, lanes_db)
  local factor = lanes_db and lanes_db > 0 and MAX_GAIN_DB / lanes_db or math.huge
  for _, band in ipairs(eq.bands) do
    if band.enabled and HAS_GAIN[band.kind] and math.abs(band.gain_db) > 0 then
      factor = math.min(factor, MAX_GAIN_DB / math.abs(band.gain_db))
    end
  end
  local amount = scale.amount(blend)
  factor = amount > 0 and math.min(factor, names.MAX_WEIGHT / amount) or factor
  local safe = seen.kept(record).most
  if safe then
    factor = math.min(factor, math.max(1, safe / (tonumber(record.times) or 1)))
  end
  return factor
end

--- The output gain that keeps the loudness with `times` what was computed, from the record's table ("0.5 -0.7 ...":
--- times and dB in turn), or nil.
local function gain_at(record, times)
  local before_x, before_y
  for x, y in (seen.kept(record).gains or ""):gmatch("(%S+) (%S+)") do
    x, y = tonumber(x), tonumber(y)
    if not x or not y then
      return nil
    elseif x >= times then
      return before_x and before_y + (y - before_y) * (times - before_x) / (x - before_x) or y
    end
    before_x, before_y = x, y
  end
  return before_y
end

--- {bands, output_gain_db} with `factor` times as much of it; `blend` gives what a pass filter was computed for.
function scale.eq(eq, factor, blend, record)
  local before = scale.amount(blend)
  before = before > 0 and before or 1
  local times = record and tonumber(record.times) or 1
  local now_db, then_db = gain_at(record, times), gain_at(record, times * factor)
  -- Without a table: what the bands add or take grows with them, nearly in proportion at these gains.
  local gain_db = now_db and eq.output_gain_db + then_db - now_db or eq.output_gain_db * factor
  local scaled = { bands = {}, output_gain_db = math.max(-MAX_GAIN_DB, math.min(gain_db, MAX_GAIN_DB)) }
  for n, band in ipairs(eq.bands) do
    local copy = {}
    for key, value in pairs(band) do
      copy[key] = value
    end
    if band.enabled and HAS_GAIN[band.kind] then
      copy.gain_db = band.gain_db * factor
    elseif band.enabled and reaeq.PASSES[band.kind] then
      copy.freq_hz = reaeq.corner_hz(band.kind, band.freq_hz, before, before * factor)
    end
    scaled.bands[n] = copy
  end
  return scaled
end

--- `blend` with all weights times `factor`.
function scale.weights(blend, factor)
  local scaled = {}
  for i, part in ipairs(blend) do
    scaled[i] = { word = part.word, weight = part.weight * factor }
  end
  return scaled
end

return scale
