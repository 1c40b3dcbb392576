import { expect, it, vi } from "vitest";
import { nextTurn, Turns } from "../../../src/base/turns.js";
import { countRounds } from "../../support/clock.js";

it("lets one go on in each round of the event loop, in the order they came", async () => {
  let round = 0;
  let counting = true;
  const count = () => {
    round++;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  const wentOn: { who: number; round: number }[] = [];
  const wait = async (who: number) => {
    for (let i = 0; i < 3; i++) {
      await nextTurn();
      wentOn.push({ who, round });
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, who) => wait(who)));
  counting = false;
  expect(wentOn.map(({ who }) => who)).toEqual(Array.from({ length: 60 }, (_, i) => i % 20));
  expect(new Set(wentOn.map(({ round }) => round)).size).toBe(60);
});

it("lets timers run between", async () => {
  let ran = 0;
  const timer = setInterval(() => ran++, 1);
  const work = async () => {
    await nextTurn();
    for (const end = performance.now() + 5; performance.now() < end; );
  };
  await Promise.all(Array.from({ length: 10 }, work));
  clearInterval(timer);
  expect(ran).toBeGreaterThanOrEqual(8);
});

it("goes on under fake timers", async () => {
  vi.useFakeTimers({ toFake: ["setImmediate", "setTimeout", "setInterval"] });
  try {
    await nextTurn();
  } finally {
    vi.useRealTimers();
  }
});

/** How many rounds of the event loop `work` lets pass. */
async function roundsDuring(work: () => Promise<void>): Promise<number> {
  const counted = countRounds();
  await work();
  return counted();
}

it("Turns gives others a turn once its own is used up, and not before", async () => {
  const giveTen = async (turns: Turns) => {
    for (let i = 0; i < 10; i++) await turns.give();
  };
  expect(await roundsDuring(() => giveTen(new Turns({ ms: 1e9 })))).toBe(0);
  expect(await roundsDuring(() => giveTen(new Turns({ ms: 0 })))).toBeGreaterThanOrEqual(10);
  expect(new Turns({ ms: 1e9 }).isOver).toBe(false);
  expect(new Turns({ ms: 0 }).isOver).toBe(true);
});

it("Turns ends with its signal, also one that fires while others have their turn", async () => {
  const stop = new AbortController();
  await expect(new Turns({ ms: 1e9, signal: AbortSignal.abort() }).give()).rejects.toMatchObject({ code: "ABORTED" });
  const giving = new Turns({ ms: 0, signal: stop.signal }).give();
  stop.abort();
  await expect(giving).rejects.toMatchObject({ code: "ABORTED" });
});
