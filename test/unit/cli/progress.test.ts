import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BuildProgress } from "../../../src/cli/progress.js";
import { columnsOf, type Terminal } from "../../../src/cli/terminal.js";

beforeEach(() => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
afterEach(() => vi.useRealTimers());

function terminal(live: boolean, width = 80): { terminal: Terminal; lines: string[]; drawn: string[] } {
  const lines: string[] = [];
  const drawn: string[] = [];
  return {
    terminal: {
      width,
      live,
      style: (_, text) => text,
      line: (text = "") => void lines.push(text),
      over: (text = "") => void drawn.push(text),
    },
    lines,
    drawn,
  };
}

describe("on a pipe", () => {
  it("prints a line at least every five seconds, and each commit at once", () => {
    const { terminal: pipe, lines } = terminal(false);
    const progress = new BuildProgress(pipe);
    vi.advanceTimersByTime(14_900);
    expect(lines).toEqual(["committed 0", "committed 0", "committed 0"]);
    progress.update({ done: 512, committed: 512, share: 0.25 });
    expect(lines.at(-1)).toBe("committed 512 · 34 passages/s · 45 s left");
    vi.advanceTimersByTime(5_000);
    expect(lines).toHaveLength(5);
    progress.finish();
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(5);
  });

  it("tells the last commit at the end", () => {
    const { terminal: pipe, lines } = terminal(false);
    const progress = new BuildProgress(pipe);
    progress.update({ done: 1_536, committed: 1_536, share: 1 });
    progress.finish();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^committed 1,536/);
  });
});

describe("on a terminal", () => {
  it("draws one line over and over that fits, and wipes it in the end", () => {
    for (const width of [30, 80, 120]) {
      const { terminal: screen, lines, drawn } = terminal(true, width);
      const progress = new BuildProgress(screen);
      vi.advanceTimersByTime(1_000);
      expect(drawn.at(-1)).toContain("Embedding the first");
      for (let i = 1; i <= 100; i++) {
        progress.update({ done: i * 64, committed: i * 64 - 32, share: i / 100 });
        vi.advanceTimersByTime(1_000);
      }
      expect(drawn.at(-50)).toContain("%");
      for (const text of drawn) expect(columnsOf(text)).toBeLessThan(width);
      progress.finish();
      expect(drawn.at(-1)).toBe("");
      expect(lines).toEqual([]);
    }
  });

  it("forgets how fast unchanged files flew by", () => {
    const { terminal: screen, drawn } = terminal(true);
    const progress = new BuildProgress(screen);
    vi.advanceTimersByTime(100);
    progress.update({ done: 10_000, committed: 10_000, share: 0.5 });
    for (let second = 1; second <= 40; second++) {
      vi.advanceTimersByTime(1_000);
      progress.update({ done: 10_000 + 50 * second, committed: 10_000, share: 0.5 + second / 1_000 });
    }
    vi.advanceTimersByTime(100);
    expect(drawn.at(-1)).toContain("50 passages/s · 7 min 40 s left");
    progress.finish();
  });
});
