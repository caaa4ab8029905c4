// The two kinds of page: a pair with two questions, and ratings against a reference. Each makes its buttons and answers
// and gives what study.js needs: `questions`, `hint`, `keys`, `chosen(at, playing)`.

const SCALE = ["bad", "poor", "fair", "good", "excellent"]; // ITU-R BS.1534, 20 points each
const NEITHER = "neither";

/** An element: attributes, then children; text becomes text. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** "warmer", "muddier", "thinner"; "less muddy"; "more hollow", "more warm 0.5 + airy 0.5". */
export function moreOf(word) {
  if (word.startsWith("less ")) return word;
  if (/^[a-z]*[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}ier`;
  if (!/^[^aeiouy]*(?:[aeiou]|ea|oo|ou|oa|ie|ee|ai|u)[^aeiouy]+e?$/.test(word)) return `more ${word}`;
  if (word.endsWith("e")) return `${word}r`;
  return /[^aeiou][aeiou][bdgmnpt]$/.test(word) ? `${word}${word.at(-1)}er` : `${word}er`;
}
const key = (text) => make("kbd", {}, text);
const grade = (value) => SCALE[Math.min(Math.floor(value / 20), SCALE.length - 1)];

function listKeys(find, rows) {
  find("keys").replaceChildren(...rows.flatMap(([names, text]) =>
    [make("dt", {}, ...names.map(key)), make("dd", {}, text)]));
}

function soundButton(label, at, choose) {
  const button = make("button", { type: "button", "aria-pressed": "false", "aria-keyshortcuts": label }, label);
  button.addEventListener("click", () => choose(at));
  return button;
}

function press(buttons, at, playing) {
  buttons.forEach((button, n) => {
    button.setAttribute("aria-pressed", String(n === at));
    button.classList.toggle("playing", n === at && playing);
  });
}

/** Which is more of the word, which is preferred. */
export function askPair(trial, { find, choose, answer }) {
  const questions = [["more", `Which is ${moreOf(trial.word)}?`], ["prefer", "Which do you prefer?"]];
  find("question").textContent = "Compare A and B";
  find("explained").textContent = "Listen to both as often as you like; switching keeps the position. Then answer both questions.";
  const labels = ["A", "B"];
  const buttons = labels.map((label, at) => soundButton(label, at, choose));
  find("sounds").replaceChildren(...buttons);

  const keys = { a: () => choose(0), b: () => choose(1) };
  const values = [trial.sounds[0], NEITHER, trial.sounds[1]];
  const fields = questions.map(([name, text], row) => {
    const options = ["A", "no difference", "B"].map((label, column) => {
      const shortcut = String(3 * row + column + 1);
      const input = make("input", { type: "radio", name, id: `${name}-${column}`, "aria-keyshortcuts": shortcut });
      input.checked = trial.answers[name] === values[column];
      input.addEventListener("change", () => answer(name, values[column]));
      keys[shortcut] = () => {
        if (input.matches(":disabled")) return;
        input.checked = true;
        input.focus();
        answer(name, values[column]);
      };
      return make("label", { for: input.id }, input, make("span", {}, label), key(shortcut));
    });
    return make("fieldset", {}, make("legend", {}, text), make("div", { class: "options" }, ...options));
  });
  find("answers").replaceChildren(...fields);
  listKeys(find, [[["Space"], "play, pause"], [["A", "B"], "switch"], [["1", "2", "3"], "answer the first question"],
    [["4", "5", "6"], "answer the second"], [["Enter"], "next"]]);

  const heard = new Set();
  const chosen = (at, playing) => {
    press(buttons, at, playing);
    if (playing) heard.add(at);
    for (const field of fields) field.disabled = heard.size < 2;
  };
  chosen(0, false);
  return { questions: ["more", "prefer"], hint: "Listen to A and B, then answer both questions.", keys, chosen };
}

/** How close each is to the reference, 0 to 100. */
export function askRatings(trial, { find, choose, answer }) {
  find("question").textContent = "Rate each against the reference";
  find("explained").textContent = "How good does each sound, compared with the reference? The reference itself is hidden "
    + "among them: give it 100. Any difference that you hear counts, whether you like it or not.";
  const reference = soundButton("Reference", 0, choose);
  reference.setAttribute("aria-keyshortcuts", "0");
  const labels = trial.sounds.map((_, n) => String(n + 1));
  const buttons = [reference, ...labels.map((label, n) => soundButton(label, n + 1, choose))];
  find("sounds").replaceChildren(reference);

  const sliders = trial.sounds.map((id, n) => slider(labels[n], trial.answers[id], (value) => answer(id, value)));
  const rows = sliders.map(({ input, output }, n) => make("div", { class: "row" }, buttons[n + 1], input, output));
  const scale = make("div", { class: "row scale-names", "aria-hidden": "true" }, make("span"),
    make("div", {}, ...SCALE.map((name) => make("span", {}, name))), make("span"));
  find("answers").replaceChildren(scale, ...rows);

  const keys = { 0: () => choose(0) };
  sliders.forEach(({ input }, n) => {
    keys[n + 1] = async () => {
      await choose(n + 1);
      input.focus();
    };
  });
  listKeys(find, [[["Space"], "play, pause"], [["0"], "reference"], [["1", "…", String(sliders.length)], "switch, then"],
    [["←", "→"], "rate by one"], [["Page up", "Page down"], "rate by ten"], [["Enter"], "next"]]);

  const chosen = (at, playing) => {
    press(buttons, at, playing);
    if (playing && at > 0) sliders[at - 1].input.disabled = false;
  };
  chosen(0, false);
  return { questions: trial.sounds, hint: "Listen to each and rate it.", keys, chosen };
}

function slider(label, rating, answer) {
  const input = make("input", { type: "range", min: 0, max: 100, step: 1, "aria-label": `Rating of ${label}` });
  const output = make("output", {});
  input.disabled = true;
  input.value = rating ?? 0;
  const say = (value) => {
    input.classList.toggle("unset", value === undefined);
    output.textContent = value ?? "–";
    input.setAttribute("aria-valuetext", value === undefined ? "not rated" : `${value}, ${grade(value)}`);
  };
  let given = rating;
  const settle = () => {
    if (input.disabled || Number(input.value) === given) return;
    given = Number(input.value);
    say(given);
    answer(given);
  };
  say(rating);
  input.addEventListener("input", () => say(Number(input.value)));
  input.addEventListener("change", settle);
  input.addEventListener("pointerup", settle); // a rating of 0 does not move the handle, so nothing changes
  input.addEventListener("keydown", (event) => {
    const [step, end] = [{ PageUp: 10, PageDown: -10 }[event.key], { Home: 0, End: 100 }[event.key]];
    if (step === undefined && end === undefined) return;
    event.preventDefault();
    input.value = end ?? Number(input.value) + step;
    settle();
  });
  return { input, output };
}
