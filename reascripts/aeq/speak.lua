-- What a screen reader says: through OSARA where it is installed, else nothing.

local speak = {}

--- Whether anybody hears what is said.
function speak.heard()
  return reaper.APIExists("osara_outputMessage")
end

--- Says a sentence.
function speak.say(text)
  if speak.heard() then
    reaper.osara_outputMessage(text)
  end
end

local function hz(freq_hz)
  return freq_hz >= 1000 and ("%.1f kHz"):format(freq_hz / 1000) or ("%.0f Hz"):format(freq_hz)
end

--- What an EQ {bands, output_gain_db} does, in Hz and dB.
function speak.eq(eq)
  local parts = {}
  for _, band in ipairs(eq.bands) do
    if band.enabled then
      local kind = (band.kind or "another kind at"):gsub("_", " ")
      local passes = band.kind == "high_pass" or band.kind == "low_pass"
      parts[#parts + 1] = ("%s %s"):format(kind, hz(band.freq_hz))
        .. (passes and "" or (" %+.1f dB"):format(band.gain_db))
    end
  end
  parts[#parts + 1] = ("output %+.1f dB"):format(eq.output_gain_db)
  return table.concat(parts, ", ")
end

local TOLD = 3 -- tracks; nobody listens to two hundred

--- What was done to several tracks: {{name = track, what = text or a function that gives it}, ...}
function speak.results(results)
  local parts = {}
  for i = 1, math.min(#results, TOLD) do
    local what = results[i].what
    parts[i] = results[i].name .. ": " .. (type(what) == "function" and what() or what)
  end
  if #results > TOLD then
    parts[#parts + 1] = ("and %d more tracks"):format(#results - TOLD)
  end
  return table.concat(parts, ". ")
end

return speak
