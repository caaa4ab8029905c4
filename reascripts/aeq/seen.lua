-- What the backend saw in a sound, kept with the EQ it made of it: what the panel shows and how far the EQ may go.
-- Curves are text, whole tenths of a dB in turn from the lowest frequency on, "-" where nothing is heard: short, and
-- read only when they are drawn.

local settings = require("aeq.settings")

local seen = {}

-- A sketch costs the backend a millisecond and the project a kilobyte for each track: for more tracks than a hand
-- goes through one by one it is asked for only where a panel is there to show it.
local FEW = 8

--- Whether the backend is to send sketches in a press on so many tracks.
function seen.is_worth(count)
  return count <= FEW or settings.remembered("panel_open") ~= ""
end

-- Of the backend (dsp/spectrum.py): sixths of an octave, the 33rd at 1 kHz.
seen.POINTS = 59

function seen.freq_hz(n)
  return 1000 * 2 ^ ((n - 33) / 6)
end

local function text(value)
  return type(value) == "string" and value or nil
end

--- The part of an answer that is kept, nil where it has none.
function seen.of(answer)
  if not answer.explanation then
    return nil
  end
  local heard = type(answer.heard_as) == "table" and answer.heard_as or {}
  local sketch = type(answer.sketch) == "table" and answer.sketch or {}
  return {
    why = text(answer.explanation), kind = text(heard.kind), sure = tonumber(heard.probability),
    most = tonumber(sketch.most), gains = text(sketch.gains), rate = tonumber(sketch.sample_rate),
    source = text(sketch.source), low = text(sketch.low), high = text(sketch.high), variation = answer.variation,
  }
end

--- What a record keeps of it, of the types that it has to be: anybody may write there.
function seen.kept(record)
  local kept = record and type(record.seen) == "table" and record.seen or {}
  return {
    why = text(kept.why), kind = text(kept.kind), most = tonumber(kept.most), gains = text(kept.gains),
    rate = tonumber(kept.rate), source = text(kept.source), low = text(kept.low), high = text(kept.high),
    variation = tonumber(kept.variation),
  }
end

--- A curve as a list of dB, false where nothing is heard; nil for a text that is no curve.
function seen.curve(kept)
  local list = {}
  for word in (kept or ""):gmatch("%S+") do
    local value = tonumber(word)
    list[#list + 1] = value and value / 10 or false
  end
  return #list == seen.POINTS and list or nil
end

return seen
