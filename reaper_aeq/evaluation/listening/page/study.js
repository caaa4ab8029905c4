// One listener's way through a study. What the sounds are is known to the server alone: here they are ids in the order
// of the buttons. The address ends in the listener's own token, so that a reload goes on where they were.

import { Player } from "/page/player.js";
import { askPair, askRatings, moreOf } from "/page/questions.js";

const KEPT = "listener"; // in this browser's storage, for whoever closed the page and comes back
const RETRY_MS = 2000;
const GONE = "The study's program does not answer: see that it runs, then try again.";
const find = (id) => document.getElementById(id);
const unstored = new Map(); // question -> value, in the order given
let listener = "";
let player = new Player();
let trial = null;
let asked = null; // what questions.js made of the trial
let flushing = false;
let seeking = false;

async function ask(address, method = "GET", body) {
  const answer = await fetch(address, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
  }).catch(() => { throw new Error(GONE); });
  const data = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(data.error), { status: answer.status });
  return data;
}

function tell(sentence) {
  find("notice").textContent = sentence;
  find("notice").hidden = !sentence;
}

function status(state, text) {
  find("status").dataset.state = state;
  find("status-text").textContent = text;
}

function show(section) {
  for (const id of ["welcome", "trial", "end"]) find(id).hidden = id !== section;
}

// ---- beginning

async function welcome() {
  const { pairs, ratings, words } = await ask("/v1/study");
  const list = words.map(moreOf).join(" or ");
  find("overview").textContent = `You will hear short excerpts in several versions: ${pairs} pairs, of which you say `
    + `which is ${list} and which you prefer, then ${ratings} pages on which you rate how close each version is to a `
    + "reference.";
  const kept = localStorage.getItem(KEPT);
  const before = kept && await ask(`/v1/listeners/${kept}`).catch(() => null);
  find("go-on").hidden = !before?.trial;
  if (before?.trial) find("go-on").textContent = `Go on as ${before.name}`;
  find("go-on").onclick = () => enter(kept);
  find("progress").hidden = true;
  status("ready", "");
  show("welcome");
  find("name").focus();
}

find("join").addEventListener("submit", async (event) => {
  event.preventDefault();
  tell("");
  try {
    const body = { name: find("name").value, consent: find("consent").checked };
    await enter((await ask("/v1/listeners", "POST", body)).listener);
  } catch (error) { tell(error.message); }
});

async function enter(token) {
  listener = token;
  localStorage.setItem(KEPT, token);
  history.replaceState(null, "", `#${token}`);
  await arrive(await ask(`/v1/listeners/${token}`));
}

find("another").addEventListener("click", () => {
  localStorage.removeItem(KEPT);
  history.replaceState(null, "", "/");
  find("join").reset();
  welcome().catch((error) => tell(error.message));
});

// ---- a page

async function arrive(where) {
  player.pause();
  tell("");
  find("progress").hidden = false;
  find("done").max = where.trials;
  find("done").value = where.finished;
  find("progress-text").textContent = `${Math.min(where.finished + 1, where.trials)} of ${where.trials}`;
  trial = where.trial;
  if (!trial) {
    show("end");
    status("ready", "All stored");
    find("progress-text").textContent = `${where.trials} of ${where.trials}`;
    return find("end-title").focus();
  }
  player = new Player();
  const heard = trial.reference ? [trial.reference, ...trial.sounds] : trial.sounds;
  asked = (trial.kind === "pair" ? askPair : askRatings)(trial, { find, choose, answer });
  find("play").disabled = true;
  find("play").textContent = "Loading";
  find("seek").disabled = true;
  find("seek").value = 0;
  check();
  show("trial");
  find("question").focus();
  try {
    await player.load(heard.map((id) => `/v1/listeners/${listener}/sounds/${id}`));
  } catch {
    return tell("The sounds could not be loaded: see that the study's program runs, then reload this page.");
  }
  find("play").disabled = false;
  playing();
}

function playing() {
  find("play").textContent = player.playing ? "Pause" : "Play";
  find("seek").disabled = !player.duration;
  asked.chosen(player.heard, player.playing);
}

async function choose(at) {
  if (find("play").disabled) return;
  player.choose(at);
  if (!player.playing) await player.play();
  playing();
}

async function toggle() {
  if (find("play").disabled) return;
  if (player.playing) player.pause();
  else await player.play();
  playing();
}

find("play").addEventListener("click", toggle);
find("seek").addEventListener("pointerdown", () => { seeking = true; });
find("seek").addEventListener("change", () => { seeking = false; });
find("seek").addEventListener("input", () => player.seek(find("seek").value * player.duration));

function tick() {
  if (player.duration) {
    if (!seeking) find("seek").value = player.position / player.duration;
    find("time").textContent = `${player.position.toFixed(1)} / ${player.duration.toFixed(1)} s`;
    find("seek").setAttribute("aria-valuetext", `${player.position.toFixed(0)} of ${player.duration.toFixed(0)} seconds`);
  } else find("time").textContent = "";
  requestAnimationFrame(tick);
}

// ---- answers: each goes to the server at once, and counts when the server says that it is stored

function answer(question, value) {
  unstored.delete(question);
  unstored.set(question, value);
  check();
  flush();
}

async function flush() {
  if (flushing) return;
  flushing = true;
  const at = trial.position;
  while (unstored.size && trial?.position === at) {
    const [question, value] = unstored.entries().next().value;
    status("waiting", "Storing");
    try {
      await ask(`/v1/listeners/${listener}/trials/${at}`, "PUT", { question, value });
      if (unstored.get(question) === value) unstored.delete(question);
      trial.answers[question] = value;
      tell("");
      status("ready", "Stored");
    } catch (error) {
      status("gone", "Not stored");
      tell(error.status ? error.message : "The study's program does not answer; your answer is kept here and sent again.");
      if (error.status && error.status < 500) unstored.delete(question);
      else await new Promise((done) => { setTimeout(done, RETRY_MS); });
    }
  }
  flushing = false;
  check();
}

function check() {
  const open = asked.questions.filter((question) => !(question in trial.answers));
  find("next").disabled = open.length > 0 || unstored.size > 0;
  find("hint").textContent = open.length ? asked.hint : "";
}

find("next").addEventListener("click", async () => {
  find("next").disabled = true;
  try {
    await arrive(await ask(`/v1/listeners/${listener}/trials/${trial.position}/finished`, "POST"));
  } catch (error) {
    tell(error.message);
    check();
  }
});

// ---- keys

document.addEventListener("keydown", (event) => {
  if (find("trial").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
  const { target, key } = event;
  const own = target.matches("button, summary, input[type=radio]:not(:checked)"); // what Space and Enter do there already
  const action = key === " " ? !own && toggle
    : key === "Enter" ? !target.matches("button, summary") && !find("next").disabled && (() => find("next").click())
      : asked.keys[key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  action();
});

async function begin() {
  const token = location.hash.slice(1);
  if (!token) return welcome();
  try {
    await enter(token);
  } catch (error) {
    if (error.status !== 404) throw error;
    history.replaceState(null, "", "/");
    await welcome();
    tell(error.message);
  }
}

addEventListener("hashchange", () => location.reload());
begin().catch((error) => tell(error.message));
tick();
