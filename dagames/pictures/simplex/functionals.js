"use strict";
// Functionals R of a distribution nu of three answers: value, gradient, and an upper bound on the conjugate
// R*(u) = sup over the simplex of <nu, u> - R(nu). Formulas and names as in dagames.functionals.

const LEAST_LOG = -700;
const BISECTIONS = 200;

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const map = (f) => [f(0), f(1), f(2)];
const xlogx = (x) => (x > 0 ? x * Math.log(x) : 0);

/** Logarithm of the sum of exp(logs), without overflow. */
function logSumExp(logs) {
  const top = Math.max(...logs);
  return Number.isFinite(top) ? top + Math.log(logs.reduce((sum, x) => sum + Math.exp(x - top), 0)) : top;
}

/** Log-probabilities proportional to exp(logs). */
function logNormalize(logs) {
  const total = logSumExp(logs);
  return logs.map((x) => x - total);
}

/** The argument in [low, high] where a nondecreasing function crosses `goal`, to the last bit. */
function bisect(f, goal, low, high) {
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = 0.5 * (low + high);
    if (middle <= low || middle >= high) break;
    if (f(middle) < goal) low = middle;
    else high = middle;
  }
  return high;
}

/** Log of the mass where slope(log mass) = goal, at most 0; -Infinity if the slope exceeds the goal at every mass. */
function logMassAt(slope, goal) {
  if (slope(0) <= goal) return 0;
  if (slope(LEAST_LOG) >= goal) return -Infinity;
  return bisect(slope, goal, LEAST_LOG, 0);
}

/**
 * Log of the masses with slope(z, log mass) = c for every answer with mass, where c makes them sum to 1.
 * The slopes increase with the mass. Returns [log masses, c].
 */
function separableRoot(slope) {
  const masses = (c) => map((z) => logMassAt((x) => slope(z, x), c));
  const total = (c) => masses(c).reduce((sum, x) => sum + Math.exp(x), 0);
  const high = Math.max(...map((z) => slope(z, 0)));
  // At this c no mass exceeds 1/3.
  const low = Math.min(...map((z) => slope(z, -Math.log(3))));
  const c = bisect(total, 1, low, high);
  return [masses(c), c];
}

/** A sum over answers: `summand(z, nu)` and its derivative `slope(z, log nu)`, which increases with nu. */
function separable(parts) {
  return {
    smoothness: Infinity,
    value: (nu) => parts.summand(0, nu[0]) + parts.summand(1, nu[1]) + parts.summand(2, nu[2]),
    gradientAtLog: (logs) => map((z) => parts.slope(z, logs[z])),
    gradient: (nu) => map((z) => parts.slope(z, Math.log(nu[z]))),
    // With any c, R*(u) <= c + sum_z sup over n in [0, 1] of (u_z - c) n - f_z(n).
    conjugate: (u) => {
      const top = Math.max(...u);
      const [, c] = separableRoot((z, x) => parts.slope(z, x) - (u[z] - top));
      const shifted = map((z) => u[z] - top + c);
      const gains = map((z) => {
        const n = Math.exp(logMassAt((x) => parts.slope(z, x), shifted[z]));
        return shifted[z] * n - parts.summand(z, n);
      });
      return top - c + gains[0] + gains[1] + gains[2];
    },
    ...parts,
  };
}

/** A smooth function given by value, gradient and Hessian, maximised by Newton steps; the bound adds its own gap. */
function smooth(parts) {
  return {
    conjugate: (u) => {
      const p = parts.maximiser(u);
      const rest = map((z) => u[z] - parts.gradient(p)[z]);
      return dot(p, u) - parts.value(p) + Math.max(...rest) - dot(p, rest);
    },
    ...parts,
  };
}

/** A x + b 1 = r with sum x = total, for A [3][3] and unknowns x and b; null if the matrix is singular. */
function solveBordered(A, r, total) {
  const rows = [0, 1, 2].map((i) => [...A[i], 1, r[i]]);
  rows.push([1, 1, 1, 0, total]);
  const scale = Math.max(1, ...A.flat().map(Math.abs));
  for (let k = 0; k < 4; k++) {
    let pivot = k;
    for (let i = k + 1; i < 4; i++) if (Math.abs(rows[i][k]) > Math.abs(rows[pivot][k])) pivot = i;
    if (Math.abs(rows[pivot][k]) < 1e-13 * scale) return null;
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    for (let i = 0; i < 4; i++) {
      if (i === k) continue;
      const factor = rows[i][k] / rows[k][k];
      for (let j = k; j < 5; j++) rows[i][j] -= factor * rows[k][j];
    }
  }
  return [0, 1, 2].map((i) => rows[i][4] / rows[i][i]);
}

const times = (Q, nu) => map((z) => dot(Q[z], nu));

/** The maximiser of <p, u> - p'Qp / 2 over the simplex, for Q positive semidefinite on vectors of sum 0. */
function quadraticMaximiser(Q, u) {
  let best = null;
  for (let face = 1; face < 8; face++) {
    const inside = map((z) => (face >> z) & 1);
    // An answer outside the face has the equation p = 0; its own multiplier takes the place of b.
    const A = map((i) => map((j) => (inside[i] ? (inside[j] ? Q[i][j] : 0) : i === j ? 1 : 0)));
    const p = solveOnFace(A, u, inside);
    if (p === null || p.some((x) => x < -1e-12)) continue;
    const kept = p.map((x) => Math.max(x, 0));
    const gain = dot(kept, u) - 0.5 * dot(kept, times(Q, kept));
    if (best === null || gain > best.gain) best = { gain, p: kept };
  }
  return best.p;
}

function solveOnFace(A, u, inside) {
  const members = [0, 1, 2].filter((z) => inside[z]);
  if (members.length === 1) return inside.slice();
  if (members.length === 3) return solveBordered(A, u, 1);
  const [i, j] = members;
  const bend = A[i][i] - A[i][j] - A[j][i] + A[j][j];
  if (!(bend > 1e-13 * Math.max(1, Math.abs(A[i][i]), Math.abs(A[j][j]), Math.abs(A[i][j])))) return null;
  const mass = (u[i] - u[j] - A[i][j] + A[j][j]) / bend;
  const p = [0, 0, 0];
  p[i] = mass;
  p[j] = 1 - mass;
  return p;
}

/** The minimiser of a smooth function plus beta KL(nu || nu_0) over the simplex, by Newton steps with backtracking. */
function newton(functional, beta, logNu0) {
  const objective = (logs) => functional.value(logs.map(Math.exp)) + beta * divergence(logs, logNu0);
  let logs = logNu0.slice();
  let now = objective(logs);
  for (let step = 0; step < 500; step++) {
    const nu = logs.map(Math.exp);
    const slope = map((z) => functional.gradient(nu)[z] + beta * (logs[z] - logNu0[z]));
    const H = functional.hessian(nu);
    // In relative changes d = nu * t: (N H N + beta N) t + b nu = -N slope with <nu, t> = 0.
    const t = relativeStep(H, beta, nu, slope);
    const decrement = -map((z) => nu[z] * t[z] * slope[z]).reduce((a, b) => a + b);
    if (!(decrement > 1e-30)) break;
    let eta = Math.min(1, 5 / Math.max(...t.map(Math.abs)));
    let moved = null;
    for (; eta > 1e-12; eta *= 0.5) {
      moved = logNormalize(map((z) => logs[z] + eta * t[z]));
      if (objective(moved) <= now - 1e-4 * eta * decrement || decrement < 1e-14 * Math.max(1, Math.abs(now))) break;
    }
    logs = moved;
    now = objective(logs);
    if (decrement < 1e-28) break;
  }
  return logs;
}

/** Newton's step for log-masses, [3], up to a constant that the normalisation removes. */
function relativeStep(H, beta, nu, slope) {
  // With s the tangent step, (H + beta / nu) s + b = -slope; scaled by sqrt(nu) the matrix is well-conditioned.
  const root = nu.map(Math.sqrt);
  const A = map((i) => map((j) => root[i] * H[i][j] * root[j] + (i === j ? beta : 0)));
  const inverse = (r) => solveSymmetric(A, r);
  const a = inverse(map((z) => -root[z] * slope[z]));
  const b = inverse(root);
  const c = dot(root, a) / dot(root, b);
  return map((z) => (a[z] - c * b[z]) / root[z]);
}

/** The solution of A x = r for a symmetric matrix A [3][3] by Cramer's rule. */
function solveSymmetric(A, r) {
  const det = (M) =>
    M[0][0] * (M[1][1] * M[2][2] - M[1][2] * M[2][1]) -
    M[0][1] * (M[1][0] * M[2][2] - M[1][2] * M[2][0]) +
    M[0][2] * (M[1][0] * M[2][1] - M[1][1] * M[2][0]);
  const whole = det(A);
  return map((k) => det(map((i) => map((j) => (j === k ? r[i] : A[i][j])))) / whole);
}

/** KL(p || q) of two distributions given by logarithms: a sum of the terms p log(p / q) - p + q, of at least 0. */
function divergence(logP, logQ) {
  const terms = map((z) => {
    const [p, q, ratio] = [Math.exp(logP[z]), Math.exp(logQ[z]), logP[z] - logQ[z]];
    if (p === 0) return q;
    return Math.abs(ratio) < 1 ? p * (ratio + Math.expm1(-ratio)) : p * ratio - p + q;
  });
  return terms[0] + terms[1] + terms[2];
}

/** Distances of three answers on a line at 0, 1 and 2, divided by 2. */
const LINE = [
  [0, 0.5, 1],
  [0.5, 0, 0.5],
  [1, 0.5, 0],
];

/** The functionals by name: `uses` names the parameters beside the weight; `make(parameters)` returns the functional. */
const FUNCTIONALS = {
  Linear: {
    says: "R(nu) = -weight <r, nu>: rewards of the answers",
    uses: ["answer"],
    make: ({ weight, answer }) => {
      const rewards = map((z) => (z === answer ? weight : z === (answer + 1) % 3 ? weight / 2 : 0));
      return separable({
        smoothness: 0,
        summand: (z, n) => -rewards[z] * n,
        slope: (z) => -rewards[z],
        conjugate: (u) => Math.max(...map((z) => u[z] + rewards[z])),
      });
    },
  },
  Gini: {
    says: "R(nu) = weight / 2 sum nu^2: diversity by collisions",
    uses: [],
    make: ({ weight }) =>
      separable({
        smoothness: weight / 2,
        summand: (z, n) => 0.5 * weight * n * n,
        slope: (z, x) => weight * Math.exp(x),
      }),
  },
  NegativeEntropy: {
    says: "R(nu) = weight sum nu log nu: diversity by entropy",
    uses: [],
    make: ({ weight }) =>
      separable({
        smoothness: weight,
        summand: (z, n) => weight * xlogx(n),
        slope: (z, x) => weight * (x + 1),
        conjugate: (u) => weight * logSumExp(u.map((x) => x / weight)),
      }),
  },
  Tsallis: {
    says: "R(nu) = weight (sum nu^a - 1) / (a - 1): between entropy and collisions",
    uses: ["order"],
    make: ({ weight, order }) => {
      const log = (x) => Math.expm1((order - 1) * x) / (order - 1);
      return separable({
        smoothness: order > 1 ? weight * order : Infinity,
        summand: (z, n) => (n > 0 ? weight * n * log(Math.log(n)) : 0),
        slope: (z, x) => weight * (order * log(x) + 1),
      });
    },
  },
  KLToPrior: {
    says: "R(nu) = weight KL(nu || p): targeted exploration",
    uses: ["prior"],
    make: ({ weight, prior }) =>
      separable({
        smoothness: weight,
        summand: (z, n) => (n > 0 ? weight * n * Math.log(n / prior[z]) : 0),
        slope: (z, x) => weight * (x - Math.log(prior[z]) + 1),
        conjugate: (u) => weight * logSumExp(map((z) => u[z] / weight + Math.log(prior[z]))),
      }),
  },
  KLFromPrior: {
    says: "R(nu) = weight KL(p || nu): imitation",
    uses: ["prior"],
    make: ({ weight, prior }) =>
      separable({
        summand: (z, n) => weight * (prior[z] * Math.log(prior[z] / n) - prior[z] + n),
        slope: (z, x) => weight * (1 - prior[z] * Math.exp(-x)),
      }),
  },
  ChiSquare: {
    says: "R(nu) = weight sum (nu - p)^2 / p: closeness to a prior",
    uses: ["prior"],
    make: ({ weight, prior }) =>
      separable({
        smoothness: (2 * weight) / Math.min(...prior),
        summand: (z, n) => (weight * (n - prior[z]) ** 2) / prior[z],
        slope: (z, x) => 2 * weight * (Math.exp(x) / prior[z] - 1),
      }),
  },
  Hellinger: {
    says: "R(nu) = weight / 2 sum (sqrt nu - sqrt p)^2: closeness to a prior",
    uses: ["prior"],
    make: ({ weight, prior }) =>
      separable({
        summand: (z, n) => 0.5 * weight * (Math.sqrt(n) - Math.sqrt(prior[z])) ** 2,
        slope: (z, x) => 0.5 * weight * (1 - Math.sqrt(prior[z]) * Math.exp(-0.5 * x)),
      }),
  },
  SquaredDistance: {
    says: "R(nu) = weight / 2 |nu - p|^2: closeness to a prior",
    uses: ["prior"],
    make: ({ weight, prior }) =>
      separable({
        smoothness: weight / 2,
        summand: (z, n) => 0.5 * weight * (n - prior[z]) ** 2,
        slope: (z, x) => weight * (Math.exp(x) - prior[z]),
      }),
  },
  LogScore: {
    says: "R(nu) = -weight log nu(g): one right answer",
    uses: ["answer"],
    make: ({ weight, answer }) =>
      separable({
        summand: (z, n) => (z === answer ? -weight * Math.log(n) : 0),
        slope: (z, x) => (z === answer ? -weight * Math.exp(-x) : 0),
      }),
  },
  Quadratic: {
    says: "R(nu) = weight / 2 nu'Q nu, Q = 1 - d with d the distances of answers on a line: diversity in meaning",
    uses: [],
    make: ({ weight }) => {
      const Q = map((i) => map((j) => weight * (1 - LINE[i][j])));
      return smooth({
        smoothness: weight / 2,
        value: (nu) => 0.5 * dot(nu, times(Q, nu)),
        gradient: (nu) => times(Q, nu),
        hessian: () => Q,
        maximiser: (u) => quadraticMaximiser(Q, u),
      });
    },
  },
  EntropyMinimisation: {
    says: "R(nu) = -weight sum nu log nu, concave: agreement; convex with the divergence if beta > weight",
    uses: [],
    make: ({ weight }) => ({
      smoothness: 0,
      threshold: weight,
      value: (nu) => -weight * (xlogx(nu[0]) + xlogx(nu[1]) + xlogx(nu[2])),
      gradient: (nu) => map((z) => -weight * (Math.log(nu[z]) + 1)),
      // R + weight sum nu log nu = 0; the divergence that is left has the weight beta - weight.
      convexified: (logNu0) => {
        const row = logNu0.map((x) => -weight * x);
        return separable({
          summand: (z, n) => row[z] * n,
          slope: (z) => row[z],
          conjugate: (u) => Math.max(...map((z) => u[z] - row[z])),
        });
      },
    }),
  },
  PairwiseIncoherence: {
    says: "R(nu) = weight sum nu nu' d, d the distances of answers on a line: agreement in meaning; convex with the " +
      "divergence if beta > weight",
    uses: [],
    make: ({ weight }) => {
      const D = map((i) => map((j) => weight * LINE[i][j]));
      return {
        smoothness: weight,
        threshold: weight,
        value: (nu) => dot(nu, times(D, nu)),
        gradient: (nu) => times(D, nu).map((x) => 2 * x),
        convexified: (logNu0) => convexifiedIncoherence(D, weight, logNu0),
      };
    },
  },
  Polytope: {
    says: "R(nu) = 0 if the cost of nu is at most the budget, else infinite: safety",
    uses: ["answer", "budget"],
    make: ({ answer, budget }) => {
      const costs = map((z) => (z === answer ? 1 : z === (answer + 1) % 3 ? 0.5 : 0));
      const corners = budgetCorners(costs, budget);
      return {
        smoothness: Infinity,
        costs,
        budget,
        value: (nu) => (dot(costs, nu) <= budget + 1e-12 ? 0 : Infinity),
        conjugate: (u) => Math.max(...corners.map((p) => dot(p, u))),
      };
    },
  },
  Point: {
    says: "R(nu) = 0 if nu is the point mass on one answer, else infinite: verified rewards",
    uses: ["answer"],
    make: ({ answer }) => ({
      smoothness: 0,
      answer,
      value: (nu) => (map((z) => (z === answer ? 0 : nu[z])).some((x) => x > 0) ? Infinity : 0),
      conjugate: (u) => u[answer],
    }),
  },
};

/** PairwiseIncoherence plus threshold KL(nu || nu_0), whose maximisers have mass on every answer. */
function convexifiedIncoherence(D, threshold, logNu0) {
  const value = (nu) =>
    dot(nu, times(D, nu)) + threshold * map((z) => xlogx(nu[z]) - nu[z] * logNu0[z]).reduce((a, b) => a + b);
  const gradient = (nu) =>
    map((z) => 2 * times(D, nu)[z] + threshold * (Math.log(nu[z]) + 1 - logNu0[z]));
  const hessian = (nu) => map((i) => map((j) => 2 * D[i][j] + (i === j ? threshold / nu[i] : 0)));
  // sup <p, u> - S(p) is minus the least of a smooth function: its weight of KL is a part of the threshold.
  const part = 1e-3 * threshold;
  const maximiser = (u) => {
    const rest = {
      value: (p) => value(p) - dot(p, u) - part * map((z) => xlogx(p[z])).reduce((a, b) => a + b),
      gradient: (p) => map((z) => gradient(p)[z] - u[z] - part * (Math.log(p[z]) + 1)),
      hessian: (p) => map((i) => map((j) => hessian(p)[i][j] - (i === j ? part / p[i] : 0))),
    };
    return newton(rest, part, [0, 0, 0]).map(Math.exp);
  };
  return smooth({ value, gradient, hessian, maximiser });
}

/** The corners of the distributions whose cost is at most the budget, and those of its intersection with the edges. */
function budgetCorners(costs, budget) {
  const corners = [];
  for (let i = 0; i < 3; i++) {
    if (costs[i] <= budget) corners.push(map((z) => (z === i ? 1 : 0)));
    for (let j = 0; j < 3; j++) {
      if (!(costs[i] < budget && budget < costs[j])) continue;
      const mass = (budget - costs[i]) / (costs[j] - costs[i]);
      corners.push(map((z) => (z === j ? mass : z === i ? 1 - mass : 0)));
    }
  }
  return corners;
}
