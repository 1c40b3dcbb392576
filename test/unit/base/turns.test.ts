import { expect, it, vi } from "vitest";
import { nextTurn } from "../../../src/base/turns.js";

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
