import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import type { VectorStore } from "@langchain/core/vectorstores";
import { afterEach, beforeEach, describe } from "vitest";
import { WordEmbeddings } from "../support/langchain_embeddings.js";
import { filtering } from "./suite/filtering.js";
import { keeping } from "./suite/keeping.js";
import { searching } from "./suite/searching.js";
import { sharing } from "./suite/sharing.js";
import type { Bench, Subject } from "./suite/subject.js";
import { writing } from "./suite/writing.js";

/** All parts of the contract. The groups of tests in them are the rows of the comparison. */
const PARTS = [writing, searching, filtering, keeping, sharing];

/**
 * What a LangChain vector store must do, whoever made it: the behaviour that retrievers, memories and indexing rely on.
 *
 * @param parts Which parts of it to test. Default: all.
 */
export function vectorStoreContract<Store extends VectorStore>(own: Subject<Store>, parts = PARTS): void {
  const subject = own as unknown as Subject;
  describe(subject.name, () => {
    let bench: Bench;
    let opened: VectorStore[];
    let folders: string[];

    const newFolder = async () => {
      const folder = await mkdtemp(join(tmpdir(), "embedless-contract-"));
      folders.push(folder);
      return folder;
    };
    const closedLater = (store: VectorStore) => {
      opened.push(store);
      return store;
    };
    const another = async (embeddings: EmbeddingsInterface) =>
      closedLater(await subject.make(embeddings, await newFolder()));

    beforeEach(async () => {
      [opened, folders] = [[], []];
      const embeddings = new WordEmbeddings();
      const folder = await newFolder();
      const store = closedLater(await subject.make(embeddings, folder));
      const reopen = async () => {
        if (!subject.open) throw new Error(`${subject.name} keeps nothing`);
        await subject.keep?.(bench.store, folder);
        opened.splice(opened.indexOf(bench.store), 1);
        await subject.close?.(bench.store);
        bench.store = closedLater(await subject.open(embeddings, folder));
      };
      bench = { subject, embeddings, folder, store, another, reopen };
    });
    afterEach(async () => {
      for (const store of opened.reverse()) await subject.close?.(store);
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
    });

    for (const part of parts) part(() => bench);
  });
}
