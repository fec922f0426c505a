"use strict";
// Iterations of the game, each a function of the state that returns the next one. A state has log-masses `logNu`.

const mixLogs = (eta, a, b) => logNormalize(map((z) => (1 - eta) * a[z] + eta * b[z]));

/** Best response with damping: log nu' = (1 - eta) log nu + eta log of the best policy against the best target. */
function bestResponse(game, { damping }) {
  return (state) => ({ logNu: mixLogs(damping, state.logNu, game.response(game.target(state.logNu))) });
}

/** Mirror descent with a search for the least L with R(nu') <= R(nu) + <grad R, nu' - nu> + L KL(nu' || nu). */
function mirrorDescent(game) {
  const { functional, beta } = game;
  const known = functional.smoothness;
  return (state) => {
    const nu = state.logNu.map(Math.exp);
    const value = functional.value(nu);
    const slope = slopes(functional, state.logNu);
    const response = game.response(game.target(state.logNu));
    let L = 0.5 * (state.L ?? (Number.isFinite(known) ? known : beta));
    for (;;) {
      const moved = mixLogs(beta / (beta + L), state.logNu, response);
      const step = map((z) => Math.exp(moved[z]) - nu[z]);
      const bound = value + dot(slope, step) + L * divergence(moved, state.logNu);
      const fails = !(functional.value(moved.map(Math.exp)) <= bound + 1e-14 * Math.max(1, Math.abs(value)));
      if (!fails || L >= known || L >= 1e12 * beta) return { logNu: moved, L };
      L *= 2;
    }
  };
}

/** No-regret learners: the policy follows the regularised leader, the target its optimistic version. */
function noRegret(game) {
  return (state) => {
    const played = state.logNu;
    const logQ = state.logQ ?? game.target(played);
    const rounds = state.rounds ?? 1;
    const targets = state.targets ?? logQ;
    const marginals = state.marginals ?? played.map(Math.exp);
    const logNu = game.response(targets.map((x) => x / rounds));
    const leader = map((z) => Math.log(marginals[z] + Math.exp(played[z])));
    const next = game.target(logNormalize(leader));
    return {
      logNu,
      logQ: next,
      rounds: rounds + 1,
      targets: map((z) => targets[z] + next[z]),
      marginals: map((z) => marginals[z] + Math.exp(logNu[z])),
    };
  };
}

/** All counts of a group of K traces over three answers, with the logarithm of their multinomial coefficient. */
function groups(K) {
  const logFactorial = [0];
  for (let k = 1; k <= K; k++) logFactorial.push(logFactorial[k - 1] + Math.log(k));
  const all = [];
  for (let a = 0; a <= K; a++)
    for (let b = 0; a + b <= K; b++) {
      const counts = [a, b, K - a - b];
      all.push({ counts, log: logFactorial[K] - counts.reduce((sum, k) => sum + logFactorial[k], 0) });
    }
  return all;
}

/**
 * The mean field of GRPO: theta' = theta + rate * E[1/K sum A_i (e_(z_i) - nu)], with the rewards of the group less
 * beta log(nu / nu_0). `rewards(counts)` returns the reward of each answer, [3]; `normalise` is "center",
 * "standardise" or "leave-one-out".
 */
function meanField(game, { K, rate, normalise, rewards }) {
  const listed = groups(K).map((group) => ({ ...group, rewards: rewards(group.counts) }));
  return (state) => {
    const penalty = map((z) => game.beta * (state.logNu[z] - game.logNu0[z]));
    const pull = [0, 0, 0];
    for (const { counts, log, rewards: paid } of listed) {
      const probability = Math.exp(log + map((z) => (counts[z] ? counts[z] * state.logNu[z] : 0)).reduce((a, b) => a + b));
      const advantages = advantagesOf(counts, map((z) => paid[z] - penalty[z]), K, normalise);
      for (let z = 0; z < 3; z++) pull[z] += (probability * counts[z] * advantages[z]) / K;
    }
    const total = pull[0] + pull[1] + pull[2];
    return { logNu: logNormalize(map((z) => state.logNu[z] + rate * (pull[z] - Math.exp(state.logNu[z]) * total))) };
  };
}

/** Advantages of the traces of each answer; answers without a trace get 0. */
function advantagesOf(counts, rewards, K, normalise) {
  const present = map((z) => (counts[z] ? rewards[z] : 0));
  const mean = dot(counts, present) / K;
  const centred = map((z) => (counts[z] ? present[z] - mean : 0));
  if (normalise === "leave-one-out") return centred.map((x) => (x * K) / (K - 1));
  if (normalise === "center") return centred;
  const squares = dot(counts, centred.map((x) => x * x));
  const deviation = Math.sqrt(squares / Math.max(K - 1, 1));
  return centred.map((x) => x / (deviation + 1e-4));
}

/** Minus the gradient of R at the frequencies of a group; 0 for an answer without a trace. */
function frequencyRewards(game, K) {
  return (counts) => {
    const slope = game.functional.gradient(counts.map((k) => k / K));
    return map((z) => (counts[z] ? -slope[z] : 0));
  };
}

/** Minus the gradient of a functional whose slope is weight * log p plus a constant, with a table in place of log p. */
function tableRewards(game, table, weight, prior) {
  return (counts) => map((z) => (counts[z] ? -weight * (table[counts[z]] - (prior ? Math.log(prior[z]) : 0)) : 0));
}

/** The first `steps` log-masses of an iteration, the reference first; it ends early where one is not a number. */
function course(step, logNu0, steps) {
  const path = [logNu0];
  let state = { logNu: logNu0 };
  for (let t = 0; t < steps; t++) {
    state = step(state);
    if (state.logNu.some(Number.isNaN)) break;
    path.push(state.logNu);
  }
  return path;
}
