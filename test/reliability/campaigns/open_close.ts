import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import type { Held } from "../../support/open_close.js";
import { programPath } from "../../support/programs.js";
import { texts } from "../../support/texts.js";
import { type Campaign, inScratchFolder } from "./campaign.js";

const PROGRAM = programPath("open_close");
/** Rounds before the first look: caches fill, and the allocator settles. */
const WARM_UP = 400;
/** Memory that may come and go, whatever the number of rounds: the allocator's, and JavaScript's. */
const SPARE_RSS = 48e6;
const SPARE_HEAP = 1.5e6;

/** Opens, searches and closes a store over and over: nothing of it may stay behind. */
export const openClose: Campaign = async ({ trials, seed }) => {
  if (process.platform !== "linux") return { n: 0, failures: [], skipped: "files and threads are counted in /proc" };
  return await inScratchFolder(async (folder) => {
    const path = join(folder, "store.db");
    const store = await VectorStore.open(path, { embedder: fakeEmbedder(), keywords: true });
    await store.add(texts(200).map((text, i) => ({ id: `p${i}`, text })));
    await store.close();
    const args = ["--expose-gc", PROGRAM, path, String(WARM_UP), String(trials)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 1_800_000 });
    const { before, after } = JSON.parse(stdout) as { before: Held; after: Held };
    const grown = after.rssBytes - before.rssBytes;
    const heap = after.heapBytes - before.heapBytes;
    const failures = [
      after.files > before.files && `${after.files - before.files} files stayed open`,
      after.threads > before.threads && `${after.threads - before.threads} threads stayed`,
      after.resources.length > 0 && `handles stayed: ${after.resources.join(", ")}`,
      grown > SPARE_RSS && `memory grew by ${(grown / 1e6).toFixed(1)} MB`,
      heap > SPARE_HEAP && `the heap grew by ${(heap / 1e6).toFixed(1)} MB`,
    ].filter((failure) => failure !== false);
    return {
      n: trials,
      failures: failures.map((failure) => `seed ${seed}: ${failure}`),
      counts: { "bytes a round": Math.round(grown / trials), "of the heap": Math.round(heap / trials) },
    };
  });
};
