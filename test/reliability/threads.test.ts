// Worker threads on one store. A thread that closes its store, or ends itself, ends cleanly whatever was running. One that
// is ended from outside in the middle of a statement takes the process along, because the driver of SQLite throws where
// nothing may, or because Node's zlib asserts that an object it was just making is finished: then, as after any crash, nothing acknowledged is lost. Our own native calls end cleanly even so, see
// unit/native/teardown.test.ts.

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { VectorStore } from "../../src/index.js";
import { fakeEmbedder } from "../support/fake_embedder.js";
import { programPath } from "../support/programs.js";
import { items, openStore, temporaryFile } from "../support/store.js";

const TASKS = ["add", "search", "list", "verify", "compact", "backup", "churn"] as const;
const TIMES = 6;

/** A store of passages with kept vectors and a graph, closed. */
async function made(): Promise<string> {
  const file = await temporaryFile();
  const store = await VectorStore.open(file, { embedder: fakeEmbedder(), vectors: "float16", index: "hnsw" });
  await store.add(items(300));
  await store.compact();
  await store.close();
  return file;
}

async function expectSound(file: string): Promise<void> {
  const store = await openStore(file, { embedder: fakeEmbedder() });
  expect(await store.verify()).toMatchObject({ ok: true });
  expect((await store.get(["p0", "p299"])).every((passage) => passage !== undefined)).toBe(true);
  // Whole batches of ten, and no lock left behind.
  expect(((await store.count()) - 300) % 10).toBe(0);
  await store.add([{ id: "afterwards", text: "A passage after all of it." }]);
}

function run(name: string, args: string[]) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [programPath(name), ...args], {
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, signal, stdout, stderr };
}

test("threads that open one store add and search side by side: nothing is lost", async () => {
  const file = await made();
  const rounds = 8;
  const workers = (["add", "add", "search"] as const).map(
    (task, i) => new Worker(programPath("store_thread"), { workerData: { file, task, name: `t${i}`, rounds } }),
  );
  expect(await Promise.all(workers.map(async (worker) => (await once(worker, "exit"))[0]))).toEqual([0, 0, 0]);
  const store = await openStore(file, { embedder: fakeEmbedder() });
  expect(await store.count()).toBe(300 + 2 * rounds * 10);
  const { hits } = await store.search("Thread t1 wrote line 7 of round 5.", { k: 1, recall: 0.999 });
  expect(hits[0]!.id).toBe("t1-5-7");
  expect(await store.verify()).toMatchObject({ ok: true });
});

describe.each(TASKS)("threads busy with %s", (task) => {
  test.each(["close", "exit"])("that %s end cleanly", async (ending) => {
    const file = await made();
    const ended = run("terminate_threads", [file, task, String(TIMES), ending]);
    expect(ended).toEqual({ status: 0, signal: null, stdout: `ended ${TIMES}\n`, stderr: "" });
    await expectSound(file);
  });

  test("that are terminated: at worst the driver or Node ends the process, and the store is sound", async () => {
    const file = await made();
    const { status, signal, stderr } = run("terminate_threads", [file, task, String(TIMES), "terminate"]);
    if (status === 0) expect(stderr).toBe("");
    else {
      expect({ status, signal }).toEqual({ status: null, signal: "SIGABRT" });
      expect(stderr).toMatch(/Napi::Error|Error::Error napi_|close before init/);
      expect(stderr).not.toContain("embedless.node");
    }
    await expectSound(file);
  });

  test("a script that forgets close ends all the same", async () => {
    const file = await made();
    const ended = run("store_thread", [file, task]);
    expect(ended).toEqual({ status: 0, signal: null, stdout: "busy\ndone\n", stderr: "" });
    await expectSound(file);
  });
});
