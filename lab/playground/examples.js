// For each stage a run in which its own promise breaks; in the last one it is kept.

const APPLY = { 4: 4, 5: 3, 6: 3, 7: 2, 8: 3, 9: 4 }; // calls of an apply that is not disturbed
const steps = (count) => Array(count).fill("s0");
const apply = (stage, person) => [`a${person}`, ...steps(APPLY[stage])];
const consume = (stage) => ["c", ...steps(stage === 9 ? 4 : 5)];

export const EXAMPLES = {
  4: ["m", "a0", ...steps(3), "m"],
  5: [...apply(5, 0), "w0", "m", ...consume(5), "m"],
  6: ["a0", "s0", "x0", "a0", "s0"],
  7: [...apply(7, 0), "d0"],
  8: [...apply(8, 0), ...consume(8), "r", ...apply(8, 1), ...consume(8)],
  9: [...apply(9, 0), ...consume(9), "r", "a1", "s0", "b", ...steps(9), ...apply(9, 1), ...consume(9)],
};
