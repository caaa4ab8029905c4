-- Sections of a song, between the project's time and that of the sound that is asked about.

local json = require("aeq.json")

local along = {}

--- Where the project's regions begin and end, seconds; nil where there is none.
function along.edges(project)
  local edges, n = {}, 0
  while true do
    local found, is_region, from_s, to_s = reaper.EnumProjectMarkers3(project, n)
    if found == 0 then
      break
    elseif is_region then
      edges[#edges + 1], edges[#edges + 2] = from_s, to_s
    end
    n = n + 1
  end
  return #edges > 0 and edges or nil
end

--- Where a time of the project lies in a sound that was rendered in pieces {{from_s, to_s}, ...}.
local function in_sound(pieces, at_s)
  local seconds = 0
  for _, piece in ipairs(pieces) do
    seconds = seconds + math.max(0, math.min(piece.to_s, at_s) - piece.from_s)
  end
  return seconds
end

--- And where in the project a moment of that sound lies; between two pieces the beginning of the second.
local function in_project(pieces, at_s)
  for n, piece in ipairs(pieces) do
    local length_s = piece.to_s - piece.from_s
    if at_s < length_s or n == #pieces then
      return piece.from_s + at_s
    end
    at_s = at_s - length_s
  end
  return at_s
end

--- Adds to a question that its EQ may follow the song. `heard`: {sound} or {path, pieces}.
function along.ask(act, task, heard)
  task.sections = true
  local edges = along.edges(act.project)
  if edges and heard.pieces then
    for n, edge in ipairs(edges) do
      edges[n] = in_sound(heard.pieces, edge)
    end
  end
  task.edges_s = edges and json.array(edges) or nil
end

--- Brings the sections of an answer about `heard` to the project's time; those of described sounds are there already.
function along.place(answer, heard)
  for _, section in ipairs(heard.pieces and answer.sections or {}) do
    section.start_s = in_project(heard.pieces, section.start_s)
    section.stop_s = in_project(heard.pieces, section.stop_s)
  end
end

return along
