"use strict";
// The alignment game of one prompt with three answers: minimise J(nu) = R(nu) + beta KL(nu || nu_0).

/** The game of a functional's name and parameters {weight, order, prior, answer, budget}, beta and nu_0, [3]. */
function makeGame(name, parameters, beta, nu0) {
  const functional = FUNCTIONALS[name].make(parameters);
  const logNu0 = logNormalize(nu0.map(Math.log));
  const threshold = functional.threshold ?? 0;
  return {
    functional,
    beta,
    logNu0,
    isConvex: beta > threshold,
    hasSlope: functional.gradient !== undefined,
    /** J at log-masses. */
    objective: (logs) => functional.value(logs.map(Math.exp)) + beta * divergence(logs, logNu0),
    /** Log of the best target against a distribution: q proportional to exp(-grad R / beta). */
    target: (logs) => logNormalize(slopes(functional, logs).map((x) => -x / beta)),
    /** Log of the best policy's answers against a target: nu_0 q, normalised. */
    response: (logQ) => logNormalize(map((z) => logNu0[z] + logQ[z])),
  };
}

/** The gradient of R at log-masses, which may be those of masses below 1e-308. */
function slopes(functional, logs) {
  return functional.gradientAtLog ? functional.gradientAtLog(logs) : functional.gradient(logs.map(Math.exp));
}

/** The game with a convex functional and the same objective: R + threshold KL, and beta - threshold. */
function convexGame(game) {
  const threshold = game.functional.threshold;
  if (threshold === undefined) return game;
  const functional = game.functional.convexified(game.logNu0);
  const beta = game.beta - threshold;
  return {
    ...game,
    functional,
    beta,
    objective: (logs) => functional.value(logs.map(Math.exp)) + beta * divergence(logs, game.logNu0),
    target: (logs) => logNormalize(slopes(functional, logs).map((x) => -x / beta)),
  };
}

/** The equilibrium of a convex game: {logNu, logQ, value, gap}; null if the game is not convex or not feasible. */
function equilibrium(game) {
  if (!game.isConvex) return null;
  const convex = convexGame(game);
  const { functional, beta, logNu0 } = convex;
  if (functional.costs) return budgetEquilibrium(game);
  if (functional.answer !== undefined) return pointEquilibrium(game);
  let logNu;
  if (functional.slope) {
    const [roots] = separableRoot((z, x) => functional.slope(z, x) + beta * (x - logNu0[z]));
    logNu = logNormalize(roots);
  } else {
    logNu = newton(functional, beta, logNu0);
  }
  const logQ = convex.target(logNu);
  return { logNu, logQ: game.target(logNu), value: game.objective(logNu), gap: relativeGap(convex, logNu, logQ) };
}

/** Tilt the reference by exp(-lambda c / beta) until its cost is the budget. */
function budgetEquilibrium(game) {
  const { costs, budget } = game.functional;
  const tilted = (price) => logNormalize(map((z) => game.logNu0[z] - (price * costs[z]) / game.beta));
  const spared = (price) => -dot(costs, tilted(price).map(Math.exp));
  let price = 0;
  if (spared(0) < -budget) {
    let high = game.beta;
    while (spared(high) < -budget && high < 1e6 * game.beta) high *= 2;
    if (spared(high) < -budget) return null;
    price = bisect(spared, -budget, 0, high);
  }
  const logNu = tilted(price);
  const logQ = logNormalize(costs.map((c) => (-price * c) / game.beta));
  return { logNu, logQ, value: game.objective(logNu), gap: relativeGap(game, logNu, logQ), price };
}

function pointEquilibrium(game) {
  const logNu = map((z) => (z === game.functional.answer ? 0 : -Infinity));
  const logQ = logNu;
  const value = -game.beta * game.logNu0[game.functional.answer];
  return { logNu, logQ, value, gap: 0 };
}

/** (J(nu) - min over policies of G(., q)) / max(1, |R|, beta KL): a bound on the relative error of J(nu). */
function relativeGap(game, logNu, logQ) {
  const { functional, beta, logNu0 } = game;
  const mass = logSumExp(map((z) => logNu0[z] + logQ[z]));
  const dual = -functional.conjugate(map((z) => -beta * (logQ[z] - mass)));
  const value = functional.value(logNu.map(Math.exp));
  const distance = beta * divergence(logNu, logNu0);
  return Math.abs(value + distance - dual) / Math.max(1, Math.abs(value), distance);
}
