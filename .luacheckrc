-- What Debian's luacheck checks: `luacheck reascripts`
std = "lua53+lua54"
read_globals = { "reaper", "gfx" }
files["reascripts/aeq/progress.lua"] = { globals = { "gfx" } } -- its fields x, y, r, g, b, a are the drawing state
files["reascripts/aeq/panel*.lua"] = { globals = { "gfx" } } -- the same
max_line_length = 120
