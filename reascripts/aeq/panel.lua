-- The panel: one window that follows the selection. It draws only when something changed, and each cycle does little.

local controls = require("aeq.panel_controls")
local keys = require("aeq.panel_keys")
local lamps = require("aeq.lamps")
local look = require("aeq.panel_look")
local picture = require("aeq.panel_picture")
local presses = require("aeq.panel_presses")
local run = require("aeq.run")
local settings = require("aeq.settings")
local speak = require("aeq.speak")
local view = require("aeq.panel_view")

local Panel = {}
Panel.__index = Panel

local WIDTH, HEIGHT = 380, 600
local LOOK_S, THEME_S = 0.2, 1.0
local STEP = 0.05 -- of a slider, by an arrow key or a notch of the wheel
local LEFT_BUTTON, SHIFT, ALWAYS = 1, 8, { compare = false, delta = false }

--- Shows a sentence.
function Panel:show(text)
  self.status, self.dirty = text, true
end

--- Shows it, and lets OSARA say it.
function Panel:say(text)
  self:show(text)
  speak.say(text)
end

--- Looks at the selection again, if it is another one or it is time.
function Panel:look(now)
  local time, track, count = reaper.time_precise(), view.chosen()
  local same = self.sight and self.sight.track == track and self.sight.count == count
    and self.sight.project == reaper.EnumProjects(-1)
  if same and not now and time < self.look_s then
    return
  end
  self.look_s = time + LOOK_S
  self.sight = view.read()
  local mark = view.mark(self.sight)
  if mark ~= self.mark then
    self.mark, self.dirty = mark, true
    lamps.set("compare", self.sight.instance ~= nil and not self.sight.on or ALWAYS.compare)
    lamps.set("delta", self.sight.delta or ALWAYS.delta)
  end
end

local function titled(panel)
  local sight = panel.sight
  if not sight.track then
    return "Nothing is selected"
  end
  return sight.name .. (sight.count > 1 and (" and %d more"):format(sight.count - 1) or "")
end

local function why(panel)
  local sight = panel.sight
  if not sight.track then
    return "Select an item or a track, then press a word."
  elseif not sight.instance then
    return "No EQ of reaper-aeq is here yet. Press a word."
  end
  return sight.seen.why or "Press its word again to see why it is as it is."
end

function Panel:draw()
  local scale = look.scale()
  local width, height = gfx.w / scale, gfx.h / scale
  look.fonts()
  look.color("paper")
  look.rect(0, 0, width, height)
  self.list, self.place = controls.place(self, width, height)
  look.color("ink")
  look.text(look.fit(titled(self), self.place.width, look.BOLD), 10, 9, look.BOLD)
  look.color("soft")
  look.text(look.fit(self.sight.instance and self.sight.instance.name or "no EQ yet", self.place.width, look.SMALL), 10,
    32, look.SMALL)
  local box = self.place.picture
  if self.sight.eq and box[4] > 110 then
    picture.draw(self.sight, table.unpack(box))
  end
  look.color("ink")
  look.paragraph(why(self), 10, self.place.why, self.place.width, self.place.lines, look.SMALL)
  for n, entry in ipairs(self.list) do
    controls.draw(entry, n == self.focus, n == self.hovered)
  end
  look.color(self.busy and "accent" or "warn")
  if self.busy then
    look.rect(0, height - 3, width * (self.share or 0), 3)
  end
  look.text(look.fit(self.busy or self.status, self.place.width, look.SMALL), 10, height - 19, look.SMALL)
  self.dirty = false
end

local function let_go(panel)
  if panel.dragged == "intensity" then
    panel.letting_go = true
  elseif panel.dragged == "adaptation" then
    presses.adaptation(panel, panel.adaptation)
  end
  panel.dragged = nil
end

local function move(panel, entry, value)
  value = math.max(0, math.min(entry.most, value))
  if entry.id == "adaptation" then
    panel.adaptation, panel.dirty = value, true
  elseif panel.hand then
    presses.drag(panel, value)
  end
end

-- One step of a slider from the keyboard or the wheel: a movement of its own.
local function step(panel, entry, by)
  if panel.hand and not panel.letting_go then
    return
  elseif entry.id == "adaptation" then
    presses.adaptation(panel, math.max(0, math.min(1, panel.adaptation + by)))
  else
    presses.step(panel, by)
  end
end

function Panel:press(entry)
  if entry.kind == "field" then
    self.typing, self.dirty = self.typing or "", true
  elseif entry.kind == "button" then
    presses.button(self, entry)
  end
end

function Panel:mouse()
  local scale = look.scale()
  local x, y, down = gfx.mouse_x / scale, gfx.mouse_y / scale, gfx.mouse_cap & LEFT_BUTTON ~= 0
  local over
  for n, entry in ipairs(self.list) do
    if x >= entry.x and x < entry.x + entry.w and y >= entry.y and y < entry.y + entry.h then
      over = n
    end
  end
  self.dirty, self.hovered = self.dirty or over ~= self.hovered, over
  local entry = over and self.list[over]
  if self.dragged then
    for _, other in ipairs(self.list) do
      if other.id == self.dragged then
        move(self, other, controls.value_at(other, x))
      end
    end
    if not down then
      let_go(self)
    end
  elseif down and not self.was_down and entry then
    self.focus, self.dirty = over, true
    if entry.kind == "slider" and (entry.id ~= "intensity" or presses.grab(self)) then
      self.dragged = entry.id
      move(self, entry, controls.value_at(entry, x))
    elseif entry.kind ~= "slider" then
      self:press(entry)
    end
  elseif gfx.mouse_wheel ~= 0 and entry and entry.kind == "slider" then
    step(self, entry, gfx.mouse_wheel / 120 * STEP)
  end
  gfx.mouse_wheel, self.was_down = 0, down
end

local function type_key(panel, char)
  if char == keys.ESCAPE then
    panel.typing = nil
  elseif char == keys.ENTER then
    local text = panel.typing
    panel.typing = nil
    if text:match("%S") then
      presses.typed(panel, text)
    end
  elseif char == keys.BACKSPACE then
    panel.typing = panel.typing:sub(1, (utf8.offset(panel.typing, -1) or 1) - 1)
  elseif char >= 32 and char < 0x10000 and char ~= keys.UP then
    panel.typing = panel.typing .. utf8.char(math.floor(char))
  end
  panel.dirty = true
end

local function focus(panel, by)
  panel.focus = ((panel.focus or (by > 0 and 0 or 1)) - 1 + by) % #panel.list + 1
  panel.dirty = true
  speak.say(controls.spoken(panel.list[panel.focus]))
end

--- False once the window is to close.
function Panel:key(char)
  local entry = self.focus and self.list[self.focus]
  if self.typing then
    type_key(self, char)
  elseif char == keys.TAB then
    focus(self, gfx.mouse_cap & SHIFT ~= 0 and -1 or 1)
  elseif char == keys.DOWN then
    focus(self, 1)
  elseif char == keys.UP then
    focus(self, -1)
  elseif (char == keys.LEFT or char == keys.RIGHT) and entry then
    local by = char == keys.LEFT and -1 or 1
    if entry.kind == "slider" then
      step(self, entry, by * STEP)
    else
      focus(self, by)
    end
  elseif char == keys.ENTER and entry then
    self:press(entry)
  elseif char == keys.ESCAPE and self.dragged == "intensity" then
    self.hand:take_back()
    self.dragged, self.letting_go = nil, true
  elseif char == keys.ESCAPE and self.run then
    self.stop = true
  elseif char == keys.ESCAPE then
    return false
  else
    keys.pass(char)
  end
  return true
end

function Panel:remember()
  local dock, x, y = gfx.dock(-1, 0, 0, 0, 0)
  local scale = look.scale()
  local width, height = math.floor(gfx.w / scale + 0.5), math.floor(gfx.h / scale + 0.5)
  if dock ~= 0 then -- its size is the docker's
    width, height = self.width, self.height
  end
  local text = ("%d %d %d %d %d"):format(math.floor(dock), math.floor(x), math.floor(y), width, height)
  if text ~= self.remembered then
    self.remembered = text
    settings.remember("panel", text)
  end
end

function Panel:cycle()
  local time = reaper.time_precise()
  if time > self.theme_s then
    self.theme_s = time + THEME_S
    self.dirty = look.update() or self.dirty
    self:remember()
  end
  local busy = self.run and self.run.needs_all -- a cycle that has to be for an undo block alone
  if self.hand then
    presses.follow(self)
  elseif not busy then
    self:look(false)
  end
  self.dirty = self.dirty or gfx.w ~= self.drawn_w or gfx.h ~= self.drawn_h
  if not self.list then
    self:draw()
  end
  self:mouse()
  local char = gfx.getchar()
  while char > 0 do
    if not self:key(char) then
      return false
    end
    char = gfx.getchar()
  end
  if char == keys.CLOSED then
    self.gone = true
    return false
  end
  if self.dirty and not busy then
    self.drawn_w, self.drawn_h = gfx.w, gfx.h
    self:draw()
  end
  gfx.update()
  return true
end

local panel = {}

--- Opens the panel, or closes the one that is open: the action of a key and of a toolbar button.
function panel.open()
  if not run.begin() then
    return
  end
  local open = settings.remembered("panel_open")
  if open ~= "" and math.abs(reaper.time_precise() - (tonumber(open) or 0)) < 2 then
    reaper.SetExtState(settings.SECTION, "panel_open", "", false)
    return
  end
  lamps.mine("panel")
  lamps.set("panel", true)
  look.update()
  local kept = {}
  for word in settings.remembered("panel"):gmatch("%-?%d+") do
    kept[#kept + 1] = tonumber(word)
  end
  local self = setmetatable({
    width = kept[4] or WIDTH, height = kept[5] or HEIGHT, status = "", look_s = 0, theme_s = 0, dirty = true,
    adaptation = tonumber(settings.load().adaptation) or 0.5,
  }, Panel)
  gfx.ext_retina = 1
  gfx.init("reaper-aeq", self.width, self.height, kept[1] or 0, kept[2] or 200, kept[3] or 150)
  self:look(true)
  local ended = false
  local function close()
    if not ended then
      ended = true
      presses.abandon(self)
      lamps.set("panel", false)
      reaper.DeleteExtState(settings.SECTION, "panel_open", false)
      if not self.gone then
        self:remember()
        gfx.quit()
      end
    end
  end
  reaper.atexit(close)
  reaper.SetExtState(settings.SECTION, "panel_open", ("%.3f"):format(reaper.time_precise()), false)
  local function cycle()
    if reaper.GetExtState(settings.SECTION, "panel_open") == "" or not self:cycle() then
      return close()
    end
    reaper.SetExtState(settings.SECTION, "panel_open", ("%.3f"):format(reaper.time_precise()), false)
    reaper.defer(cycle)
  end
  reaper.defer(cycle)
end

return panel
