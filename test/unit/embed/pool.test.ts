import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { EngineSpec } from "../../../src/embed/engine.js";
import { fileSha256, readModelFolder } from "../../../src/embed/model_folder.js";
import { Pool, sharedPool } from "../../../src/embed/pool.js";
import { tinyModel } from "../../support/tiny_model.js";

// Each test starts processes, which takes long on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const pools: Pool[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

const spec = async (): Promise<EngineSpec> => {
  const model = await readModelFolder(await tinyModel());
  return { kind: "onnx", model, sha256: await fileSha256(model.weights) };
};

async function open(workers: number): Promise<Pool> {
  const pool = new Pool(await spec(), workers);
  pools.push(pool);
  return pool;
}

const passages = { kind: "passage" } as const;
const texts = (n: number): string[] =>
  Array.from({ length: n }, (_, i) => `dog ${"red ".repeat(i % 7)}${"hill ".repeat(i % 3)}`);

/** Whether a process runs; one that has ended and was not yet waited for does not. */
const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" && process.platform !== "linux";
  }
};

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 20) {
    if (waited > 60_000) throw new Error("waited a minute in vain");
    await sleep(20);
  }
}

describe("Pool", () => {
  it.each([1, 2, 3])("answers in the order of the texts with %i processes", async (workers) => {
    const pool = await open(workers);
    const one = await open(1);
    const all = await pool.embed(texts(50), passages);
    for (const i of [0, 1, 20, 49]) expect(all[i]).toEqual((await one.embed([texts(50)[i]!], passages))[0]);
    expect(pool.pids).toHaveLength(workers);
  });

  it("starts nothing before there is work, and one process more than texts", async () => {
    const pool = await open(4);
    expect(pool.pids).toEqual([]);
    await pool.embed(["dog"], { kind: "question" });
    expect(pool.pids).toHaveLength(2);
    await pool.embed([], passages);
    await pool.embed(texts(20), passages);
    expect(pool.pids).toHaveLength(4);
  });

  it("fails the text that a dying process was running, and no other", async () => {
    const pool = await open(1);
    await pool.embed(["dog"], passages);
    const [pid] = pool.pids;
    process.kill(pid!, "SIGSTOP");
    const first = pool.embed(["cat sat"], passages);
    const second = pool.embed(["red hill"], passages);
    const third = pool.embed(["blue tree"], passages);
    process.kill(pid!, "SIGKILL");
    await expect(first).rejects.toMatchObject({
      code: "EMBEDDER_FAILED",
      message: "The process that embeds texts was ended by SIGKILL.",
    });
    expect((await second)[0]!.tokens).toBe(2);
    expect((await third)[0]!.tokens).toBe(2);
    expect(pool.pids).not.toContain(pid);
  });

  it("gives up at once when its signal fires, and ends a process that hangs", async () => {
    const pool = await open(1);
    await pool.embed(["dog"], passages);
    const [pid] = pool.pids;
    process.kill(pid!, "SIGSTOP");
    const stop = new AbortController();
    const hung = pool.embed(texts(5), { ...passages, signal: stop.signal });
    stop.abort("enough");
    await expect(hung).rejects.toMatchObject({ code: "ABORTED", cause: "enough" });
    expect((await pool.embed(["cat sat"], passages))[0]!.tokens).toBe(2);
    expect(alive(pid!)).toBe(false);
  });

  it("keeps the process of an aborted run that ends in time", async () => {
    const pool = await open(1);
    await pool.embed(["dog"], passages);
    const before = pool.pids;
    const stop = new AbortController();
    const aborted = pool.embed(texts(50), { ...passages, signal: stop.signal });
    stop.abort();
    await expect(aborted).rejects.toThrow(expect.objectContaining({ code: "ABORTED" }));
    await pool.embed(texts(3), passages);
    expect(pool.pids).toEqual(before);
  });

  it("takes a question before passages that wait", async () => {
    const pool = await open(1);
    await pool.embed(["dog"], passages);
    const done: string[] = [];
    const bulk = pool.embed(texts(200), passages).then(() => done.push("passages"));
    const question = pool.embed(["red"], { kind: "question" }).then(() => done.push("question"));
    await Promise.all([bulk, question]);
    expect(done).toEqual(["question", "passages"]);
  });

  it("reports a model that cannot be loaded, to every call, without trying for ever", async () => {
    const broken = (await spec()) as Extract<EngineSpec, { kind: "onnx" }>;
    writeFileSync(broken.model.weights, "no model");
    const pool = new Pool({ ...broken, sha256: await fileSha256(broken.model.weights) }, 2);
    pools.push(pool);
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(pool.embed(texts(9), passages)).rejects.toThrow(
        expect.objectContaining({ code: "CORRUPT", message: expect.stringContaining(broken.model.weights) }),
      );
    }
  });

  it("fails what is under way when it is closed, and everything after", async () => {
    const pool = await open(1);
    const running = pool.embed(texts(9), passages);
    const pids = pool.pids;
    await pool.close();
    await expect(running).rejects.toThrow(expect.objectContaining({ code: "CLOSED" }));
    await expect(pool.embed(["dog"], passages)).rejects.toThrow(expect.objectContaining({ code: "CLOSED" }));
    await until(() => !pids.some(alive));
  });

  it("is shared by all that run the same model, until the last one lets go", async () => {
    const model = await spec();
    const [a, b] = [sharedPool(model, 1), sharedPool(structuredClone(model), 1)];
    expect(a.pool).toBe(b.pool);
    expect(sharedPool(model, 2).pool).not.toBe(a.pool);
    await a.release();
    expect(await b.pool.embed(["dog"], passages)).toHaveLength(1);
    await b.release();
    await expect(b.pool.embed(["dog"], passages)).rejects.toThrow(expect.objectContaining({ code: "CLOSED" }));
  });
});

/** Runs a script on the compiled library until it ends by itself. */
async function script(folder: string, body: string) {
  const library = path.resolve("dist/src/embed/onnx.js");
  const code = `const { onnxEmbedder } = await import(${JSON.stringify(library)});
    const embedder = await onnxEmbedder({ folder: ${JSON.stringify(folder)}, workers: 2 });
    ${body}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  const status = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, status, out: () => out };
}

describe("a script that uses the pool", () => {
  it("ends by itself although it forgets to close, and leaves no process behind", async () => {
    const { status, out } = await script(
      await tinyModel(),
      "await embedder.embedDocuments(['dog', 'cat']); console.log(JSON.stringify(await embedder.pids()));",
    );
    expect(await status).toBe(0);
    const pids = JSON.parse(out()) as number[];
    expect(pids.length).toBeGreaterThan(0);
    await until(() => !pids.some(alive));
  });

  it.runIf(process.platform === "linux")(
    "takes a process that was started ahead, and one that is not taken ends with its program",
    async () => {
      const { status, out } = await script(
        await tinyModel(),
        `const { startAhead } = await import(${JSON.stringify(path.resolve("dist/src/embed/forked_model.js"))});
       const { readFileSync } = await import("node:fs");
       const children = () => readFileSync("/proc/self/task/" + process.pid + "/children", "utf8").trim().split(" ");
       startAhead();
       startAhead();
       const [first, ...others] = children();
       await embedder.embedDocuments(["dog"]);
       const isTaken = (await embedder.pids()).includes(Number(first));
       startAhead();
       console.log(JSON.stringify({ others: others.length, isTaken, last: Number(children().at(-1)) }));`,
      );
      expect(await status).toBe(0);
      const { others, isTaken, last } = JSON.parse(out()) as { others: number; isTaken: boolean; last: number };
      expect([others, isTaken]).toEqual([0, true]);
      await until(() => !alive(last));
    },
  );

  it("is kept alive by work under way alone", async () => {
    const { status, out } = await script(
      await tinyModel(),
      "embedder.embedDocuments(['dog', 'cat', 'red']).then((v) => console.log(v.length));",
    );
    expect(await status).toBe(0);
    expect(out().trim()).toBe("3");
  });

  it.each(["SIGKILL", "SIGTERM"] as const)("takes its processes with it when it is ended by %s", async (signal) => {
    const { child, status, out } = await script(
      await tinyModel(),
      "await embedder.embedDocuments(['dog']); console.log(JSON.stringify(await embedder.pids())); setInterval(() => {}, 1000);",
    );
    await until(() => out().includes("]"));
    const pids = JSON.parse(out()) as number[];
    child.kill(signal);
    await status;
    await until(() => !pids.some(alive));
  });
});
