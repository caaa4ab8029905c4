-- @description AEQ: Repeat last press in the time selection
-- @version 0.1.0
-- @author reaper-aeq
-- @noindex

local here = select(2, reaper.get_action_context()):match("^(.*[/\\])")
package.path = here .. "?.lua;" .. package.path
require("aeq.actions").repeat_last(true)
