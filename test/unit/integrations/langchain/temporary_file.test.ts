import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

/** Runs a program that makes a store without a path, prints its file and then `ending`. Resolves to the printed path. */
async function fileOfProgram(ending: string): Promise<string> {
  const program = `
    import { EmbedlessVectorStore } from "./dist/integrations/langchain/index.js";
    import { WordEmbeddings } from "./dist/test/support/langchain_embeddings.js";
    const store = await EmbedlessVectorStore.fromTexts(["a hen", "an owl"], {}, new WordEmbeddings());
    const { path } = await store.store();
    const { existsSync } = await import("node:fs");
    if (!existsSync(path)) throw new Error("there is no file");
    console.log(path);
    ${ending}`;
  const args = ["--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 25_000 });
  return stdout.trim();
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
