// The dashboard: asks the backend what it did and shows it. Everything that comes from outside (names of tracks, files,
// words) is set as text, never as markup.

const FIRST = 8;
const MOST = 50;
const FIRST_WORDS = 12;
const find = (id) => document.getElementById(id);
const shown = new Map(); // job id -> {job, run, article, tasks}
let limit = FIRST;
let tag = "";
let gone = false;

/** An element: attributes, then children; text becomes text. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

const cell = (label, text, kind) =>
  make("td", kind ? { class: kind } : {}, ...(label ? [make("span", { class: "label" }, `${label} `)] : []), text);
const decibels = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)} dB`;
const WITHOUT_GAIN = ["low_pass", "high_pass", "notch", "band_pass"];
const hertz = (value) => (value < 1000 ? `${value.toFixed(0)} Hz` : `${(value / 1000).toFixed(2)} kHz`);
const percent = (share) => `${100 * Math.min(Math.max(share, 0), 1)}%`;
const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

function meter(share) {
  const bar = make("b");
  bar.style.width = percent(share);
  return make("span", { class: "meter", "aria-hidden": "true" }, bar);
}

function scale({ before, after }) {
  const [from, to, way] = [make("i"), make("i", { class: "after" }), make("b")];
  from.style.left = percent(before);
  to.style.left = percent(after);
  way.style.left = percent(Math.min(before, after));
  way.style.width = percent(Math.abs(after - before));
  return make("span", { class: "scale", "aria-hidden": "true" }, way, from, to);
}

// ---- results

function bandsTable(answer) {
  const head = make("tr");
  for (const [title, kind] of [["Band"], ["Frequency", "number"], ["Gain", "number"], ["Width", "number"]]) {
    head.append(make("th", { scope: "col", ...(kind && { class: kind }) }, title));
  }
  const rows = answer.bands.filter((band) => band.enabled).map((band) =>
    make("tr", {}, cell("", band.kind.replaceAll("_", " ")), cell("", hertz(band.freq_hz), "number"),
      cell("", WITHOUT_GAIN.includes(band.kind) ? "" : decibels(band.gain_db), "number"), cell("", `${band.bandwidth_oct.toFixed(2)} oct`, "number")));
  return make("table", { class: "bands" }, make("caption", {}, "ReaEQ"), make("thead", {}, head),
    make("tbody", {}, ...rows));
}

/** Drawn for the page's width and colors; the browser fetches only the one that fits. */
function plot(job, result) {
  const at = (theme, narrow) => `/v1/jobs/${job.id}/tasks/${result.n}/plot.svg?theme=${theme}&narrow=${narrow}`;
  const dark = "(prefers-color-scheme: dark)";
  const small = "(max-width: 44rem)";
  return make("figure", {}, make("picture", {},
    make("source", { media: `${dark} and ${small}`, srcset: at("dark", true) }),
    make("source", { media: dark, srcset: at("dark", false) }),
    make("source", { media: small, srcset: at("light", true) }),
    make("img", {
      src: at("light", false),
      loading: "lazy",
      alt: `Spectrum of ${result.name} before and after, ${result.answer.word ? `the usual range of ${result.answer.word}` : "the reference"}, and the response of ReaEQ`,
    })));
}

const matched = ({ references }) => `matched to ${references.map((path) => path.split(/[\\/]/).pop()).join(", ")}`;

/** Whether it was heard from its files or rendered, and then why; nothing for a file that somebody named. */
function howHeard({ heard }) {
  return heard ? [make("p", { class: "facts" }, `${heard[0].toUpperCase()}${heard.slice(1)}.`)] : [];
}

function adaptedTask(job, result) {
  const { answer } = result;
  const details = make("details", { class: "task" }, make("summary", {},
    make("span", { class: "title" }, make("span", { class: "name" }, result.name || result.id), " ",
      make("span", { class: "word" }, answer.word ?? matched(answer))),
    scale(answer.score),
    make("span", { class: "figures" }, make("span", { class: "unseen" }, "score "), answer.score.before.toFixed(2), " → ",
      make("strong", {}, answer.score.after.toFixed(2)))));
  // built when it is opened: a job of a thousand tracks must not draw a thousand plots
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return;
    const facts = [`Output gain ${decibels(answer.output_gain_db)}`, `intensity ${answer.intensity}`, `method ${answer.by ?? answer.method}`,
      `confidence ${answer.confidence.toFixed(2)}`, `${result.seconds.toFixed(2)} s`].map((fact) => fact.replaceAll(" ", "\u00a0"));
    details.append(make("div", { class: "detail" }, make("p", { class: "told" }, answer.explanation), plot(job, result),
      ...(answer.bands.length ? [bandsTable(answer)] : []), make("p", { class: "facts" }, facts.join(" · ")), ...howHeard(result)));
  });
  return details;
}

function analyzedTask(result) {
  const { answer } = result;
  const words = answer.top.map(([word, score]) =>
    make("li", {}, make("span", {}, word), meter(score), make("span", { class: "number" }, score.toFixed(2))));
  return make("details", { class: "task" }, make("summary", { class: "plainly" },
    make("span", { class: "title" }, make("span", { class: "name" }, result.name || result.id), " ",
      make("span", { class: "word" }, answer.suggestion))),
  make("div", { class: "detail" }, make("ul", { class: "plain profile" }, ...words), ...howHeard(result)));
}

function failedTask(result) {
  return make("div", { class: "task failed" }, make("div", {}, make("span", { class: "name" }, result.name || result.id),
    make("p", {}, result.error)));
}

function taskElement(job, result) {
  if (!result.ok) return failedTask(result);
  return "bands" in result.answer ? adaptedTask(job, result) : analyzedTask(result);
}

function outcome(job) {
  const failed = job.results.filter((result) => !result.ok).length;
  const parts = [job.state === "cancelled" ? `cancelled after ${job.results.length} of ${job.total}` : plural(job.total, "sound")];
  if (failed) parts.push(`${failed} failed`);
  return parts.join(", ");
}

function newJob(job) {
  const button = make("button", { type: "button" }, "Cancel");
  const entry = {
    state: "",
    tasks: make("div", { class: "tasks" }),
    have: new Set(),
    facts: make("p"),
    count: make("p", { class: "count" }),
    bar: make("progress", { max: "1", "aria-label": `Progress of ${job.label || "unnamed job"}` }),
  };
  const title = job.label || "Unnamed job";
  button.setAttribute("aria-label", `Cancel ${title}`);
  // not disabled: that would take the focus away from who pressed it; canceling twice does no harm
  button.addEventListener("click", () => cancel(job.id, title));
  entry.run = make("li", { class: "run" }, make("h2", {}, title), entry.count, button, entry.bar);
  entry.article = make("article", { class: "job" }, make("header", {}, make("h2", {}, title), entry.facts), entry.tasks);
  return entry;
}

function update(job, announce) {
  const entry = shown.get(job.id) ?? newJob(job);
  const over = job.state === "done" || job.state === "cancelled";
  entry.bar.value = job.progress;
  entry.count.textContent = job.state === "queued" ? "Waiting" : `${job.results.length} of ${job.total}`;
  const created = new Date(job.created);
  entry.facts.textContent = `${created.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}, ${outcome(job)}`;
  job.results.forEach((result, place) => {
    if (entry.have.has(result.n)) return;
    entry.have.add(result.n);
    entry.tasks.insertBefore(taskElement(job, result), entry.tasks.children[place] ?? null);
  });
  entry.tasks.hidden = !job.results.length;
  if (over && announce && entry.state !== job.state) find("live").textContent = `${job.label || "Job"}: ${outcome(job)}`;
  if (!over && !entry.run.isConnected) find("running-list").append(entry.run);
  if (over && entry.run.isConnected) {
    if (entry.run.contains(document.activeElement)) find("main").focus();
    entry.run.remove();
  }
  entry.state = job.state;
  entry.over = over;
  shown.set(job.id, entry);
  return entry;
}

/** Puts the newest first without moving what is in its place: a moved element would lose the focus. */
function place(jobs) {
  const list = find("jobs");
  const wanted = jobs.map((job) => shown.get(job.id).article);
  for (const [id, entry] of shown) {
    if (jobs.some((job) => job.id === id)) continue;
    entry.article.remove();
    entry.run.remove();
    shown.delete(id);
  }
  wanted.forEach((article, at) => { if (list.children[at] !== article) list.insertBefore(article, list.children[at] ?? null); });
}

function show(jobs) {
  const announce = tag !== "";
  jobs.forEach((job) => update(job, announce));
  const withResults = jobs.filter((job) => job.results.length || job.state === "done" || job.state === "cancelled");
  place(jobs);
  for (const job of jobs) shown.get(job.id).article.hidden = !withResults.includes(job);
  find("running").hidden = !find("running-list").childElementCount;
  find("empty").hidden = withResults.length > 0;
  find("more").hidden = jobs.length < limit || limit === MOST;
}

// ---- talking to the backend

function lost(sentence) {
  gone = true;
  find("status").dataset.state = "gone";
  find("status-text").textContent = "Not running";
  if (find("notice").textContent !== sentence) find("notice").textContent = sentence;
  find("notice").hidden = false;
}

async function ask(address, options = {}) {
  const answer = await fetch(address, { cache: "no-store", credentials: "same-origin", ...options });
  if (answer.status === 401) throw new Error("The backend was started anew. Open the dashboard again from REAPER with ‘AEQ: Open dashboard’.");
  if (!answer.ok && answer.status !== 304) throw new Error((await answer.json()).error);
  return answer;
}

async function cancel(id, title) {
  try {
    await ask(`/v1/jobs/${id}`, { method: "DELETE" });
    find("live").textContent = `${title}: cancelled`;
  } catch (error) {
    find("live").textContent = error.message;
  }
  await refresh();
}

async function refresh() {
  const answer = await ask(`/v1/jobs?limit=${limit}`, tag ? { headers: { "If-None-Match": tag } } : {});
  if (answer.status === 200) {
    const { jobs } = await answer.json();
    show(jobs);
    tag = answer.headers.get("ETag") ?? "";
  }
}

async function showHealth() {
  const health = await (await ask("/v1/health")).json();
  find("status").dataset.state = health.ready ? "ready" : "waiting";
  const place = { cuda: "on the GPU", mps: "on the GPU", cpu: "on the CPU" }[health.device] ?? "";
  find("status-text").textContent = health.ready ? `Ready ${place}` : "Loading the model";
  find("about").textContent = `reaper-aeq ${health.version}, process ${health.pid}`;
  gone = false;
  find("notice").hidden = true;
  return health.ready;
}

let ready = false;
async function tick() {
  try {
    if (!ready || gone) ready = await showHealth();
    await refresh();
  } catch (error) {
    ready = false;
    lost(error instanceof TypeError ? "The backend has stopped. Start it in REAPER with ‘AEQ: Start backend’; it also starts by itself with the next action." : error.message);
  }
  const busy = find("running-list").childElementCount > 0;
  setTimeout(tick, document.hidden ? 5000 : busy ? 400 : 1500);
}

// ---- words

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = { width: 150, height: 46, most: 8 }; // dB to either side

function draw(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A word's mean curve with its spread, and its largest change in words for whoever does not see it. */
function curvePicture(freqs, { mean_db: mean, spread_db: spread }) {
  const { width, height, most } = DRAWN;
  const [first, last] = [freqs[0], freqs.at(-1)].map(Math.log);
  const x = (hz) => (width * (Math.log(hz) - first)) / (last - first);
  const y = (db) => (height / 2) * (1 - Math.min(Math.max(db / most, -1), 1));
  const line = (values) => values.map((db, n) => `${x(freqs[n]).toFixed(1)},${y(db).toFixed(1)}`);
  const band = [...line(mean.map((db, n) => db + spread[n])), ...line(mean.map((db, n) => db - spread[n])).reverse()];
  const grid = [100, 1000, 10000].map((hz) => `M${x(hz).toFixed(1)} 0V${height}`).join("");
  const [top, low] = [Math.max(...mean), Math.min(...mean)];
  const peak = mean.indexOf(top > -0.6 * low ? top : low); // a word is what it adds, unless it only takes away
  const told = `${decibels(mean[peak])} at ${hertz(freqs[peak])}`;
  const picture = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": told, class: "curve" },
    draw("title", {}, told), draw("path", { d: `${grid}M0 ${height / 2}H${width}`, class: "grid" }),
    draw("polygon", { points: band.join(" "), class: "spread" }),
    draw("polyline", { points: line(mean).join(" "), class: "mean" }));
  return make("figure", {}, picture, make("figcaption", {}, told));
}

/** Adds the pictures to the rows: they come with a second request. */
async function showCurves(rows) {
  const { freqs_hz: freqs, words } = await (await ask("/v1/words/curves")).json();
  for (const { name, picture, also } of rows) {
    const [usual, ...others] = words[name] ?? [];
    if (!usual) continue;
    picture.replaceChildren(curvePicture(freqs, usual));
    for (const other of others) {
      also.append(make("div", {}, make("span", {}, other.kind), curvePicture(freqs, other)));
    }
  }
}

function wordRow(word, aliases) {
  const known = make("span", { class: "known" }, meter(word.confidence), make("span", {}, word.confidence.toFixed(2)),
    make("span", { class: "tag" }, word.weak ? "weak" : ""));
  const name = make("td", { lang: word.language }, word.name);
  if (aliases.length) name.append(make("span", { class: "also", lang: "en" }, `also ${aliases.join(", ")}`));
  const also = make("div", { class: "kinds", hidden: "" });
  if (word.kinds.length) {
    const others = make("button", { type: "button", class: "quiet", "aria-expanded": "false" },
      `otherwise for ${word.kinds.join(", ")}`);
    others.addEventListener("click", () => {
      also.hidden = !also.hidden;
      others.setAttribute("aria-expanded", String(!also.hidden));
    });
    name.append(others, also);
  }
  const sources = word.sources.join(", ") + (word.cross === null ? "" : ` (alike ${word.cross.toFixed(2)})`);
  const picture = make("td", { class: "drawn" });
  const row = make("tr", word.weak ? { class: "weak" } : {}, name, picture, make("td", {}, known),
    cell("people", String(word.people), "number"), cell("settings", String(word.settings), "number"),
    cell("charts", String(word.charts), "number"), cell("agreement", word.agreement.toFixed(2), "number"), cell("", sources));
  return { row, picture, also, name: word.name, text: [word.name, ...aliases].join(" ").toLowerCase() };
}

async function showWords() {
  const { words, aliases } = await (await ask("/v1/words")).json();
  const rows = words.map((word) => wordRow(word, Object.keys(aliases).filter((alias) => aliases[alias] === word.name)));
  find("word-rows").replaceChildren(...rows.map(({ row }) => row));
  let all = false;
  const filter = () => {
    const wanted = find("search").value.trim().toLowerCase().replace(/^less\s+/, "");
    rows.forEach(({ row, text }, at) => { row.hidden = wanted ? !text.includes(wanted) : !all && at >= FIRST_WORDS; });
    const count = rows.filter(({ text }) => text.includes(wanted)).length;
    find("found").textContent = wanted ? `${plural(count, "word")} found` : plural(count, "word");
    find("all-words").hidden = all || Boolean(wanted) || count <= FIRST_WORDS;
  };
  find("all-words").textContent = `Show all ${rows.length} words`;
  find("all-words").addEventListener("click", () => {
    all = true;
    filter();
    rows[FIRST_WORDS].row.focus();
  });
  rows[FIRST_WORDS]?.row.setAttribute("tabindex", "-1"); // where reading goes on once the button is gone
  find("search").addEventListener("input", filter);
  filter();
  await showCurves(rows);
}

find("more").addEventListener("click", () => {
  limit = MOST;
  tag = "";
  refresh().catch(() => {});
});
find("found").textContent = "Loading";
showWords().catch((error) => { find("found").textContent = error.message; });
tick();
