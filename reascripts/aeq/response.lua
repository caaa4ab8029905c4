-- What ReaEQ ought to do, for the self-test: what real renders confirm (docs/reaper.md, 5), and the response of a
-- rendered impulse to hold against them.

local response = {}

--- Biquad b0 b1 b2 a0 a1 a2 of a band: RBJ peaking with the bandwidth in octaves, digital form.
local function peaking(w, band)
  local a = 10 ^ (band.gain_db / 40)
  local x = math.log(2) / 2 * band.bandwidth_oct * w / math.sin(w)
  local alpha = math.sin(w) * (math.exp(x) - math.exp(-x)) / 2
  local c = -2 * math.cos(w)
  return { 1 + alpha * a, c, 1 - alpha * a, 1 + alpha / a, c, 1 - alpha / a }
end

--- RBJ shelf with slope 1, which is ReaEQ's shelf at a bandwidth of 1.0. `sign` is 1 for low, -1 for high.
local function shelf(w, band, sign)
  local a = 10 ^ (band.gain_db / 40)
  local c, s = sign * math.cos(w), 2 * math.sqrt(a) * math.sin(w) / math.sqrt(2)
  return {
    a * (a + 1 - (a - 1) * c + s), sign * 2 * a * (a - 1 - (a + 1) * c), a * (a + 1 - (a - 1) * c - s),
    a + 1 + (a - 1) * c + s, sign * -2 * (a - 1 + (a + 1) * c), a + 1 + (a - 1) * c - s,
  }
end

local function magnitude_db(q, w)
  local function power(x, y, z)
    local re = x + y * math.cos(w) + z * math.cos(2 * w)
    local im = y * math.sin(w) + z * math.sin(2 * w)
    return re * re + im * im
  end
  return 10 * math.log(power(q[1], q[2], q[3]) / power(q[4], q[5], q[6]), 10)
end

--- dB of {bands, output_gain_db} at a frequency; low shelves, high shelves and bands only.
function response.expected_db(eq, freq_hz, sample_rate)
  local total = eq.output_gain_db
  for _, band in ipairs(eq.bands) do
    local w = 2 * math.pi * band.freq_hz / sample_rate
    local signs = { low_shelf = 1, high_shelf = -1 }
    local q = signs[band.kind] and shelf(w, band, signs[band.kind]) or peaking(w, band)
    total = total + magnitude_db(q, 2 * math.pi * freq_hz / sample_rate)
  end
  return total
end

--- dB of an impulse response (a list of samples) at a frequency.
function response.measured_db(samples, freq_hz, sample_rate)
  local w, re, im = 2 * math.pi * freq_hz / sample_rate, 0, 0
  for n, value in ipairs(samples) do
    re, im = re + value * math.cos(w * n), im + value * math.sin(w * n)
  end
  return 10 * math.log(math.max(re * re + im * im, 1e-30), 10)
end

--- A stereo 32-bit float WAV of `frames` with one impulse of height 0.5 at frame `at`.
function response.impulse_wav(frames, at, sample_rate)
  local silence, one = ("\0"):rep(8), string.pack("<ff", 0.5, 0.5)
  local data = silence:rep(at) .. one .. silence:rep(frames - at - 1)
  local format = string.pack("<I2I2I4I4I2I2", 3, 2, sample_rate, sample_rate * 8, 8, 32)
  return "RIFF" .. string.pack("<I4", 36 + #data) .. "WAVEfmt " .. string.pack("<I4", 16) .. format
    .. "data" .. string.pack("<I4", #data) .. data
end

--- The left channel of a rendered file (32-bit float), from frame `from` on, `frames` of it, divided by `height`.
function response.read(path, info, from, frames, height)
  local file = assert(io.open(path, "rb"))
  file:seek("set", info.data_from + from * info.align)
  local data = file:read(frames * info.align) or ""
  file:close()
  local samples = {}
  for n = 0, #data // info.align - 1 do
    samples[n + 1] = string.unpack("<f", data, n * info.align + 1) / height
  end
  return samples
end

return response
