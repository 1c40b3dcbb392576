import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packagePath } from "../../src/base/packages.js";
import { compareFigures, LINE, MEAN } from "./compare.js";
import { readFixture } from "./fixture.js";
import { type Figure, measureStore } from "./measure.js";
import type { MeasuredStore } from "./stores.js";

/** Ends what hangs: a store takes 2 to 5 seconds of a core, and machines may be busy. */
const TIMEOUT_MS = 300_000;
/** Set to `1`, it writes the measured figures in place of the stored ones. */
const WRITES = process.env["EMBEDLESS_WRITE_RECALL"] === "1";
/** How far below its target a stored recall may be: targets are means over other questions, in stores of other sizes. */
const SHORT_OF_TARGET = 0.015;

/**
 * Tests that every store finds what it found when `figures/<name>.json` was written, at the same cost.
 *
 * `EMBEDLESS_WRITE_RECALL=1 npx vitest run --config test/vitest.config.ts test/recall` writes the figures again, for a change
 * that is meant to move them: look at the difference before it is committed.
 */
export function testStoredFigures(name: string, stores: readonly MeasuredStore[]): void {
  const file = packagePath("test", "recall", "figures", `${name}.json`);
  const stored = WRITES ? [] : (JSON.parse(readFileSync(file, "utf8")) as Figure[]);
  const fixture = readFixture();
  const measured: Figure[] = [];

  it.each(stores)("$name: recall and recomputes as stored", { timeout: TIMEOUT_MS }, async (store) => {
    const folder = mkdtempSync(join(tmpdir(), "embedless-recall-"));
    try {
      const figures = await measureStore(join(folder, "store.db"), fixture, store);
      measured.push(...figures);
      if (!WRITES) expect(compareFigures(figures, stored)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  afterAll(() => {
    if (!WRITES) return;
    const lines = measured.map(
      (figure) => `  ${JSON.stringify(figure).replaceAll('":', '": ').replaceAll(',"', ', "')}`,
    );
    const text = lines.map((line) => line.replace("{", "{ ").replace("}", " }")).join(",\n");
    writeFileSync(file, `[\n${text}\n]\n`);
  });

  describe.skipIf(WRITES)("the stored figures", () => {
    it("are those of the stores that are measured", () => {
      const ways = stores.flatMap(({ name: store, ways }) => ways.map((way) => `${store}, ${way.name}`));
      expect([...new Set(stored.map(({ store, way }) => `${store}, ${way}`))]).toEqual(ways);
    });

    it("meet the recall that was asked for", () => {
      const short = stored.filter(({ recall, target }) => recall < target - SHORT_OF_TARGET);
      expect(short).toEqual([]);
    });

    it("show a loss of recall and a rise of cost", () => {
      const losing = stored.map((figure) => ({ ...figure, recall: figure.recall - 0.02 }));
      const costly = stored.map((figure) => ({ ...figure, recomputed: 1.15 * figure.recomputed }));
      expect(compareFigures(losing, stored).length).toBeGreaterThan(stored.length);
      expect(compareFigures(costly, stored).length).toBeGreaterThan(stored.length);
      expect(compareFigures(stored, stored)).toEqual([]);
    });

    it("show one line that loses alone, and a small loss of all lines of a way", () => {
      const [first, ...others] = stored;
      const one = { ...first!, recall: first!.recall - LINE.recall - 0.001 };
      expect(compareFigures([one, ...others], stored)).toEqual([
        expect.stringMatching(/k 1, recall 0.9: recall .* less than/),
      ]);
      const small = stored.map((figure) => ({ ...figure, recall: figure.recall - MEAN.recall - 0.001 }));
      expect(compareFigures(small, stored).every((problem) => problem.includes(", mean: recall"))).toBe(true);
      expect(compareFigures(small, stored)).not.toEqual([]);
    });
  });
}
