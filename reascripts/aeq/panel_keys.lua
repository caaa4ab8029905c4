-- Keys: what the panel understands, and handing on to REAPER what it does not.

local keys = {}

keys.LEFT, keys.RIGHT, keys.UP, keys.DOWN = 1818584692, 1919379572, 30064, 1685026670
keys.TAB, keys.ENTER, keys.ESCAPE, keys.BACKSPACE, keys.CLOSED = 9, 13, 27, 8, -1
local ACTIONS = { [32] = 40044, [26] = 40029 } -- play or stop; control Z: undo

--- Gives REAPER a key that the panel does not use. There is no call for that without the SWS extension: without it
--- play and undo are what still works.
function keys.pass(char)
  if ACTIONS[char] then
    reaper.Main_OnCommand(ACTIONS[char], 0)
  elseif reaper.APIExists("CF_SendActionShortcut") and char > 32 and char < 127 then
    local window = reaper.GetMainHwnd()
    if window then
      reaper.CF_SendActionShortcut(window, 0, string.byte(string.char(char):upper()))
    end
  end
end

return keys
