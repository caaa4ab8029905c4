-- The amount of EQs under the user's hand: heard while it moves, one undo step when it is let go. Between two cycles
-- never more than a slice of time is taken, however many tracks are meant.
-- What is written while the hand moves is no step by itself; the step that closes restores all that differs from the
-- step before (docs/reaper.md, 10), so undo brings back what was there before the hand came.

local chain = require("aeq.chain")
local edits = require("aeq.edits")
local moving = require("aeq.moving")
local names = require("aeq.names")
local noting = require("aeq.noting")
local presence = require("aeq.presence")
local reaeq = require("aeq.reaeq")
local reaeq_write = require("aeq.reaeq_write")
local render_state = require("aeq.render_state")
local scale = require("aeq.scale")
local write = require("aeq.write")

local Gesture = {}
Gesture.__index = Gesture

local LEAST = 0.01 -- of what was computed: none of the shape is lost, and nothing of it is heard
local UNDO_STATE = 1 | 2
local CLOSE, ENOUGH = 1e-6, 1e-9

local function there(self, part)
  if not reaper.ValidatePtr2(0, self.project, "ReaProject*")
    or not reaper.ValidatePtr2(self.project, part.track, "MediaTrack*") then
    return nil
  end
  local fx = part.instance.index
  if reaper.TrackFX_GetFXGUID(part.track, fx) ~= part.instance.guid then
    fx = chain.find(part.track, part.instance.guid)
    part.instance.index = fx or part.instance.index
  end
  return fx
end

-- Goes on looking for what is meant; true once all is found. Throws what the search throws.
local function found(self, until_s)
  if not self.search then
    return true
  end
  self.search_until_s = until_s
  local fine, thrown = coroutine.resume(self.search)
  if not fine then
    self.search, self.closed = nil, true -- nothing is left to be finished either
    error(thrown, 0)
  end
  self.search = coroutine.status(self.search) ~= "dead" and self.search or nil
  return not self.search
end

--- Reads what is there; true once all is read.
function Gesture:prepare(until_s)
  if not found(self, until_s) then
    return false
  end
  while self.read < #self.parts and (self.read == 0 or reaper.time_precise() < until_s) do
    self.read = self.read + 1
    local part = self.parts[self.read]
    if there(self, part) then
      local change
      part.history = presence.history(self.project)
      part.lanes = moving.lanes(self.project, part.track, part.instance)
      part.eq, change = moving.at_rest(part.track, part.instance, part.lanes)
      part.computed = change and part.instance.record.eq
      part.blend = scale.blend(part.instance)
      local lanes_db = moving.most_db(part.track, part.instance.index, part.lanes)
      part.most = math.max(1, scale.most(part.eq, part.blend, part.instance.record, lanes_db))
      part.least = LEAST / math.max(scale.amount(part.blend), LEAST)
      part.applied = 1
      if self.modes[part.track] == nil then
        self.modes[part.track] = render_state.no_recording(self.project, part.track)
      end
    end
  end
  return self.read == #self.parts
end

local function factor_of(self, part)
  return math.max(part.least, math.min(self.factor, part.most))
end

-- What an EQ is to hold; what a hand made of it stays beside what grows, where its bands are still the same ones.
local function wanted(part, factor)
  local record = part.instance.record
  if part.computed then
    local whole = edits.kept(part.computed, part.eq, scale.eq(part.computed, factor, part.blend, record))
    if #whole.bands == #part.eq.bands then
      return whole
    end
  end
  return scale.eq(part.eq, factor, part.blend, record)
end

-- Where an EQ is now; nil where its track or the FX itself was deleted meanwhile, or where it holds something else than
-- was written since the user made, undid or redid a step: nothing is to be done with it any more.
local function kept(self, part)
  local fx = part.eq and there(self, part)
  if fx and part.history ~= self.history then
    part.history = self.history
    fx = not reaeq_write.difference(part.track, fx, wanted(part, part.applied)) and fx or nil
  end
  part.eq = fx and part.eq or nil
  return fx
end

local function apply(self, part)
  local factor = factor_of(self, part)
  if math.abs(part.applied - factor) < ENOUGH then
    return
  end
  local fx = kept(self, part)
  if not fx then
    return
  end
  local now = wanted(part, factor)
  for n, band in ipairs(now.bands) do
    if reaeq.PASSES[band.kind] and math.abs(band.freq_hz - part.eq.bands[n].freq_hz) > CLOSE then
      local ok, api, index = reaper.TrackFX_GetEQParam(part.track, fx, 3 * (n - 1))
      if ok then
        reaper.TrackFX_SetEQParam(part.track, fx, api, index, reaeq.FREQ, band.freq_hz, false)
      end
    elseif math.abs(band.gain_db - part.eq.bands[n].gain_db) > CLOSE or part.applied ~= 1 then
      reaper.TrackFX_SetParam(part.track, fx, 3 * (n - 1) + reaeq.GAIN, reaeq.to_linear(band.gain_db) / 4)
    end
  end
  reaper.TrackFX_SetParam(part.track, fx, 3 * #now.bands, reaeq.to_linear(now.output_gain_db))
  part.applied, self.touched = factor, true
end

--- How much is wanted: so many times what was there when the hand came.
function Gesture:to(factor)
  self.factor = factor
end

--- The first EQ that is there; nil where all have gone.
function Gesture:first()
  for _, part in ipairs(self.parts) do
    if part.eq then
      return part
    end
  end
end

--- The factor of the first EQ, after its limits.
function Gesture:reached()
  local part = self:first()
  return part and factor_of(self, part) or 1
end

--- Writes what differs, the first tracks first; true once nothing does.
function Gesture:write(until_s)
  if not self:prepare(until_s) then
    return false
  elseif reaper.ValidatePtr2(0, self.project, "ReaProject*") then
    self.history = presence.history(self.project)
  end
  for _ = 1, #self.parts do
    self.next = self.next % #self.parts + 1
    local part = self.parts[self.next]
    if part.eq then
      apply(self, part)
    end
    if reaper.time_precise() > until_s then
      break
    end
  end
  for _, part in ipairs(self.parts) do
    if part.eq and math.abs(part.applied - factor_of(self, part)) >= ENOUGH then
      return false
    end
  end
  return true
end

--- Names and records of what was changed, a slice at a time.
local function note(self, until_s)
  while self.noted < #self.parts do
    self.noted = self.noted + 1
    local part = self.parts[self.noted]
    local fx = part.applied ~= 1 and kept(self, part)
    if fx then
      moving.put_scale(part.track, fx, moving.ready_scale(part.track, fx, part.lanes, part.applied))
      local eq = moving.at_rest(part.track, part.instance, part.lanes)
      local target = { track = part.track, name = part.name }
      local computed = part.computed and scale.eq(part.computed, part.applied, part.blend, part.instance.record) or eq
      if #part.lanes > 0 and not part.computed then
        computed = wanted(part, part.applied)
      end
      noting.note(target, fx, part.instance, computed, scale.weights(part.blend, part.applied),
        { factor = part.applied, lanes = part.lanes })
      part.now = eq
    end
    if reaper.time_precise() > until_s then
      return self.noted == #self.parts
    end
  end
  return true
end

--- Closes with one undo step, once everything is written: call it in every cycle until it answers true.
function Gesture:finish(until_s)
  if self.closed then
    return true
  elseif not self:write(until_s) or not note(self, until_s) then
    return false
  end
  self.closed = true
  if #self.parts == 0 or not reaper.ValidatePtr2(0, self.project, "ReaProject*") then
    return true
  end
  local first = self:first() or self.parts[1]
  local count = self.tracks > 1 and (" (%d tracks)"):format(self.tracks) or ""
  local label = names.format(scale.weights(first.blend or {}, first.applied or 1)) .. count
  reaper.Undo_BeginBlock2(self.project)
  for _, restore in pairs(self.modes) do
    restore()
  end
  if self.undone then
    label = label .. " (taken back)"
  end
  reaper.Undo_EndBlock2(self.project, label, UNDO_STATE)
  if self.undone then
    write.take_back(self.project, label)
  end
  return true
end

--- Takes back all that the hand did, once it is let go.
function Gesture:take_back()
  self.undone = true
  self:to(1)
end

--- Opens a gesture on `entries` as `linked.with_ours` gives them, or on what a function of that kind will find.
local function open(project, entries)
  local self = setmetatable({
    project = project, parts = {}, modes = {}, read = 0, next = 0, noted = 0, factor = 1,
  }, Gesture)
  local function take(list)
    self.tracks = #list
    for _, entry in ipairs(list) do
      for _, instance in ipairs(entry.ours) do
        self.parts[#self.parts + 1] = { track = entry.track, name = entry.name, instance = instance }
      end
    end
  end
  if type(entries) == "table" then
    take(entries)
    return self
  end
  local act = { project = project, breathe = function()
    if reaper.time_precise() > self.search_until_s then
      coroutine.yield()
    end
  end }
  self.search = coroutine.create(function()
    take(entries(act))
  end)
  return self
end

return { open = open }
