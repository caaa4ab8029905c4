-- The plan of "Master project": which words for which track, by parts of its name.

local messages = require("aeq.messages")
local names = require("aeq.names")

local plan = {}

--- Reads "vocal vox: clear 0.6; *: clear 0.4" into {{parts = {...}, blend = ...}, ...}.
function plan.read(text, intensity)
  local rules = {}
  for rule in (text .. ";"):gmatch("([^;]*);") do
    local parts, words = rule:match("^%s*([^:]+):%s*(.-)%s*$")
    if parts then
      local list = {}
      for part in parts:lower():gmatch("%S+") do
        list[#list + 1] = part
      end
      rules[#rules + 1] = { parts = list, blend = names.read(words, intensity) }
    elseif rule:find("%S") then
      messages.fail("bad_setting", { name = "plan", value = rule, why = "write it like 'vocal: clear 0.6'" })
    end
  end
  return rules
end

--- The blend for a track's name, or nil if no rule fits. "*" fits every name, "master" the master only.
function plan.blend(rules, name, is_master)
  for _, rule in ipairs(rules) do
    for _, part in ipairs(rule.parts) do
      local fits = part == "*" or name:lower():find(part, 1, true)
      if (part == "master") == is_master and (fits or is_master) then
        return rule.blend
      end
    end
  end
end

return plan
