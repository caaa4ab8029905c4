-- Every sentence a user can meet, in one table: what happened, and what to do.
-- A failure is an error value {aeq = true, key = ..., text = ...}; anything else that is thrown is a fault of ours.

local sentences = {
  busy = "reaper-aeq is still working on the last press. Wait for it, or press Esc in its window.",
  cancelled = "Stopped. Nothing was changed.",
  internal = "A bug in reaper-aeq ended this press; nothing was changed. Please report it: {why}",

  nothing_selected = "Nothing is selected. Select one or more items or tracks, then press again.",
  no_instances = "The selected tracks have no EQ from reaper-aeq. Make one first, for example with 'AEQ_Make warmer'.",
  no_delta = "This REAPER cannot play only what an FX changes. Update REAPER, then press again.",
  no_why = "The EQ on '{track}' was made by an older reaper-aeq, so it cannot say why. Make it again to see.",
  bad_kind = "'{kind}' is no kind of sound. Write one of: {kinds}.",
  nothing_to_scale = "The EQ on '{track}' is at its limit already, so it cannot do any {direction}.",
  nothing_edited = "No EQ on the selected tracks was changed by hand. Turn its bands in ReaEQ, then run this.",
  unknown_record = "What was computed for the EQ on '{track}' cannot be read: a newer reaper-aeq wrote it, "
    .. "or it is damaged. The EQ was left as it is. Press its word again to get a new one.",
  edit_kept = "'{track}': your change is kept ({change}). 'AEQ_Start afresh' drops it.",
  learned = "Learned from your change on {tracks}. Now known of you: {words}. Nothing of it leaves this computer.",
  learned_before = "Your change on '{track}' was learned already. Change the EQ further to teach more.",
  learn_one_word = "The EQ on '{track}' is for several words, so it does not say which one you mean. "
    .. "Learn from an EQ of one word.",
  learn_again = "What was heard on '{track}' is not known any more. Press the word again, change its EQ, "
    .. "then run this.",
  learn_kind = "The EQ on '{track}' has a band of a kind that cannot be learned, such as an all-pass. "
    .. "Switch that band off, then run this.",
  cannot = "{why}",
  not_learned = "Your change on {tracks} was not learned: {why}",
  no_audio_tracks = "No track in this project has audio to work on. Add some items, then press again.",
  empty_item = "An item on '{track}' is empty. Choose an item with audio in it, then press again.",
  missing_file = "The file of an item on '{track}' is missing: {file}. Bring it back or choose another item.",
  offline_file = "The media of an item on '{track}' is offline: {file}. Set it online, then press again.",
  midi_without_instrument = "'{track}' has MIDI but no instrument that can be heard. "
    .. "Add one or switch it on, then press again.",
  empty_track = "'{track}' has no items and nothing is sent to it. Choose a track with audio, then press again.",
  locked_track = "The controls of '{track}' are locked. Unlock them (right-click the track), then press again.",
  frozen_track = "'{track}' is frozen. Unfreeze it (right-click the track), then press again.",
  muted_track = "'{track}' cannot be heard: it is muted, or another track is soloed. Change that, then press again.",
  silent = "Nothing can be heard on '{track}'. Leave it out, or check its volume, its items and solo; "
    .. "if REAPER's window was minimized, bring it back. Then press again.",
  left_out = "Nothing can be heard on '{tracks}': left out.",
  does_nothing = "No EQ was put on '{tracks}', because it would change nothing. {why}",
  needs_no_movement = "'{tracks}' needs no movement along the song: one EQ does for all of it.",
  in_container = "The EQ on '{track}' lies in a container, where its gains cannot follow the song: "
    .. "it got one EQ for all of it.",
  lanes_stranded = "The EQ on '{track}' has envelopes of yours, so it was kept, and its gains cannot follow the song "
    .. "with its new bands: it got one EQ for all of it. Remove it and press again to have it follow.",
  lanes_of_yours = "The EQ on '{track}' has envelopes of yours, so it was kept; envelopes of reaper-aeq that are "
    .. "not needed any more were emptied and switched off.",
  fx_off = "All FX of '{track}' are switched off, so its EQ would not be heard. "
    .. "Switch them on, then press again.",
  offline_eq = "The EQ on '{track}' is offline. Set it online in the FX chain, then press again.",
  silent_lane = "The chosen items on '{track}' are in a lane that does not play. "
    .. "Let that lane play or choose other items, then press again.",
  automation_override = "The global automation override would record the new EQ as automation. "
    .. "Set it to 'No override' or 'Trim/Read', then press again.",
  envelope_overrides = "An envelope controls {parameters} of the EQ on '{track}', so what was set there will not be "
    .. "heard. Bypass or remove the envelope, then press again.",
  envelope_switches = "An envelope switches '{fx}' on '{track}' on and off, so the sound before it cannot be rendered "
    .. "alone. Bypass that envelope, then press again.",
  recording = "REAPER is recording. Stop it, then press again.",

  track_vanished = "'{track}' was removed while the EQ was computed. Nothing was changed; press again.",
  item_vanished = "An item on '{track}' was removed while the EQ was computed. Nothing was changed; press again.",
  project_switched = "You changed to another project while the EQ was computed. Nothing was changed; "
    .. "go back and press again.",
  selection_changed = "Something else was selected meanwhile. Nothing was changed; press again.",
  changed_meanwhile = "The project was changed meanwhile. Nothing was changed; press again.",
  not_kept = "ReaEQ on '{track}' did not keep the values ({what}). Undo the last press, then run 'AEQ_Self-test' "
    .. "to see what differs in this REAPER.",
  old_reaper = "This REAPER ({version}) is too old for reaper-aeq. Update it to 6.37 or newer.",
  no_reaeq = "REAPER could not add ReaEQ, which comes with it. "
    .. "Rescan your VST plug-ins or reinstall REAPER, then press again.",
  not_written = "ReaEQ on '{track}' did not take the values ({what}), so everything was taken back. "
    .. "Run 'AEQ_Self-test' to see what differs in this REAPER.",

  render_speed = "REAPER is set to render at playback speed. Choose 'Full-speed Offline' in File > Render once, "
    .. "then press again.",
  already_rendering = "REAPER is rendering something. Wait for it, then press again.",
  background_render = "REAPER is set to render in the background, which does not work for the mix with its new EQs. "
    .. "Switch off 'Render in background' (File > Render, Options), then press again.",
  selection_locked = "The time selection is locked, and this REAPER renders nothing without it. "
    .. "Switch off the lock in Options > Locking, then press again.",
  no_targets = "REAPER does not say which file it would render for '{track}'. "
    .. "Run 'AEQ_Self-test' and report what it prints.",
  stems_are_mix = "REAPER rendered the whole mix instead of '{track}', so nothing was changed. "
    .. "Put an item on that track or select other tracks; 'AEQ_Self-test' tells more.",
  render_failed = "REAPER rendered nothing for '{track}'. Press again; if it happens again, run 'AEQ_Self-test'.",
  receive_lost = "You changed what '{source}' sends to '{track}' while it was rendered, which kept '{source}' out. "
    .. "It may still be muted there: look at the receives of '{track}'.",
  render_short = "REAPER did not render '{track}' to its end. If you stopped it, press again; "
    .. "if the disk with {folder} is full, free some space first.",
  disk_full = "There is no room to write to {folder}. Free some space on that disk, then press again.",
  no_mailbox = "REAPER can write neither to {folder} nor to {other}, where it leaves its requests for reaper-aeq. "
    .. "Make one of these folders writable, then press again.",
  second_place = "Its requests lie in {folder}, because REAPER cannot write to {first}.",
  mailbox_gone = "The folder {folder} was removed while reaper-aeq was at work. Nothing was changed; press again.",
  mailbox_emptied = "A request to reaper-aeq vanished from {folder}. Nothing was changed; press again.",

  not_installed = "reaper-aeq is not set up for this REAPER. Run `reaper-aeq install` in a terminal, then press again.",
  start_failed = "reaper-aeq could not be started: {why}. Run `reaper-aeq serve` in a terminal to see more, "
    .. "or `reaper-aeq install` to set it up again.",
  backend_died = "reaper-aeq stopped while it was computing. Nothing was changed; press again to restart it.",
  backend_stuck = "reaper-aeq has not answered for {seconds} seconds. Run 'AEQ_Stop backend', then press again.",
  job_cancelled = "The work was cancelled on reaper-aeq's dashboard. Nothing was changed.",
  nonsense = "reaper-aeq gave an answer that makes no sense ({what}). Nothing was changed. "
    .. "Run `reaper-aeq install` so that both have the same version.",
  refused = "reaper-aeq says: {why}",
  track_refused = "'{track}': {why} Nothing was changed.",
  not_running = "reaper-aeq is not running.",
  started = "reaper-aeq {version} is running ({device}).",
  stopped = "reaper-aeq was stopped. It starts again by itself with the next press.",

  startup_damaged = "The lines of reaper-aeq in {file} are damaged. Delete them in a text editor, then try again.",
  startup_refused = "{file} cannot be written. Check its permissions, then try again.",

  bad_blend = "'{text}' cannot be read: {why}. Write it like 'warm', 'less muddy' or 'warm 0.7, airy 0.3'.",
  bad_setting = "The setting '{name}' cannot be '{value}': {why}.",
  link_two = "Select two or more tracks that belong together, then run this again.",
  linked = "These {count} tracks share one EQ from now on, computed from their sum. Run this again to separate them.",
  separated = "These {count} tracks have their own EQ again from the next press on.",
  nothing_to_repeat = "There is no press to repeat yet. Use another action first, for example 'AEQ_Make warmer'.",
  no_reference = "Choose a reference first: select one item and run 'AEQ_Set reference'.",
  reference_one_item = "Select exactly one item as the reference, then run this again.",
  reference_gone = "The reference item is no longer in this project. Run 'AEQ_Set reference' again.",
  reference_set = "'{name}' is the reference now. Select what should sound like it, then run 'AEQ_Match to reference'.",
}

local messages = {}

--- The sentence of `key` with its {places} filled from `values`.
function messages.text(key, values)
  local sentence = sentences[key] or error("no sentence is called " .. tostring(key), 2)
  return (sentence:gsub("{(%w+)}", function(place)
    local value = values and values[place]
    return value ~= nil and tostring(value) or error("'" .. key .. "' needs a value for " .. place, 2)
  end))
end

--- Ends the running action: throws the failure `key`.
function messages.fail(key, values)
  error({ aeq = true, key = key, text = messages.text(key, values) }, 0)
end

--- Is this thrown value one of our failures (and, if a key is given, that one)?
function messages.is_failure(thrown, key)
  return type(thrown) == "table" and thrown.aeq == true and (key == nil or thrown.key == key)
end

--- Shows a sentence and waits for OK.
function messages.show(text)
  reaper.ShowMessageBox(text, "reaper-aeq", 0)
end

return messages
