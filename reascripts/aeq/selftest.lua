-- Checks in the user's own REAPER everything that was only read about when reaper-aeq was built and tested: REAPER
-- itself cannot run where the tests run. Works in a new project tab and closes it; prints a line for each check.

local backend = require("aeq.backend")
local files = require("aeq.files")
local install = require("aeq.install")
local log = require("aeq.log")
local mailbox = require("aeq.mailbox")
local messages = require("aeq.messages")
local presence = require("aeq.presence")
local programs = require("aeq.programs")

local selftest = {}

local NEW_TAB, CLOSE_TAB = 41929, 40860 -- "New project tab (ignore default template)", "Close current project tab"
local EMPTY_PROJECT = '<REAPER_PROJECT 0.1 "6.37" 0\n>\n'
-- Functions that are younger than some versions in use, or that scripts rarely use
local NEEDED = {
  "TrackFX_GetNamedConfigParm", "TrackFX_SetNamedConfigParm", "TrackFX_GetEQParam", "TrackFX_SetEQParam",
  "TrackFX_GetFXGUID", "GetSetProjectInfo", "GetSetProjectInfo_String", "ExecProcess", "GetSet_LoopTimeRange2",
  "GetSelectedTrack2", "EnumerateFiles", "AnyTrackSolo", "ValidatePtr2", "Undo_BeginBlock2", "Undo_DoUndo2",
}

local Report = {}
Report.__index = Report

--- Notes one check. `detail` is shown in any case: it is what a report to us needs.
function Report:check(name, fine, detail)
  self.lines[#self.lines + 1] = ("%s  %s%s"):format(fine and "pass" or "FAIL", name, detail and ": " .. detail or "")
  self.failed = self.failed + (fine and 0 or 1)
end

--- Notes something that is neither right nor wrong.
function Report:note(name, detail)
  self.lines[#self.lines + 1] = ("info  %s: %s"):format(name, detail)
end

--- Notes something that this REAPER does not show.
function Report:unknown(name, detail)
  self.lines[#self.lines + 1] = ("unknown here  %s%s"):format(name, detail and ": " .. detail or "")
end

--- Runs a part; what it throws is a failed check, and the next part goes on. A stop by the user is passed on, and that
--- another project is in front.
function Report:part(name, body)
  local fine, why = pcall(body)
  if not fine and (messages.is_failure(why, "cancelled") or messages.is_failure(why, "project_switched")) then
    error(why, 0)
  elseif not fine then
    self:check(name, false, messages.is_failure(why) and why.text or tostring(why))
  end
end

local function environment(report)
  report:note("REAPER", ("%s, %s, %s"):format(reaper.GetAppVersion(), reaper.GetOS(), _VERSION))
  local missing = {}
  for _, name in ipairs(NEEDED) do
    if not reaper.APIExists(name) then
      missing[#missing + 1] = name
    end
  end
  report:check("functions we need", #missing == 0, table.concat(missing, " "))
  report:note("mailbox", mailbox.folder())
end

--- Does a program in the background really run, and how long does its start hold REAPER up?
local function processes(act, report)
  local record = install.record()
  if not record then
    return report:note("a program in the background", "unknown here: `reaper-aeq install` has not been")
  end
  local folder = act:folder()
  local script = "import sys; open(sys.argv[1], 'w').write('42')"
  local from_s = reaper.time_precise()
  local words = { record.command[1], "-c", script, folder:file("probe.txt") }
  local taken = programs.start(words, folder:file("probe.log"))
  local blocked_s = reaper.time_precise() - from_s
  local text = ""
  repeat
    act:wait()
    text = folder:read("probe.txt") or text
  until text == "42" or reaper.time_precise() > from_s + 10
  report:check("a program in the background", taken and text == "42",
    ("ran after %.1f s"):format(reaper.time_precise() - from_s))
  report:check("starting it blocks less than 50 ms", blocked_s < 0.05, ("%.0f ms"):format(blocked_s * 1000))
end

local function the_backend(act, report)
  local health = backend.health(act)
  if health then
    report:check("the backend answers", true, ("%s on %s"):format(health.version, health.device))
  else
    report:note("the backend", "not running (it starts with the first press)")
  end
end

--- Brings a project to the front; false where the user has closed it.
local function select(project)
  if not reaper.ValidatePtr2(0, project, "ReaProject*") then
    return false
  elseif reaper.EnumProjects(-1) ~= project then
    reaper.SelectProjectInstance(project)
  end
  return reaper.EnumProjects(-1) == project
end

--- Runs body() with `act` in a new tab and closes it; the user's tab is in front again afterwards. Ends the body where
--- the user brings another tab to the front, which stays there.
local function in_new_tab(act, body)
  local before = act.project
  reaper.Main_OnCommand(NEW_TAB, 0)
  local project = reaper.EnumProjects(-1)
  if project == before then
    messages.fail("internal", { why = "no new project tab opened" })
  end
  local wait = act.wait
  function act:wait()
    wait(self)
    presence.project(self)
  end
  act.project = project
  local fine, why = pcall(body)
  local front = reaper.EnumProjects(-1)
  act.project, act.wait = before, nil
  act:folder():write("empty.rpp", EMPTY_PROJECT)
  if select(project) then -- what is opened takes the place of what is in front
    -- Closing a changed project asks whether to save it; an empty one opened in its place without asking does not.
    reaper.Main_openProject("noprompt:" .. act:folder():file("empty.rpp"))
    reaper.Main_OnCommand(CLOSE_TAB, 0)
  end
  select(front ~= project and front or before)
  if not fine then
    error(why, 0)
  end
end

--- Puts the report where it can be taken from: the clipboard, which only the SWS extension reaches, else a file.
local function hand_over(text)
  if reaper.APIExists("CF_SetClipboard") then
    reaper.CF_SetClipboard(text)
    return "\n\nThis report is on the clipboard.\n"
  end
  local path = files.join(reaper.GetResourcePath(), "reaper-aeq-self-test.txt")
  local file = io.open(path, "wb")
  if file and file:write(text) and file:close() then
    return "\n\nThis report is in " .. path .. "\n"
  end
  return "\n"
end

function selftest.run(act)
  local report = setmetatable({ lines = {}, failed = 0 }, Report)
  act.progress:say("Testing REAPER ...", 0)
  report:part("environment", function() environment(report) end)
  report:part("REAPER", function() require("aeq.selftest_reaper").here(act, report) end)
  report:part("processes", function() processes(act, report) end)
  report:part("the backend", function() the_backend(act, report) end)
  local before = act.project
  local fine, why = pcall(report.part, report, "in a new tab", function()
    in_new_tab(act, function()
      local rendering = require("aeq.selftest_render")
      report:part("REAPER's project", function()
        require("aeq.selftest_reaper").in_new_tab(act, report, rendering.insert_item)
      end)
      report:part("ReaEQ", function() require("aeq.selftest_reaeq")(act, report) end)
      act.progress:say("Testing ReaEQ's sound ...", 0.5)
      report:part("rendering", function() rendering.run(act, report) end)
    end)
  end)
  if not fine and messages.is_failure(why, "project_switched") then
    report:unknown("the rest", "its tab was closed, or another came to the front")
  elseif not fine then
    error(why, 0)
  else
    report:check("your project is in front again", reaper.EnumProjects(-1) == before)
  end
  local text = "reaper-aeq self-test\n\n" .. table.concat(report.lines, "\n") .. "\n\n"
    .. (report.failed == 0 and "All is as expected." or report.failed .. " of the checks failed; please report them.")
    .. "\n\nThe last lines of the log:\n" .. log.text()
  reaper.ShowConsoleMsg(text .. hand_over(text))
end

return selftest
