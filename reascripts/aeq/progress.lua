-- A small window while we wait: what is going on, how far, Esc stops it. It remembers its place.

local settings = require("aeq.settings")

local Progress = {}
Progress.__index = Progress

local WIDTH, HEIGHT = 380, 84
-- A quick answer shows no window at all: it would only flash and take the keyboard.
local OPEN_AFTER_S = 0.5
local ESCAPE, CLOSED = 27, -1

local function new(title)
  return setmetatable({ title = title, opened = false, from = reaper.time_precise(), text = "", share = 0 }, Progress)
end

function Progress:open()
  local x, y = settings.remembered("window"):match("^(-?%d+) (-?%d+)$")
  gfx.init("reaper-aeq: " .. self.title, WIDTH, HEIGHT, 0, tonumber(x) or 200, tonumber(y) or 200)
  gfx.setfont(1, "Arial", 15)
  self.opened = true
end

--- What is shown from now on: a few words, and how much is done, 0..1.
function Progress:say(text, share)
  self.text, self.share = text, math.max(0, math.min(1, share or self.share))
end

--- Draws; once a cycle. True when the user wants to stop (Esc, or the window was closed).
function Progress:step()
  if self.stopped then
    return true
  elseif not self.opened then
    if reaper.time_precise() - self.from < OPEN_AFTER_S then
      return false
    end
    self:open()
  end
  local key = gfx.getchar()
  if key == ESCAPE or key == CLOSED then
    self.opened = key == ESCAPE -- a window that is gone cannot be drawn in, and has no place to remember
    self.stopped = true
    return true
  end
  self:draw()
  return false
end

function Progress:draw()
  gfx.set(0.16, 0.16, 0.17, 1)
  gfx.rect(0, 0, gfx.w, gfx.h, true)
  gfx.set(0.35, 0.35, 0.37, 1)
  gfx.rect(12, 38, gfx.w - 24, 10, true)
  gfx.set(0.95, 0.62, 0.25, 1)
  gfx.rect(12, 38, (gfx.w - 24) * self.share, 10, true)
  gfx.set(0.92, 0.92, 0.92, 1)
  gfx.x, gfx.y = 12, 12
  gfx.drawstr(self.text)
  gfx.x, gfx.y = 12, 58
  gfx.drawstr("Press Esc to stop; nothing will be changed.")
  gfx.update()
end

function Progress:close()
  if self.opened then
    local _, x, y = gfx.dock(-1, 0, 0, 0, 0)
    settings.remember("window", ("%d %d"):format(math.floor(x), math.floor(y)))
    gfx.quit()
    self.opened = false
  end
end

return { new = new }
