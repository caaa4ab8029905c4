-- @description AEQ: Make warmer
-- @version 0.1.0
-- @author reaper-aeq
-- @about
--   Makes the selected items or tracks warmer, brighter, clearer ... with a ReaEQ computed for their own sound.
--   Needs the program reaper-aeq: install it, run `reaper-aeq install`, then bind a key to 'AEQ: Make warmer'.
-- @metapackage
-- @provides
--   [main] AEQ_*.lua
--   [nomain] aeq/*.lua

local here = select(2, reaper.get_action_context()):match("^(.*[/\\])")
package.path = here .. "?.lua;" .. package.path
require("aeq.actions").make("make warmer", "warm")
