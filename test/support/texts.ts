const SUBJECTS = [
  "river",
  "engine",
  "violin",
  "contract",
  "glacier",
  "protein",
  "harbour",
  "kernel",
  "orchard",
  "comet",
];
const VERBS = [
  "crosses",
  "repairs",
  "describes",
  "measures",
  "follows",
  "freezes",
  "compiles",
  "signs",
  "ripens",
  "hides",
];
const PLACES = [
  "at dawn",
  "in winter",
  "under pressure",
  "by the sea",
  "in court",
  "on paper",
  "without noise",
  "twice",
];

/** `count` different short texts about related things: the same for every call. */
export function texts(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, n) => {
    const i = n + from;
    const subject = SUBJECTS[i % 10]!;
    const object = SUBJECTS[(i * 7 + Math.floor(i / 10)) % 10]!;
    return `The ${subject} ${VERBS[Math.floor(i / 3) % 10]} the ${object} ${PLACES[Math.floor(i / 7) % 8]}, case ${i}.`;
  });
}
