// Chance that can be repeated: a failing run prints its seed, ABLAK_SEED gives it back.
export const seed = Number(process.env.ABLAK_SEED ?? Date.now() % 1_000_000_007);

/** mulberry32, from the run's seed and a name, so that tests do not depend on each other's order. */
export function randomOf(name) {
  let state = seed;
  for (const letter of name) state = Math.imul(state ^ letter.codePointAt(0), 0x9e3779b1);
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    random,
    below: (count) => Math.floor(random() * count),
    pick: (things) => things[Math.floor(random() * things.length)],
  };
}
