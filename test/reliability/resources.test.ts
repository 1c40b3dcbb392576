import { expect, it } from "vitest";
import { openClose } from "./campaigns/open_close.js";

it("opening, searching and closing leaves no file, thread, handle or memory behind", async () => {
  const { failures } = await openClose({ trials: 400, seed: 1 });
  expect(failures).toEqual([]);
}, 240_000);
