-- What the backend sends is checked before anything of it comes near the project.

local messages = require("aeq.messages")
local reaeq = require("aeq.reaeq")

local answers = {}

local function nonsense(what)
  messages.fail("nonsense", { what = what })
end

local function number_in(value, low, high)
  return type(value) == "number" and value >= low and value <= high -- NaN fails both
end

local function check_band(band)
  if type(band) ~= "table" or not reaeq.KINDS[band.kind] or type(band.enabled) ~= "boolean" then
    nonsense("a band of an unknown kind")
  elseif not number_in(band.freq_hz, 20, 24000) then
    nonsense("a frequency of " .. tostring(band.freq_hz))
  elseif not number_in(band.gain_db, -150, reaeq.MAX_GAIN_DB) then
    nonsense("a gain of " .. tostring(band.gain_db))
  elseif not number_in(band.bandwidth_oct, 0.01, 4) then
    nonsense("a bandwidth of " .. tostring(band.bandwidth_oct))
  end
end

--- Sections of an EQ that follows the song: in their order, with a gain for each band.
local function check_sections(sections, count)
  if type(sections) ~= "table" or #sections < 2 or #sections > 5000 then
    nonsense("no sections")
  end
  local last_s = -math.huge
  for _, section in ipairs(sections) do
    if type(section) ~= "table" or not number_in(section.start_s, last_s, 1e7) or section.start_s == last_s
      or not number_in(section.stop_s, section.start_s, 1e7) then
      nonsense("sections that do not follow each other")
    elseif type(section.gains_db) ~= "table" or #section.gains_db ~= count then
      nonsense("a section with other bands")
    end
    last_s = section.start_s
    for _, gain_db in ipairs(section.gains_db) do
      if not number_in(gain_db, -60, reaeq.MAX_GAIN_DB) then
        nonsense("a gain of " .. tostring(gain_db))
      end
    end
    if not number_in(section.output_gain_db, -60, reaeq.MAX_GAIN_DB) then
      nonsense("an output gain of " .. tostring(section.output_gain_db))
    end
  end
end

--- The EQ of an `adapt` object: {bands, output_gain_db, word, score, heard, ...}; with {sections} it follows the song,
-- `heard` is kept to learn from.
function answers.eq(answer)
  if type(answer) ~= "table" or type(answer.bands) ~= "table" or #answer.bands > 16 then
    nonsense("no bands")
  end
  for _, band in ipairs(answer.bands) do
    check_band(band)
  end
  if not number_in(answer.output_gain_db, -60, reaeq.MAX_GAIN_DB) then
    nonsense("an output gain of " .. tostring(answer.output_gain_db))
  elseif type(answer.heard) ~= "table" then
    answer.heard = nil
  end
  if answer.sections ~= nil then
    check_sections(answer.sections, #answer.bands)
  end
  return answer
end

--- The scores of an `analyze` object: {scores, top, suggestion}.
function answers.scores(answer)
  if type(answer) ~= "table" or type(answer.top) ~= "table" or type(answer.suggestion) ~= "string" then
    nonsense("no scores")
  end
  for _, entry in ipairs(answer.top) do
    if type(entry) ~= "table" or type(entry[1]) ~= "string" or not number_in(entry[2], 0, 1) then
      nonsense("a score that is no number")
    end
  end
  return answer
end

--- A job as the server describes it.
function answers.job(body)
  if type(body.id) ~= "string" or type(body.state) ~= "string" or type(body.results) ~= "table" then
    nonsense("no job")
  end
  return body
end

--- The answers of a finished job, one for each task, in their order, each through `check`; {unreadable = why} for a
--- described sound of which the backend cannot read a file.
function answers.of_job(job, tasks, check)
  if #job.results ~= #tasks then
    nonsense(("%d answers to %d questions"):format(#job.results, #tasks))
  end
  local list = {}
  for i, result in ipairs(job.results) do
    if type(result) ~= "table" or result.id ~= tasks[i].id then
      nonsense("an answer to another question")
    elseif result.ok then
      list[i] = check(result.answer)
    elseif result.unreadable == true and tasks[i].sound then
      list[i] = { unreadable = tostring(result.error) }
    else
      local why = type(result.error) == "string" and result.error or "it could not be computed."
      messages.fail("track_refused", { track = tasks[i].name, why = why:match("[.!?]$") and why or why .. "." })
    end
  end
  return list
end

return answers
