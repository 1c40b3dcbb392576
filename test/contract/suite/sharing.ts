import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Document } from "@langchain/core/documents";
import { describe, expect, it } from "vitest";
import { type Bench, hen, llama, shark, textsIn } from "./subject.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Two processes that have the same store open; the second one runs the compiled code. */
export function sharing(bench: () => Bench): void {
  describe("two processes", () => {
    /** Opens the folder in a second process, adds `texts` one by one, and gives the texts of all that it then finds. */
    async function elsewhere(...texts: string[]): Promise<string[]> {
      const { subject, store, folder } = bench();
      if (!subject.open) throw new Error(`${subject.name} keeps nothing`);
      await subject.keep?.(store, folder);
      const args = ["dist/test/contract/second_process.js", subject.name, folder, ...texts];
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 25_000 });
      return JSON.parse(stdout.slice(stdout.lastIndexOf("\n["))) as string[];
    }

    it("a second one reads what the first wrote and has open", async () => {
      await bench().store.addDocuments([llama, hen]);
      expect(await elsewhere()).toEqual([hen.pageContent, llama.pageContent]);
    });

    it("the first sees what the second wrote", async () => {
      await bench().store.addDocuments([hen]);
      expect(await elsewhere("owls hunt mice")).toEqual([hen.pageContent, "owls hunt mice"]);
      expect(await textsIn(bench().store)).toEqual([hen.pageContent, "owls hunt mice"]);
    });

    it("both write in turns", async () => {
      await bench().store.addDocuments([hen]);
      await elsewhere("owls hunt mice");
      await bench().store.addDocuments([shark]);
      expect(await elsewhere()).toEqual([hen.pageContent, "owls hunt mice", shark.pageContent]);
      await bench().reopen();
      expect(await textsIn(bench().store)).toHaveLength(3);
    });

    it("both write at the same time", async () => {
      const { store } = bench();
      await store.addDocuments([hen]);
      const texts = Array.from({ length: 10 }, (_, i) => `owl ${i} hunts`);
      const second = elsewhere(...texts);
      for (let i = 0; i < 10; i++) await store.addDocuments([new Document({ pageContent: `llama ${i} climbs` })]);
      await second;
      await store.addDocuments([shark]);
      await bench().reopen();
      expect(await textsIn(bench().store)).toHaveLength(22);
    });
  });
}
