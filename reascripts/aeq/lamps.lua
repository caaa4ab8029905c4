-- Lamps on toolbars: of the panel, of Compare and of Delta. An action knows its own number only while it runs, so it
-- leaves it for whoever else changes what its lamp shows.

local settings = require("aeq.settings")

local lamps = {}

local function show(command, on)
  reaper.SetToggleCommandState(0, command, on and 1 or 0)
  reaper.RefreshToolbar2(0, command)
end

--- Says that the running action is the one whose lamp is called `name`.
function lamps.mine(name)
  local _, _, section, command = reaper.get_action_context()
  local id = section == 0 and reaper.ReverseNamedCommandLookup(command)
  if id and settings.remembered("lamp_" .. name) ~= id then
    settings.remember("lamp_" .. name, id)
  end
end

--- Lights or darkens the lamp `name`; nothing where its action was never run.
function lamps.set(name, on)
  local id = settings.remembered("lamp_" .. name)
  local command = id ~= "" and reaper.NamedCommandLookup("_" .. id) or 0
  if command > 0 and reaper.GetToggleCommandStateEx(0, command) ~= (on and 1 or 0) then
    show(command, on)
  end
end

return lamps
