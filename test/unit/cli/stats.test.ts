import { dirname } from "node:path";
import { expect, test } from "vitest";
import type { AddItem } from "../../../src/index.js";
import { runCommand } from "../../support/command_line.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";

/** A stream that breaks off behind its items, which leaves all whole batches waiting. */
async function* broken(all: readonly AddItem[]): AsyncGenerator<AddItem> {
  yield* all;
  throw new Error("the source broke off");
}

async function waiting(count: number): Promise<string> {
  const file = await temporaryFile("s.db");
  const store = await openStore(file, { embedder: fakeEmbedder({ dims: 32 }), durability: "normal" });
  if (count < 1024) await store.add(items(count));
  else await expect(store.add(broken(items(count)))).rejects.toThrow("broke off");
  await store.close();
  return file;
}

const run = async (file: string, ...args: string[]) => {
  const { code, stdout, stderr } = await runCommand(args, { cwd: dirname(file) });
  // On a slow machine a command says what it is doing.
  expect([code, stderr.replace(/^\w.* · \d+ s\n/gm, "")]).toEqual([0, ""]);
  return stdout;
};

test("stats says what waits for a codebook, in which form and how large, and how many are needed", async () => {
  const file = await waiting(1023);
  const said = await run(file, "stats", "s.db");
  expect(said).toMatch(/^ +codebook +not yet trained: it is trained once 1,024 passages wait$/m);
  expect(said).toMatch(/^ +waiting +1,023 passages as int8, 40\.9 kB$/m);
  expect(JSON.parse(await run(file, "stats", "s.db", "--json"))).toMatchObject({
    codebook: "pending",
    pending: 1023,
    pendingForm: "int8",
    pendingBytes: 1023 * 40,
    trainsAt: 1024,
  });
  expect(await run(file, "compact", "s.db")).toBe("Nothing to build: all codes are scanned.\n");
});

test("stats names compact where enough wait, and compact says what it trained", async () => {
  const file = await waiting(1024);
  expect(await run(file, "stats", "s.db")).toMatch(/^ +codebook +not yet trained: embedless compact trains it$/m);
  expect(await run(file, "compact", "s.db")).toMatch(/^Codebook trained, 1,024 passages coded; all codes are scanned/);
  const after = await run(file, "stats", "s.db");
  expect(after).toMatch(/^ +codebook +trained on this store$/m);
  expect(after).not.toMatch(/waiting/);
});
