-- Envelopes: whether one moves anything, and which parameters of an EQ of ours follow one.

local envelopes = {}

local BYPASSED = 6 -- of the global automation override: no envelope moves anything

--- Does an envelope move anything? One that is switched off, or has no points, does not.
function envelopes.moves(envelope)
  if reaper.CountEnvelopePoints(envelope) == 0 then
    return false
  elseif reaper.APIExists("GetSetEnvelopeInfo_String") then
    local ok, active = reaper.GetSetEnvelopeInfo_String(envelope, "ACTIVE", "", false)
    return not ok or active ~= "0"
  end
  return true
end

local function all_bypassed()
  return reaper.APIExists("GetGlobalAutomationOverride") and reaper.GetGlobalAutomationOverride() == BYPASSED
end

local function follows(track, fx, parameter)
  local envelope = parameter >= 0 and reaper.GetFXEnvelope(track, fx, parameter, false)
  return envelope and envelopes.moves(envelope)
end

--- The parameters of an FX that follow an envelope, whatever is written to them: {[parameter] = true}.
function envelopes.driven(track, fx)
  local found = {}
  if not all_bypassed() then
    for parameter = 0, reaper.TrackFX_GetNumParams(track, fx) - 1 do
      found[parameter] = follows(track, fx, parameter) or nil
    end
  end
  return found
end

--- Does an envelope switch an FX on and off?
function envelopes.switch(track, fx)
  return not all_bypassed() and follows(track, fx, reaper.TrackFX_GetParamFromIdent(track, fx, ":bypass")) or false
end

--- Names, as REAPER shows them, of the parameters of an EQ that follow an envelope and can be heard to. `eq`: what it
--- holds, with its number of bands (`count`), nil for its bypass alone; `gains`: only those of its bands were set;
--- `ours`: parameters whose envelopes are part of it.
function envelopes.names(track, fx, eq)
  local ours = {}
  for _, parameter in ipairs(eq and eq.ours or {}) do
    ours[parameter] = true
  end
  local names, bypass = {}, reaper.TrackFX_GetParamFromIdent(track, fx, ":bypass")
  for parameter = 0, reaper.TrackFX_GetNumParams(track, fx) - 1 do
    local band = eq and (not eq.gains or parameter % 3 == 1) and eq.bands[parameter // 3 + 1]
    local counts = parameter == bypass or eq and (parameter >= 3 * eq.count or band and band.enabled)
    if counts and not ours[parameter] and not all_bypassed() and follows(track, fx, parameter) then
      local _, name = reaper.TrackFX_GetParamName(track, fx, parameter)
      names[#names + 1] = ("'%s'"):format(name)
    end
  end
  return names
end

return envelopes
