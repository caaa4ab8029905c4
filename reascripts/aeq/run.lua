-- How an action lives in REAPER: as a coroutine that `defer` wakes once a cycle (about 30 times a second), so that the
-- story in flow.lua reads from top to bottom and yet never blocks REAPER.

local files = require("aeq.files")
local guard = require("aeq.guard")
local install = require("aeq.install")
local letters = require("aeq.letters")
local lock = require("aeq.lock")
local log = require("aeq.log")
local mailbox = require("aeq.mailbox")
local messages = require("aeq.messages")
local progress = require("aeq.progress")
local settings = require("aeq.settings")
local speak = require("aeq.speak")

-- Work of our own between two cycles; REAPER's window feels late from about 50 ms on.
local SLICE_S = 0.008
local SETTLE_S = 3 -- how long the backend may go on reading a sound that nobody waits for any more
local MIN_VERSION = 6.37 -- TrackFX_SetNamedConfigParm knows renamed_name

local Act = {}
Act.__index = Act

--- Gives REAPER a cycle. Throws `cancelled` when the user has asked to stop.
function Act:wait()
  coroutine.yield()
  if self.cancelled and not self.closed_to_cancel then
    messages.fail("cancelled")
  end
end

--- Gives REAPER a cycle if this one has taken its time: to be called inside long loops.
function Act:breathe()
  if reaper.time_precise() - self.cycle_from_s > SLICE_S then
    self:wait()
  end
end

--- Runs a function outside of the coroutine and returns its answer: some of REAPER's functions do nothing inside one.
function Act.on_main(_, body)
  local fine, answer = coroutine.yield(body)
  if not fine then
    error(answer, 0)
  end
  return answer
end

--- Runs a function that has to end even if the user stops meanwhile.
function Act:uninterrupted(body)
  self.closed_to_cancel = true
  body()
  self.closed_to_cancel = false
end

--- Leaves a sentence for the user, shown when all has gone well.
function Act:note(text)
  self.notes[#self.notes + 1] = text
end

--- The same, however it ends.
function Act:warn(text)
  self.warnings[#self.warnings + 1] = text
end

--- What was done to a track, for those who cannot see it: a text, or a function that gives it once it is to be said.
function Act:result(name, what)
  self.results[#self.results + 1] = { name = name, what = what }
end

--- The run's own folder, made when first needed.
function Act:folder()
  self.temp = self.temp or files.temp(mailbox.folder())
  return self.temp
end

local function close(act)
  if act.closed then
    return
  end
  act.closed, act.needs_all = true, nil
  guard.unwind() -- where REAPER ended us in the middle of a render
  act.progress:close()
  letters.abandon()
  if act.temp then
    act.temp:remove(math.huge)
  end
  lock.release()
end

--- Clears the run's folder, a little in each cycle; then closes and goes on with `after`.
local function settle(act, until_s, after)
  local settled = not act.temp or act.temp:remove(SLICE_S)
  if not settled and reaper.time_precise() < until_s then
    lock.beat()
    return reaper.defer(function()
      settle(act, until_s, after)
    end)
  end
  act.temp = not settled and act.temp or nil
  close(act)
  after()
end

local function tell(act, text)
  speak.say(text)
  act.tell(text)
end

local function report(act, thrown)
  if messages.is_failure(thrown) then
    log.add(act.title .. ": " .. thrown.key)
    if thrown.key ~= "cancelled" then -- who pressed Esc knows
      tell(act, thrown.text)
    end
    return
  end
  log.add(tostring(thrown))
  local why = tostring(thrown):match("^[^\n]*")
  tell(act, messages.text("internal", { why = why }))
end

local run = {}

local function old_version()
  local version = reaper.GetAppVersion()
  return (tonumber(version:match("^%d+%.%d+")) or 0) < MIN_VERSION and version or nil
end

--- Begins an action that may go on over several cycles: true unless this REAPER is too old, which is said.
function run.begin()
  -- A script that ends without ever calling defer gets an undo point of its own from REAPER, changed or not.
  reaper.defer(function() end)
  -- Listed by ReaPack or by hand, REAPER would ask in a box that stops all what to do with a second press: let it
  -- end this run and start the new one (1 | 2). Ours are listed as "new instance", which then says that we are busy.
  if reaper.set_action_options and not install.lists_actions() then
    reaper.set_action_options(1 | 2)
  end
  local version = old_version()
  if version then
    messages.show(messages.text("old_reaper", { version = version }))
  end
  return not version
end

--- Runs `story(act)` inside of a script that lives on; nil while another run lives, else the run, which `close` ends.
-- host: progress (say, step, close, as progress.lua has them), tell(text), over(fine) once all is done
function run.within(title, story, host)
  if not lock.take() then
    return nil
  end
  mailbox.forget()
  local act = setmetatable({
    title = title,
    project = reaper.EnumProjects(-1),
    settings = settings.load(),
    progress = host.progress,
    tell = host.tell,
    notes = {},
    warnings = {},
    results = {},
  }, Act)
  local thread = coroutine.create(story)
  local function cycle()
    if act.closed then
      return
    end
    act.cycle_from_s = reaper.time_precise()
    lock.beat()
    local fine, thrown = coroutine.resume(thread, act)
    while fine and type(thrown) == "function" and coroutine.status(thread) ~= "dead" do
      fine, thrown = coroutine.resume(thread, pcall(thrown))
    end
    if coroutine.status(thread) ~= "dead" then
      act.cancelled = act.progress:step() or act.cancelled
      return reaper.defer(cycle)
    end
    settle(act, reaper.time_precise() + SETTLE_S, function()
      if not fine then
        report(act, type(thrown) == "table" and thrown or debug.traceback(thread, tostring(thrown)))
      else
        if #act.results > 0 and speak.heard() then
          speak.say(speak.results(act.results))
        end
        table.move(act.notes, 1, #act.notes, #act.warnings + 1, act.warnings)
      end
      if #act.warnings > 0 then
        tell(act, table.concat(act.warnings, "\n"))
      end
      host.over(fine, act)
    end)
  end
  cycle()
  return act
end

run.close = close

--- Runs `story(act)` as the action called `title`. Only one runs at a time. `told(text)` shows what it has to say, in a
--- box by default.
function run.start(title, story, told)
  if not run.begin() then
    return
  end
  local act
  reaper.atexit(function()
    if act then
      close(act)
    end
  end)
  local host = { progress = progress.new(title), tell = told or messages.show, over = function() end }
  act = run.within(title, function(self)
    act = self
    story(self)
  end, host)
  if not act then
    messages.show(messages.text("busy"))
  end
end

return run
