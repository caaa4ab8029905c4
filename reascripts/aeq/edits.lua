-- What the user did by hand to an EQ of ours since it was computed, and the same done to the next one: band by band
-- where the next answer has that band too, so that a narrow notch stays the notch that it is; what has no counterpart
-- goes beside it as bands of its own. reaper_aeq/reaper/edits.py does the same. An EQ is {bands, output_gain_db}.

local envelopes = require("aeq.envelopes")
local reaeq = require("aeq.reaeq")

local edits = {}

-- What REAPER's own rounding may change, far below what a hand does and anybody hears.
local SAME_DB, SAME_HZ, SAME_OCT = 0.05, 5e-3, 0.02
local NEAR_OCT = 1.0 -- a band of that kind so near is the same band, moved
local ANOTHER_PLACE, ANOTHER_KIND = 0.3, 3.0 -- octaves that a band counts further off, in a row that a deletion shifted
local LEAST_HZ, MOST_HZ, LEAST_OCT, MOST_OCT = 20, 24000, 0.01, 4 -- ReaEQ's
local SHOWN = 4 -- changes that are told
local HAS_GAIN = { low_shelf = true, high_shelf = true, band = true }
local SIDE = { low_shelf = "below", high_shelf = "above" }

--- The column of each row, the cheapest pairs first. cost(row, column): a number, or nil.
local function matched(rows, columns, cost)
  local costs, row_of, column_of = {}, {}, {}
  for row = 1, rows do
    for column = 1, columns do
      local price = cost(row, column)
      costs[#costs + 1] = price and { price, row, column }
    end
  end
  table.sort(costs, function(a, b)
    if a[1] ~= b[1] then
      return a[1] < b[1]
    end
    return a[2] < b[2] or a[2] == b[2] and a[3] < b[3]
  end)
  for _, entry in ipairs(costs) do
    local row, column = entry[2], entry[3]
    if not column_of[row] and not row_of[column] then
      column_of[row], row_of[column] = column, row
    end
  end
  return column_of, row_of
end

local function octaves(a, b)
  return math.abs(math.log(a.freq_hz / b.freq_hz, 2))
end

--- For each computed band where it is now, nil where it was deleted, which shifts those behind it; and the reverse.
local function pairs_of(computed, held)
  return matched(#computed.bands, #held.bands, function(k, place)
    local band, now = computed.bands[k], held.bands[place]
    if now.kind ~= band.kind then
      return k == place and now.kind and octaves(now, band) + ANOTHER_KIND or nil
    elseif k == place then
      return octaves(now, band)
    end
    return octaves(now, band) <= NEAR_OCT and octaves(now, band) + ANOTHER_PLACE or nil
  end)
end

local function same_gain(band, now)
  return not (HAS_GAIN[band.kind] and HAS_GAIN[now.kind]) or math.abs(now.gain_db - band.gain_db) < SAME_DB
end

local function same_freq(band, now)
  return math.abs(now.freq_hz / band.freq_hz - 1) < SAME_HZ
end

local function same_width(band, now)
  return math.abs(now.bandwidth_oct - band.bandwidth_oct) < SAME_OCT
end

local function hz(freq_hz)
  return freq_hz >= 999.5 and ("%.3g kHz"):format(freq_hz / 1000) or ("%.3g Hz"):format(freq_hz)
end

local function kind_text(kind)
  return kind:gsub("_pass$", reaeq.PASSES[kind] and "-pass" or " pass"):gsub("_", " ")
end

local function change_text(band, gain_db)
  return ("%+.1f dB %s %s"):format(gain_db, SIDE[band.kind] or "at", hz(band.freq_hz))
end

--- What a hand did to one band, as a list of texts.
local function told(before, now)
  if not now or now.enabled ~= before.enabled then
    local is_on = now ~= nil and now.enabled
    local text = ("the band at %s %s"):format(hz(before.freq_hz), is_on and "on" or "off")
    return (is_on or before.enabled) and { text } or {}
  elseif not now.enabled then
    return {}
  elseif now.kind ~= before.kind then
    return { ("a %s for the %s at %s"):format(kind_text(now.kind), kind_text(before.kind), hz(before.freq_hz)) }
  end
  local list = {}
  if not same_freq(before, now) then
    list[1] = ("%s moved to %s"):format(hz(before.freq_hz), hz(now.freq_hz))
  end
  if not same_gain(before, now) then
    list[#list + 1] = change_text(now, now.gain_db - before.gain_db)
  end
  if not same_width(before, now) then
    local wider = now.bandwidth_oct > before.bandwidth_oct
    list[#list + 1] = ("%s at %s"):format(wider and "wider" or "narrower", hz(now.freq_hz))
  end
  return list
end

local function addition(own)
  if not own.kind then
    return "a band of another kind"
  elseif HAS_GAIN[own.kind] then
    return change_text(own, own.gain_db)
  end
  return ("a %s at %s"):format(kind_text(own.kind), hz(own.freq_hz))
end

--- "+1.5 dB at 300 Hz, a notch at 60 Hz"; "" where nothing was changed.
function edits.described(computed, held)
  local place_of, computed_of = pairs_of(computed, held)
  local list = {}
  for k, band in ipairs(computed.bands) do
    table.move(told(band, held.bands[place_of[k]]), 1, 9, #list + 1, list)
  end
  for place, own in ipairs(held.bands) do
    local heard = own.enabled and (not HAS_GAIN[own.kind] or math.abs(own.gain_db) >= SAME_DB)
    list[#list + 1] = heard and not computed_of[place] and addition(own) or nil
  end
  local gain_db = held.output_gain_db - computed.output_gain_db
  if math.abs(gain_db) >= SAME_DB then
    list[#list + 1] = ("%+.1f dB of output gain"):format(gain_db)
  end
  if #list > SHOWN then
    list = table.move(list, 1, SHOWN, 1, {})
    list[SHOWN + 1] = "and more"
  end
  return table.concat(list, ", ")
end

local function copy_of(band, changed)
  local copy = {}
  for key, value in pairs(band) do
    copy[key] = value
  end
  for key, value in pairs(changed) do
    copy[key] = value
  end
  return copy
end

--- `new` changed as `before` was to `now`. `state`, where there is one, is the kind's number: several mean one kind.
local function moved_alike(before, now, new)
  local gain_db, freq_hz, width = new.gain_db, new.freq_hz, new.bandwidth_oct
  if now.kind ~= before.kind and not (HAS_GAIN[now.kind] and HAS_GAIN[before.kind]) then
    gain_db = now.gain_db
  elseif not same_gain(before, now) then
    gain_db = gain_db + now.gain_db - before.gain_db
  end
  if not same_freq(before, now) then
    freq_hz = freq_hz * now.freq_hz / before.freq_hz
  end
  if not same_width(before, now) then
    width = width * now.bandwidth_oct / before.bandwidth_oct
  end
  local enabled = new.enabled
  if now.enabled ~= before.enabled then
    enabled = now.enabled
  end
  return {
    kind = now.kind, state = now.state, freq_hz = math.max(LEAST_HZ, math.min(freq_hz, MOST_HZ)),
    gain_db = math.min(gain_db, reaeq.MAX_GAIN_DB), bandwidth_oct = math.max(LEAST_OCT, math.min(width, MOST_OCT)),
    enabled = enabled,
  }
end

--- Adds bands that do what a hand did to one that the next answer has not.
local function add_difference(list, before, now)
  if now and #told(before, now) == 0 then
    return
  end
  local both = now and now.enabled and before.enabled and now.kind == before.kind and HAS_GAIN[now.kind]
  if both and same_freq(before, now) and same_width(before, now) then
    list[#list + 1] = copy_of(now, { gain_db = now.gain_db - before.gain_db })
    return
  end
  list[#list + 1] = now and now.enabled and now or nil
  list[#list + 1] = before.enabled and HAS_GAIN[before.kind] and copy_of(before, { gain_db = -before.gain_db }) or nil
end

--- `new` with what a hand made of `computed`: `held` itself where `new` is what was computed before.
function edits.kept(computed, held, new)
  local place_of, computed_of = pairs_of(computed, held)
  local again, found = matched(#new.bands, #computed.bands, function(n, k)
    local band, before = new.bands[n], computed.bands[k]
    local near = octaves(band, before) <= NEAR_OCT or reaeq.PASSES[band.kind]
    return band.kind == before.kind and near and octaves(band, before) or nil
  end)
  local bands = {}
  for n, band in ipairs(new.bands) do
    local before = again[n]
    local now = before and held.bands[place_of[before]]
    if not before then
      bands[#bands + 1] = band
    elseif now then -- else it was deleted
      bands[#bands + 1] = moved_alike(computed.bands[before], now, band)
    end
  end
  for place, own in ipairs(held.bands) do
    bands[#bands + 1] = not computed_of[place] and own or nil
  end
  for k, band in ipairs(computed.bands) do
    if not found[k] then
      add_difference(bands, band, held.bands[place_of[k]])
    end
  end
  local gain_db = held.output_gain_db - computed.output_gain_db
  gain_db = new.output_gain_db + (math.abs(gain_db) >= SAME_DB and gain_db or 0)
  return { bands = bands, output_gain_db = math.min(gain_db, reaeq.MAX_GAIN_DB) }
end

--- What `whole`, an `eq` with a hand's changes, does in the sections of `eq`: the hand's part is the same in all.
function edits.along(eq, whole)
  local _, computed_of = pairs_of(eq, whole)
  local sections = {}
  for n, section in ipairs(eq.sections) do
    local gains_db = {}
    for place, band in ipairs(whole.bands) do
      local k = computed_of[place]
      local moved = k and HAS_GAIN[band.kind] and section.gains_db[k] - eq.bands[k].gain_db or 0
      gains_db[place] = math.min(band.gain_db + moved, reaeq.MAX_GAIN_DB)
    end
    local output_gain_db = section.output_gain_db + whole.output_gain_db - eq.output_gain_db
    sections[n] = {
      start_s = section.start_s, stop_s = section.stop_s, gains_db = gains_db,
      output_gain_db = math.min(output_gain_db, reaeq.MAX_GAIN_DB),
    }
  end
  return sections
end

--- What counts as computed once `share` (0 to 1) of an edit has become part of the word's own meaning.
function edits.toward(computed, held, share)
  local place_of, computed_of = pairs_of(computed, held)
  local bands = {}
  for k, band in ipairs(computed.bands) do
    local now = held.bands[place_of[k]]
    if not now or band.enabled and not now.enabled then
      bands[k] = copy_of(band, { gain_db = band.gain_db * (1 - share) })
    elseif now.kind ~= band.kind or not band.enabled then
      bands[k] = band
    else
      bands[k] = copy_of(band, {
        freq_hz = band.freq_hz * (now.freq_hz / band.freq_hz) ^ share,
        gain_db = band.gain_db + share * (now.gain_db - band.gain_db),
        bandwidth_oct = band.bandwidth_oct * (now.bandwidth_oct / band.bandwidth_oct) ^ share,
      })
    end
  end
  for place, own in ipairs(held.bands) do
    if own.enabled and not computed_of[place] and HAS_GAIN[own.kind] then
      bands[#bands + 1] = copy_of(own, { gain_db = own.gain_db * share })
    end
  end
  return { bands = bands, output_gain_db = computed.output_gain_db }
end

--- One text for one setting.
function edits.signature(held)
  local rows = {}
  for _, band in ipairs(held.bands) do
    if band.enabled and band.kind then
      rows[#rows + 1] = ("%s %.3g %.1f %.1f"):format(band.kind, band.freq_hz, band.gain_db, band.bandwidth_oct)
    end
  end
  return table.concat(rows, "; ")
end

--- What an instance holds, and what the user did to it in words, nil for nothing. What follows an envelope is no
--- hand's work: it counts as it was computed.
function edits.of(track, fx, computed)
  local held = reaeq.read(track, fx)
  if #held.bands == 0 then -- it tells nothing: writing to it will say why
    return held, nil
  end
  local change = edits.described(computed, held)
  if change ~= "" then
    local driven, place_of = envelopes.driven(track, fx), pairs_of(computed, held)
    for k, band in ipairs(computed.bands) do
      local place, now = place_of[k], held.bands[place_of[k]]
      for parameter, name in pairs(place and { [0] = "freq_hz", "gain_db", "bandwidth_oct" } or {}) do
        now[name] = driven[3 * (place - 1) + parameter] and band[name] or now[name]
      end
    end
    held.output_gain_db = driven[3 * #held.bands] and computed.output_gain_db or held.output_gain_db
    change = edits.described(computed, held)
  end
  return held, change ~= "" and change or nil
end

return edits
