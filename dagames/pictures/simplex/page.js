"use strict";
// Settings from the controls and the link; pictures and numbers from the game. `DATA` holds the reward tables by group size.

const $ = (id) => document.getElementById(id);
const DYNAMICS = {
  none: "none",
  best_response: "best response",
  damped: "damped best response",
  mirror_descent: "mirror descent with line search",
  no_regret: "no-regret learners (FTRL, optimistic)",
  grpo: "expected GRPO steps",
};
const START = {
  functional: "NegativeEntropy", weight: 1, beta: 0.7, order: 2, answer: 0, budget: 0.3,
  nu0: [0.6, 0.3, 0.1], prior: [0.2, 0.3, 0.5],
  dynamics: "mirror_descent", damping: 0.5, group: 8, rewards: "frequencies", normalise: "center", rate: 1, steps: 30,
};
const NUMBERS = ["weight", "beta", "order", "budget", "damping", "rate", "steps"];
const LOGARITHMIC = new Set(["weight", "beta", "rate"]);
const CHOICES = ["functional", "answer", "dynamics", "group", "rewards", "normalise"];
const LEAST_MASS = 0.005;
let settings = { ...START };
let timer = null;

const CORNERS = [[40, 326], [360, 326], [200, 48.9]];
const place = (nu) => [0, 1].map((k) => nu.reduce((sum, mass, z) => sum + mass * CORNERS[z][k], 0));

/** The distribution at a point of the triangle's plane. */
function massesAt(x, y) {
  const third = (326 - y) / (326 - 48.9);
  const second = (x - 40 - 160 * third) / 320;
  return [1 - second - third, second, third];
}

/** The nearest distribution whose masses are at least LEAST_MASS. */
function intoTriangle(nu) {
  const masses = nu.map((x) => Math.max(x, LEAST_MASS));
  const total = masses.reduce((a, b) => a + b);
  return masses.map((x) => Math.max(LEAST_MASS, x / total)).map((x, _, all) => x / all.reduce((a, b) => a + b));
}

function currentGame() {
  const { functional, beta, nu0, ...parameters } = settings;
  return makeGame(functional, parameters, beta, nu0);
}

/** Why the chosen algorithm has no steps for the game; "" if it has. */
function obstacle(game) {
  if (settings.dynamics === "none") return "";
  if (!game.hasSlope) return `${settings.functional} is infinite at some distributions, so it has no gradient to follow.`;
  if (settings.dynamics === "grpo" && settings.rewards !== "frequencies" && !tableWeight())
    return `The tables estimate log p; the slope of ${settings.functional} is not a multiple of it. Choose the frequencies.`;
  return "";
}

/** Whether the slope of the functional is weight * log nu plus a constant. */
function tableWeight() {
  return settings.functional === "NegativeEntropy" || settings.functional === "KLToPrior";
}

function stepOf(game) {
  const { dynamics, damping, group: K, rewards, normalise, rate, weight, prior } = settings;
  if (dynamics === "best_response") return bestResponse(game, { damping: 1 });
  if (dynamics === "damped") return bestResponse(game, { damping });
  if (dynamics === "mirror_descent") return mirrorDescent(game);
  if (dynamics === "no_regret") return noRegret(game);
  const paid =
    rewards === "frequencies"
      ? frequencyRewards(game, K)
      : tableRewards(game, DATA.tables[K][rewards], weight, settings.functional === "KLToPrior" ? prior : null);
  return meanField(game, { K, rate, normalise, rewards: paid });
}

function draw() {
  const game = currentGame();
  const solution = equilibrium(game);
  const why = obstacle(game);
  const path = settings.dynamics === "none" || why ? [game.logNu0] : course(stepOf(game), game.logNu0, settings.steps);
  showControls();
  drawContours(game);
  drawConstraint(game);
  drawPath(path);
  drawMarks(solution);
  drawChart(solution, path);
  showNumbers(game, solution, path, why);
  history.replaceState(null, "", `#${linkOf(settings)}`);
}

function showControls() {
  const uses = FUNCTIONALS[settings.functional].uses;
  for (const label of document.querySelectorAll("[data-uses]")) label.hidden = !uses.includes(label.dataset.uses);
  for (const label of document.querySelectorAll("[data-needs]"))
    label.hidden = label.dataset.needs === "damping" ? settings.dynamics !== "damped" : settings.dynamics !== "grpo";
  $("formula").textContent = FUNCTIONALS[settings.functional].says;
  for (const name of NUMBERS) {
    const input = $(name);
    input.value = LOGARITHMIC.has(name) ? Math.log(settings[name]) : settings[name];
    document.querySelector(`output[for="${name}"]`).textContent = short(settings[name]);
    input.setAttribute("aria-valuetext", short(settings[name]));
  }
  for (const name of CHOICES) $(name).value = String(settings[name]);
}

const short = (x) => (x === 0 ? "0" : Math.abs(x) >= 100 || Number.isInteger(x) ? String(Math.round(x)) : x.toPrecision(3));
const massText = (x) => (x === 0 ? "0" : x < 1e-4 ? x.toExponential(1) : x.toFixed(4));

function drawContours(game) {
  const canvas = $("contours");
  const context = canvas.getContext("2d");
  const [width, height] = [canvas.width, canvas.height];
  const image = context.createImageData(width, height);
  const values = new Float64Array(width * height).fill(NaN);
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < height; i += 2)
    for (let j = 0; j < width; j += 2) {
      const nu = massesAt((j + 1) / 2, (i + 1) / 2);
      if (nu.some((x) => x <= 0)) continue;
      const value = game.objective(nu.map(Math.log));
      values[i * width + j] = value;
      if (Number.isFinite(value)) [least, most] = [Math.min(least, value), Math.max(most, value)];
    }
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--low").split(",").map(Number);
  const level = (value) => (Number.isFinite(value) ? Math.floor(12 * Math.sqrt((value - least) / (most - least || 1))) : 13);
  for (let i = 0; i < height; i += 2)
    for (let j = 0; j < width; j += 2) {
      const value = values[i * width + j];
      if (Number.isNaN(value)) continue;
      const here = level(value);
      const edge = [i > 1 ? values[(i - 2) * width + j] : NaN, j > 1 ? values[i * width + j - 2] : NaN].some(
        (other) => !Number.isNaN(other) && level(other) !== here,
      );
      const alpha = edge ? 200 : here === 13 ? 0 : Math.round(120 * (1 - here / 12));
      for (const at of [i * width + j, i * width + j + 1, (i + 1) * width + j, (i + 1) * width + j + 1])
        image.data.set([...ink, alpha], 4 * at);
    }
  context.putImageData(image, 0, 0);
}

function drawConstraint(game) {
  const { costs, budget } = game.functional;
  const ends = costs ? budgetCorners(costs, budget).filter((p) => Math.abs(dot(p, costs) - budget) < 1e-9) : [];
  $("constraint").setAttribute("d", ends.length > 1 ? `M${ends.map((p) => place(p).join(" ")).join(" L")}` : "");
}

function drawPath(path) {
  const points = path.map((logs) => place(logs.map(Math.exp)));
  $("path").setAttribute("points", points.map((p) => p.join(",")).join(" "));
  const shown = points.slice(1).map(([x, y], t, all) => {
    const last = t === all.length - 1;
    return `<circle cx="${x}" cy="${y}" r="${last ? 4 : 2}"${last ? ' class="last"' : ""}></circle>`;
  });
  $("dots").innerHTML = shown.join("");
}

function drawMarks(solution) {
  const focused = document.activeElement?.id;
  const marks = [];
  if (solution) {
    marks.push(markAt("target", solution.logQ.map(Math.exp), "M-5 -5 L5 -5 L5 5 L-5 5 Z", ""));
    marks.push(markAt("equilibrium", solution.logNu.map(Math.exp), star(9), ""));
  }
  if (FUNCTIONALS[settings.functional].uses.includes("prior"))
    marks.push(markAt("prior", settings.prior, "M0 -8 L8 0 L0 8 L-8 0 Z", "prior"));
  marks.push(markAt("reference", settings.nu0, "M-7 0 A7 7 0 1 0 7 0 A7 7 0 1 0 -7 0 Z", "nu0"));
  $("marks").innerHTML = marks.join("");
  if (focused) $(focused)?.focus();
}

function star(radius) {
  const points = [...Array(10).keys()].map((k) => {
    const r = k % 2 ? 0.45 * radius : radius;
    return `${r * Math.sin((k * Math.PI) / 5)} ${-r * Math.cos((k * Math.PI) / 5)}`;
  });
  return `M${points.join(" L")} Z`;
}

function markAt(kind, nu, shape, handle) {
  const [x, y] = place(nu);
  const says = handle === "nu0" ? "reference" : "prior";
  const attributes = handle
    ? `id="handle-${handle}" tabindex="0" role="slider" aria-label="${says}" aria-valuemin="0" aria-valuemax="1" ` +
      `aria-valuenow="${nu[0].toFixed(3)}" aria-valuetext="${nu.map((m) => m.toFixed(3)).join(", ")}"`
    : "";
  return `<path class="mark ${kind}${handle ? " handle" : ""}" ${attributes} transform="translate(${x} ${y})" d="${shape}"></path>`;
}

function drawChart(solution, path) {
  const distances = solution ? path.map((logs) => divergence(solution.logNu, logs)) : [];
  const points = distances.map((d, t) => [t, Math.log10(Math.min(Math.max(d, 1e-16), 1e3))]);
  const x = (t) => 44 + (346 * t) / Math.max(1, path.length - 1);
  const y = (log) => 12 + (106 * (3 - log)) / 19;
  const lines = [0, -8, -16].map(
    (log) =>
      `<line class="axis" x1="44" x2="390" y1="${y(log)}" y2="${y(log)}"></line>` +
      `<text x="40" y="${y(log) + 4}" text-anchor="end">${log ? `1e${log}` : "1"}</text>`,
  );
  const labels = `<text x="44" y="138">0</text><text x="390" y="138" text-anchor="end">step ${path.length - 1}</text>`;
  const course = points.map(([t, log]) => `${x(t).toFixed(1)},${y(log).toFixed(1)}`).join(" ");
  $("chart").innerHTML = `${lines.join("")}${labels}<polyline points="${course}"></polyline>`;
}

function showNumbers(game, solution, path, why) {
  const last = path[path.length - 1].map(Math.exp);
  const rows = [0, 1, 2].map((z) => {
    const cells = [settings.nu0[z], solution && Math.exp(solution.logNu[z]), solution && Math.exp(solution.logQ[z]), last[z]];
    return `<tr><th scope="row">${z}</th>${cells.map((x) => `<td>${x === null ? "–" : massText(x)}</td>`).join("")}</tr>`;
  });
  $("masses").innerHTML = rows.join("");
  $("verdict").textContent = [gameText(game, solution), why || pathText(solution, path)].join(" ");
}

function gameText(game, solution) {
  if (!game.isConvex)
    return `J is not convex: beta = ${short(game.beta)} is not above the threshold ${short(game.functional.threshold)}. There may be several local minima.`;
  if (!solution) return "No distribution meets the budget.";
  const price = solution.price === undefined ? "" : ` The multiplier of the budget is ${short(solution.price)}.`;
  return `J(ν*) = ${solution.value.toPrecision(6)}, duality gap ${solution.gap.toExponential(1)}: a bound on the relative error.${price}`;
}

function pathText(solution, path) {
  if (settings.dynamics === "none" || !solution) return "";
  const steps = path.length - 1;
  const away = divergence(solution.logNu, path[steps]);
  const stopped = steps < settings.steps ? " The next step is undefined, because an answer has lost its mass." : "";
  const cycle = steps > 3 && away > 1e-6 && divergence(path[steps - 2], path[steps]) < 1e-12 && divergence(path[steps - 1], path[steps]) > 1e-6;
  return `After ${steps} steps of ${DYNAMICS[settings.dynamics]}, KL(ν* ‖ ν) = ${away.toExponential(1)} nats.${cycle ? " The steps alternate between two points." : ""}${stopped}`;
}

function linkOf(chosen) {
  const parts = Object.keys(START).map((name) => [name, [chosen[name]].flat().map((x) => (typeof x === "number" ? Number(x.toPrecision(12)) : x)).join(",")]);
  return new URLSearchParams(parts).toString();
}

/** Settings of a link; entries that are unknown or out of range keep their defaults. */
function settingsOf(link) {
  const chosen = { ...START };
  for (const [name, text] of new URLSearchParams(link)) {
    if (!(name in START)) continue;
    const value = readSetting(name, text);
    if (value !== null) chosen[name] = value;
  }
  return chosen;
}

function readSetting(name, text) {
  if (name === "nu0" || name === "prior") {
    const masses = text.split(",").map(Number);
    return masses.length === 3 && masses.every((x) => x >= 0 && Number.isFinite(x)) && Math.max(...masses) > 0 ? intoTriangle(masses.map((x) => x / masses.reduce((a, b) => a + b))) : null;
  }
  if (CHOICES.includes(name)) {
    const known = [...$(name).options].some((option) => option.value === text);
    return known ? (typeof START[name] === "number" ? Number(text) : text) : null;
  }
  const value = Number(text);
  if (text === "" || !Number.isFinite(value)) return null;
  const [low, high] = [Number($(name).min), Number($(name).max)].map((x) => (LOGARITHMIC.has(name) ? Math.exp(x) : x));
  return Math.min(high, Math.max(low, name === "steps" ? Math.round(value) : value));
}

function fillChoices() {
  const fill = (id, entries) => {
    $(id).innerHTML = entries.map(([value, text]) => `<option value="${value}">${text}</option>`).join("");
  };
  fill("functional", Object.keys(FUNCTIONALS).map((name) => [name, name]));
  fill("dynamics", Object.entries(DYNAMICS));
  const sizes = Object.keys(DATA.tables);
  fill("group", sizes.map((K) => [K, K]));
  fill("rewards", [["frequencies", "gradient at the frequencies"], ...Object.keys(DATA.tables[sizes[0]]).map((name) => [name, `${name} table`])]);
}

function listen() {
  for (const name of NUMBERS)
    $(name).addEventListener("input", () => {
      const value = Number($(name).value);
      change({ [name]: LOGARITHMIC.has(name) ? Math.exp(value) : value });
    });
  for (const name of CHOICES)
    $(name).addEventListener("change", () => {
      change({ [name]: typeof START[name] === "number" ? Number($(name).value) : $(name).value });
    });
  $("reset").addEventListener("click", () => change(START));
  $("link").addEventListener("click", copyLink);
  $("play").addEventListener("click", play);
  $("settings").addEventListener("submit", (event) => event.preventDefault());
  $("triangle").addEventListener("pointerdown", grab);
  $("triangle").addEventListener("keydown", nudge);
  window.addEventListener("hashchange", () => change(settingsOf(location.hash.slice(1))));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

function change(changes) {
  clearInterval(timer);
  settings = { ...settings, ...changes };
  draw();
}

function copyLink() {
  const done = () => ($("link").textContent = "Copied");
  if (navigator.clipboard) navigator.clipboard.writeText(location.href).then(done, () => prompt("The link", location.href));
  else prompt("The link", location.href);
}

/** Show the steps one after the other; all at once where motion is to be reduced. */
function play() {
  clearInterval(timer);
  const goal = settings.steps;
  if (goal === 0 || window.matchMedia("(prefers-reduced-motion: reduce)").matches) return draw();
  settings.steps = 0;
  timer = setInterval(() => {
    settings.steps += Math.max(1, Math.round(goal / 60));
    if (settings.steps >= goal) {
      settings.steps = goal;
      clearInterval(timer);
    }
    draw();
  }, 60);
}

function grab(event) {
  const handle = event.target.closest(".handle");
  if (!handle) return;
  const name = handle.id.replace("handle-", "");
  const move = (moved) => {
    const frame = $("triangle").getBoundingClientRect();
    const [x, y] = [((moved.clientX - frame.left) * 400) / frame.width, ((moved.clientY - frame.top) * 356) / frame.height];
    change({ [name]: intoTriangle(massesAt(x, y)) });
  };
  const drop = () => {
    window.removeEventListener("pointermove", move);
    window.removeEventListener("pointerup", drop);
  };
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", drop);
  event.preventDefault();
}

function nudge(event) {
  const handle = event.target.closest(".handle");
  const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!handle || !by) return;
  event.preventDefault();
  const name = handle.id.replace("handle-", "");
  const [x, y] = place(settings[name]);
  const length = event.shiftKey ? 16 : 3;
  change({ [name]: intoTriangle(massesAt(x + length * by[0], y + length * by[1])) });
}

fillChoices();
settings = settingsOf(location.hash.slice(1));
listen();
$("app").hidden = false;
draw();
