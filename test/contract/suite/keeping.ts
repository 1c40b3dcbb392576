import { Document } from "@langchain/core/documents";
import { index, type RecordManager } from "@langchain/core/indexing";
import { beforeEach, describe, expect, it } from "vitest";
import { InMemoryRecordManager } from "../../../integrations/langchain/index.js";
import { ALL, type Bench, hen, llama, shark, textsIn } from "./subject.js";

/** What outlives a call: LangChain's indexing, and files. */
export function keeping(bench: () => Bench): void {
  describe("index() with cleanup", () => {
    type Options = NonNullable<Parameters<typeof index>[0]["options"]>;
    let recordManager: RecordManager;
    beforeEach(() => {
      recordManager = bench().subject.recordManager?.(bench().store) ?? new InMemoryRecordManager();
    });
    const run = (options: Options, ...texts: string[]) => {
      const documents = texts.map(
        (text) => new Document({ pageContent: text, metadata: { source: text.slice(0, 3) } }),
      );
      return index({ docsSource: documents, recordManager, vectorStore: bench().store, options });
    };

    it("full: what is gone is deleted, what is new is there", async () => {
      expect(await run({ cleanup: "full" }, "hens lay eggs", "owls hunt")).toMatchObject({
        numAdded: 2,
        numDeleted: 0,
      });
      expect(await textsIn(bench().store)).toEqual(["hens lay eggs", "owls hunt"]);
      const second = await run({ cleanup: "full" }, "hens lay eggs", "llamas climb");
      expect(second).toMatchObject({ numAdded: 1, numSkipped: 1, numDeleted: 1 });
      expect(await textsIn(bench().store)).toEqual(["hens lay eggs", "llamas climb"]);
    });

    it("incremental: old versions of the sources that were seen are deleted", async () => {
      const options: Options = { cleanup: "incremental", sourceIdKey: "source" };
      await run(options, "hens lay eggs", "owls hunt");
      await run(options, "hens lay no eggs");
      expect(await textsIn(bench().store)).toEqual(["hens lay no eggs", "owls hunt"]);
    });

    it("forced: what is there already is not there twice", async () => {
      await run({}, "hens lay eggs", "owls hunt");
      await run({ forceUpdate: true }, "hens lay eggs", "owls hunt");
      expect(await textsIn(bench().store)).toEqual(["hens lay eggs", "owls hunt"]);
    });
  });

  describe("persistence", () => {
    it("everything is there when it is opened again, with the same scores", async () => {
      await bench().store.addDocuments([llama, hen, shark]);
      const before = await bench().store.similaritySearchWithScore("hens and sharks", ALL);
      expect(before).toHaveLength(3);
      await bench().reopen();
      expect(await bench().store.similaritySearchWithScore("hens and sharks", ALL)).toEqual(before);
    });

    it("an empty store opens again and takes documents", async () => {
      await bench().reopen();
      await bench().store.addDocuments([hen]);
      expect(await textsIn(bench().store)).toEqual([hen.pageContent]);
    });

    it("documents are added to what is there", async () => {
      await bench().store.addDocuments([llama, hen]);
      await bench().reopen();
      await bench().store.addDocuments([shark]);
      await bench().reopen();
      expect(await textsIn(bench().store)).toEqual([hen, llama, shark].map(({ pageContent }) => pageContent));
    });

    it("ids still stand for their documents", async () => {
      await bench().store.addDocuments([llama, hen], { ids: ["a", "b"] });
      await bench().reopen();
      await bench().store.addDocuments([shark], { ids: ["a"] });
      await bench().store.delete({ ids: ["b"] });
      await bench().reopen();
      expect(await textsIn(bench().store)).toEqual([shark.pageContent]);
    });
  });
}
