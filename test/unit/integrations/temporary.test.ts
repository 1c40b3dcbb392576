import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { LazyStore } from "../../../integrations/lazy_store.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** The arguments of a program that makes a store without a path, prints its file and then goes on with `ending`. */
function programThat(ending: string): string[] {
  const program = `
    import { EmbedlessVectorStore } from "./dist/integrations/langchain/index.js";
    import { WordEmbeddings } from "./dist/test/support/langchain_embeddings.js";
    const store = await EmbedlessVectorStore.fromTexts(["a hen", "an owl"], {}, new WordEmbeddings());
    const { path } = await store.store();
    const { existsSync } = await import("node:fs");
    if (!existsSync(path)) throw new Error("there is no file");
    console.log(path);
    ${ending}`;
  return ["--input-type=module", "--eval", program];
}

async function fileOfProgram(ending: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, programThat(ending), { cwd: root, timeout: 25_000 });
  return stdout.trim().split("\n")[0]!;
}

/** Runs such a program until it has printed `lines`, the first its file, and sends it a signal. Resolves to how it ended. */
async function signalled(signal: NodeJS.Signals, ending = "setInterval(() => {}, 1000);", lines = 1) {
  const child = spawn(process.execPath, programThat(ending), { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  const over = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (data: string) => {
    const linesBefore = printed.split("\n").length - 1;
    printed += data;
    if (linesBefore < lines && printed.split("\n").length > lines) setTimeout(() => child.kill(signal), 50);
  });
  const [code, by] = await over;
  return { path: printed.trim().split("\n")[0]!, printed, code, by };
}

it.each([
  ["ends without close()", ""],
  ["calls process.exit()", "process.exit(0);"],
  ["closes in time", "await store.close();"],
])("a temporary file is gone when the program %s", async (_, ending) => {
  const path = await fileOfProgram(ending);
  expect(path).toMatch(/embedless\.db$/);
  expect(existsSync(dirname(path))).toBe(false);
});

it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "is gone after %s, which ends the program as ever",
  async (signal) => {
    const { path, code, by } = await signalled(signal);
    expect([code, by]).toEqual([null, signal]);
    expect(existsSync(dirname(path))).toBe(false);
  },
);

it("is gone of every copy of the adapter in a program, the imported one and the required one", async () => {
  const { printed, by } = await signalled(
    "SIGTERM",
    `const { createRequire } = await import("node:module");
    const { EmbedlessVectorStore: Required } = createRequire(${JSON.stringify(join(root, "package.json"))})("embedless/langchain");
    const other = await Required.fromTexts(["a hen"], {}, new WordEmbeddings());
    console.log((await other.store()).path);
    setInterval(() => {}, 1000);`,
    2,
  );
  const files = printed.trim().split("\n");
  expect([by, files.length]).toEqual(["SIGTERM", 2]);
  expect(files.map((file) => existsSync(dirname(file)))).toEqual([false, false]);
});

it("stays for a program that hears the signal itself, until that ends", async () => {
  const { path, code, printed } = await signalled(
    "SIGTERM",
    `process.once("SIGTERM", async () => {
      const found = await store.similaritySearch("hen", 1);
      console.log(found[0].pageContent);
      process.exit(3);
    });
    setInterval(() => {}, 1000);`,
  );
  expect([code, printed.split("\n")[1]]).toEqual([3, "a hen"]);
  expect(existsSync(dirname(path))).toBe(false);
});

it("does not keep a program alive that counts who else listens, as signal-exit does", async () => {
  const { path, by } = await signalled(
    "SIGINT",
    `process.on("SIGINT", function mine() {
      if (process.listeners("SIGINT").length !== 1) return;
      process.off("SIGINT", mine);
      process.kill(process.pid, "SIGINT");
    });
    setInterval(() => {}, 1000);`,
  );
  expect(by).toBe("SIGINT");
  // Nobody told this store; the next program that makes one removes it.
  await fileOfProgram("");
  expect(existsSync(dirname(path))).toBe(false);
});

it("of a killed program is removed by the next, and nothing else is", async () => {
  const { path } = await signalled("SIGKILL");
  expect(existsSync(path)).toBe(true);
  const [, , space] = basename(dirname(path)).split("-");
  // Of a process that runs, of another machine or container, and of somebody else's naming.
  const others = [`embedless-${process.pid}-${space}-abcdef`, "embedless-1-00000000-abcdef", "embedless-notes"];
  const folders = others.map((name) => join(tmpdir(), name));
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  for (const folder of folders) writeFileSync(join(folder, "embedless.db"), "");
  await fileOfProgram("");
  expect(existsSync(dirname(path))).toBe(false);
  expect(folders.map((folder) => existsSync(folder))).toEqual([true, true, true]);
  for (const folder of folders) rmSync(folder, { recursive: true });
});

it.each(["SIGINT", "SIGTERM"] as const)(
  "leaves no listener of %s behind when all stores are closed",
  async (signal) => {
    const { makeTemporaryFile, removeTemporaryFile } = await import("../../../integrations/temporary.js");
    const before = process.listenerCount(signal);
    const files = [makeTemporaryFile(), makeTemporaryFile()];
    expect(process.listenerCount(signal)).toBe(before + 1);
    for (const file of files) removeTemporaryFile(file);
    expect(process.listenerCount(signal)).toBe(before);
    expect(files.map((file) => existsSync(dirname(file)))).toEqual([false, false]);
  },
);

it("is what :memory: stands for", async () => {
  const store = new LazyStore("LangChain", { path: ":memory:" }, () => fakeEmbedder());
  const { path } = await store.open();
  expect(path).toContain(tmpdir());
  await store.close();
  expect(existsSync(dirname(path))).toBe(false);
  expect(existsSync(":memory:")).toBe(false);
});
