-- Colors after REAPER's theme, and drawing in logical pixels: on HiDPI displays gfx draws in physical ones.

local look = {}

local LIGHT = { paper = 0xF4F3F0, raised = 0xE4E2DD, ink = 0x1D1C1A, soft = 0x5F5B54, line = 0xC9C5BD,
  accent = 0x0072B2, source = 0x6D6D6D, result = 0xD55E00, target = 0x009E73, warn = 0xA33A00, on = 0xFFFFFF }
local DARK = { paper = 0x262523, raised = 0x3A3835, ink = 0xEDEBE6, soft = 0xABA79F, line = 0x4A4844, accent = 0x6CB8F0,
  source = 0xB9B6AF, result = 0xFF9A4D, target = 0x009E73, warn = 0xFFB27A, on = 0x10202C }
local TEXT, SMALL, BOLD = 1, 2, 3
look.TEXT, look.SMALL, look.BOLD = TEXT, SMALL, BOLD

--- Light or dark, whichever the theme's window is.
function look.update()
  local color = reaper.APIExists("GetThemeColor") and reaper.GetThemeColor("col_main_bg2", 0) or -1
  local dark = true
  if color >= 0 then
    local r, g, b = reaper.ColorFromNative(color)
    dark = 0.299 * r + 0.587 * g + 0.114 * b < 128
  end
  local changed = look.colors ~= (dark and DARK or LIGHT)
  look.colors = dark and DARK or LIGHT
  return changed
end

--- Physical pixels to a logical one.
function look.scale()
  return gfx.ext_retina and gfx.ext_retina > 0 and gfx.ext_retina or 1
end

local current -- the font that gfx has now

--- To be called before each drawing: the display may have another scale.
function look.fonts()
  local scale = look.scale()
  current = nil
  gfx.setfont(TEXT, "Arial", math.floor(15 * scale + 0.5))
  gfx.setfont(SMALL, "Arial", math.floor(12 * scale + 0.5))
  gfx.setfont(BOLD, "Arial", math.floor(17 * scale + 0.5), string.byte("b"))
end

function look.color(name, alpha)
  local c = look.colors[name]
  gfx.set((c >> 16 & 255) / 255, (c >> 8 & 255) / 255, (c & 255) / 255, alpha or 1)
end

local function px(value)
  return math.floor(value * look.scale() + 0.5)
end
look.px = px

function look.rect(x, y, w, h)
  gfx.rect(px(x), px(y), math.max(0, px(x + w) - px(x)), math.max(0, px(y + h) - px(y)), 1)
end

function look.frame(x, y, w, h)
  local t = 1
  look.rect(x, y, w, t)
  look.rect(x, y + h - t, w, t)
  look.rect(x, y, t, h)
  look.rect(x + w - t, y, t, h)
end

local function use(font)
  if current ~= font then
    gfx.setfont(font)
    current = font
  end
end

-- The same words are measured at each drawing: what they were is kept until the fonts are others.
local KEPT_WIDTHS = 1000
local widths, width_count, measured_scale = {}, 0, nil

function look.width(text, font)
  font = font or TEXT
  local key = font .. text
  if not widths[key] or measured_scale ~= look.scale() then
    if measured_scale ~= look.scale() or width_count >= KEPT_WIDTHS then
      widths, width_count, measured_scale = {}, 0, look.scale()
    end
    use(font)
    widths[key], width_count = gfx.measurestr(text) / look.scale(), width_count + 1
  end
  return widths[key]
end

--- `text` shortened until it fits.
function look.fit(text, width, font)
  if look.width(text, font) <= width then
    return text
  end
  local count = utf8.len(text) or #text
  while count > 1 do
    count = count - 1
    local short = text:sub(1, (utf8.offset(text, count + 1) or count + 1) - 1) .. "…"
    if look.width(short, font) <= width then
      return short
    end
  end
  return "…"
end

function look.text(text, x, y, font)
  use(font or TEXT)
  gfx.x, gfx.y = px(x), px(y)
  gfx.drawstr(text)
end

--- Draws words in lines of `width`, at most `lines`.
function look.paragraph(text, x, y, width, lines, font)
  if lines < 1 then
    return
  end
  local line, n = "", 0
  local function put()
    n = n + 1
    look.text(line, x, y + (n - 1) * 15, font)
  end
  for word in text:gmatch("%S+") do
    local longer = line == "" and word or line .. " " .. word
    if line ~= "" and look.width(longer, font) > width then
      if n == lines - 1 then
        line = look.fit(longer .. " …", width, font)
        return put()
      end
      put()
      line = word
    else
      line = longer
    end
  end
  if line ~= "" then
    put()
  end
end

return look
