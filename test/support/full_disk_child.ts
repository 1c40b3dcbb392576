/** A process that uses a store while space runs out, and once more with room again; see `ChildPool`. */
import { VectorStore } from "../../src/index.js";
import type { FullQuestion } from "../reliability/campaigns/full_disk.js";
import { contentOf, fullOptions, type Outcome, task } from "../reliability/campaigns/full_disk_tasks.js";

/** The store of an attempt stays open: it must be of use again once there is room. */
let store: VectorStore | undefined;

process.on("message", async ({ step, kind, path }: FullQuestion) => {
  const outcome: Outcome = {};
  try {
    store ??= await VectorStore.open(path, fullOptions());
    await task(kind).run(store);
  } catch (error) {
    const { code, message, stack } = error as { code?: string; message: string; stack: string };
    outcome.error = code ?? "no code";
    outcome.message = code ? message : stack;
  }
  try {
    if (store) outcome.content = await contentOf(store);
    if (step === "retry") {
      await store?.close();
      store = undefined;
    }
  } catch (error) {
    outcome.error ??= "reading or closing";
    outcome.message = String(error);
  }
  process.send!(outcome);
});
process.on("disconnect", () => process.exit(0));
