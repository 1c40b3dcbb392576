/** A code on one set of queries. */
export interface FrontierPoint {
  readonly code: string;
  readonly family: "pq" | "lvq" | "leanvec";
  readonly set: "questions" | "sentences";
  readonly bytes: number;
  readonly recomputes: number;
}

const WIDTH = 800;
const HEIGHT = 480;
const PLOT = { left: 64, right: 776, top: 64, bottom: 420 };
const FAMILIES: Readonly<Record<FrontierPoint["family"], string>> = {
  pq: "product quantisation",
  lvq: "LVQ",
  leanvec: "LeanVec",
};

/**
 * Bytes a vector against exact looks a query as a picture: both axes logarithmic, a shape for each family, filled for
 * the hard set and hollow for the easy one. Follows the viewer's light or dark scheme.
 */
export function frontierSvg(points: readonly FrontierPoint[], title: string): string {
  const x = logScale(
    points.map(({ bytes }) => bytes),
    [PLOT.left, PLOT.right],
  );
  const y = logScale(
    points.map(({ recomputes }) => recomputes),
    [PLOT.bottom, PLOT.top],
  );
  const at = (point: FrontierPoint) => ({ ...point, x: x.place(point.bytes), y: y.place(point.recomputes) });
  const placed = points.map(at);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
<style>
  svg { --ground: #ffffff; --ink: #1f2328; --faint: #d5d9de; --pq: #0b62c4; --lvq: #b3470f; --leanvec: #6b3fa0; font: 13px system-ui, sans-serif; }
  @media (prefers-color-scheme: dark) { svg { --ground: #15181c; --ink: #e4e7eb; --faint: #363c44; --pq: #6cb0ff; --lvq: #ff9a5c; --leanvec: #c39bff; } }
  text { fill: var(--ink); } .tick { font-size: 11px; } .label { font-size: 11px; } .title { font-size: 15px; font-weight: 600; }
  .grid { stroke: var(--faint); } .ground { fill: var(--ground); } .line { fill: none; stroke: var(--pq); stroke-width: 1.5; }
  .easy { stroke-dasharray: 4 4; } .mark { stroke-width: 1.8; } .hollow { fill: var(--ground); }
</style>
<rect class="ground" width="${WIDTH}" height="${HEIGHT}"/>
<text class="title" x="${PLOT.left}" y="24">${title}</text>
${legend()}
${x.ticks.map((tick) => `<path class="grid" d="M${x.place(tick)} ${PLOT.top}V${PLOT.bottom}"/><text class="tick" x="${x.place(tick)}" y="${PLOT.bottom + 16}" text-anchor="middle">${tick}</text>`).join("\n")}
${y.ticks.map((tick) => `<path class="grid" d="M${PLOT.left} ${y.place(tick)}H${PLOT.right}"/><text class="tick" x="${PLOT.left - 8}" y="${y.place(tick) + 4}" text-anchor="end">${tick}</text>`).join("\n")}
<text x="${(PLOT.left + PLOT.right) / 2}" y="${HEIGHT - 20}" text-anchor="middle">bytes a vector</text>
<text transform="translate(18 ${(PLOT.top + PLOT.bottom) / 2}) rotate(-90)" text-anchor="middle">passages looked at exactly, a query</text>
${(["questions", "sentences"] as const)
  .map((set) =>
    line(
      placed.filter((point) => point.set === set && point.family === "pq"),
      set,
    ),
  )
  .join("\n")}
${placed.map(mark).join("\n")}
${labels(placed)}
</svg>
`;
}

interface Placed extends FrontierPoint {
  readonly x: number;
  readonly y: number;
}

function logScale(values: readonly number[], [from, to]: readonly [number, number]) {
  const low = Math.log(Math.min(...values) / 1.25);
  const high = Math.log(Math.max(...values) * 1.25);
  const steps = [1, 1.5, 2, 3, 4, 5, 7].flatMap((digit) => [1, 10, 100, 1000].map((power) => digit * power));
  return {
    place: (value: number) => Math.round((from + ((Math.log(value) - low) / (high - low)) * (to - from)) * 10) / 10,
    ticks: steps.filter((step) => Math.log(step) >= low && Math.log(step) <= high && Number.isInteger(step)),
  };
}

function line(points: readonly Placed[], set: FrontierPoint["set"]): string {
  const sorted = points.toSorted((a, b) => a.x - b.x);
  const way = sorted.map(({ x, y }, i) => `${i === 0 ? "M" : "L"}${x} ${y}`).join("");
  return `<path class="line${set === "sentences" ? " easy" : ""}" d="${way}"/>`;
}

function mark({ family, set, x, y }: Pick<Placed, "family" | "set" | "x" | "y">): string {
  const fill = set === "sentences" ? 'class="mark hollow"' : `class="mark" fill="var(--${family})"`;
  const paint = `${fill} stroke="var(--${family})"`;
  if (family === "pq") return `<circle ${paint} cx="${x}" cy="${y}" r="4.5"/>`;
  if (family === "lvq") return `<rect ${paint} x="${x - 4.5}" y="${y - 4.5}" width="9" height="9"/>`;
  return `<path ${paint} d="M${x} ${y - 6}L${x + 6} ${y}L${x} ${y + 6}L${x - 6} ${y}Z"/>`;
}

/** One label a code, above its hard mark; where two would touch, the later one climbs. */
function labels(points: readonly Placed[]): string {
  const taken: { left: number; right: number; y: number }[] = [];
  const hard = points.filter(({ set }) => set === "questions").toSorted((a, b) => a.x - b.x);
  return hard
    .map(({ code, x, y }) => {
      const half = code.length * 3.1 + 3;
      const left = Math.min(Math.max(x - half, PLOT.left), WIDTH - 2 * half - 4);
      let height = y - 10;
      while (taken.some((one) => one.right > left && one.left < left + 2 * half && Math.abs(one.y - height) < 13)) {
        height -= 3;
      }
      taken.push({ left, right: left + 2 * half, y: height });
      const leader = y - height > 20 ? `<path class="grid" d="M${x} ${y - 6}L${left + half} ${height + 3}"/>` : "";
      return `${leader}<text class="label" x="${left + half}" y="${height}" text-anchor="middle">${code}</text>`;
    })
    .join("\n");
}

function legend(): string {
  const families = Object.entries(FAMILIES).map(([family, name], i) => {
    const x = PLOT.left + 6 + i * 170;
    return `${mark({ family: family as FrontierPoint["family"], set: "questions", x, y: 44 })}<text x="${x + 12}" y="48">${name}</text>`;
  });
  return `${families.join("\n")}\n<text x="${PLOT.right}" y="48" text-anchor="end">filled: hard questions · hollow: easy sentences</text>`;
}
