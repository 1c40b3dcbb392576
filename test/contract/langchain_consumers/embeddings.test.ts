import { CacheBackedEmbeddings } from "@langchain/classic/embeddings/cache_backed";
import { Embeddings } from "@langchain/core/embeddings";
import { InMemoryStore } from "@langchain/core/stores";
import { describe, expect, it } from "vitest";
import { EmbedlessVectorStore, MiniLMEmbeddings, toEmbedder } from "../../../integrations/langchain/index.js";
import { WordEmbeddings } from "../../support/langchain_embeddings.js";
import { animals, embedlessStore, idsOf, reopened } from "../../support/langchain_stores.js";

/** Marks each text with what it is, as the e5 models want it. One that was asked a question never forgets it. */
class ForgetfulEmbeddings extends Embeddings {
  model = "e5";
  /** What the texts of each call of the model were marked with. */
  readonly seen: string[] = [];
  readonly words = new WordEmbeddings();

  constructor() {
    super({});
  }

  get mark(): string {
    return this.asked ? "query" : "passage";
  }

  protected asked = false;

  async embedDocuments(texts: string[]): Promise<number[][]> {
    this.seen.push(this.mark);
    return this.words.embedDocuments(texts.map((text) => `${this.mark} ${text}`));
  }

  async embedQuery(text: string): Promise<number[]> {
    this.asked = true;
    return (await this.embedDocuments([text]))[0]!;
  }
}

/** As `PineconeEmbeddings` (@langchain/pinecone 1.0.3) keeps what a text is. */
class InputTypeEmbeddings extends ForgetfulEmbeddings {
  params: { inputType: string; truncate: string } = { inputType: "passage", truncate: "END" };

  override get mark(): string {
    return this.params.inputType;
  }

  override async embedQuery(text: string): Promise<number[]> {
    this.params.inputType = "query";
    return (await this.embedDocuments([text]))[0]!;
  }
}

describe("embeddings that remember that they were asked a question", () => {
  it("as PineconeEmbeddings do: passages stay passages, and the file opens again", async () => {
    const embeddings = new InputTypeEmbeddings();
    const store = await embedlessStore(embeddings);
    await store.addDocuments(animals());
    embeddings.seen.length = 0;
    const found = await store.similaritySearchWithScore("hens lay one egg a day", 3);
    expect(found[0]![0].id).toBe("hen");
    expect(embeddings.seen).toEqual(expect.arrayContaining(["query", "passage"]));
    expect(embeddings.params).toEqual({ inputType: "passage", truncate: "END" });

    const words = new WordEmbeddings();
    const [question] = await words.embedDocuments(["query hens lay one egg a day"]);
    const passages = await words.embedDocuments(found.map(([{ pageContent }]) => `passage ${pageContent}`));
    for (const [i, [, score]] of found.entries()) {
      expect(score).toBeCloseTo(
        question!.reduce((sum, x, d) => sum + x * passages[i]![d]!, 0),
        6,
      );
    }
    // The question is embedded first, and then what proves that the model is the same.
    const again = await reopened(store, new InputTypeEmbeddings());
    expect(await again.similaritySearchWithScore("hens lay one egg a day", 3)).toEqual(found);
    await again.addDocuments(animals().slice(0, 1), { ids: ["another llama"] });
    const llamas = await again.similaritySearchWithScore("llamas live in the high andes and carry loads", 2);
    expect(llamas.map(([, score]) => score)[0]).toBe(llamas.map(([, score]) => score)[1]);
  });

  it("in a way of their own: they are refused instead of giving wrong scores", async () => {
    const store = await embedlessStore(new ForgetfulEmbeddings());
    await store.addDocuments(animals());
    for (let round = 0; round < 2; round++) {
      const error = await store.similaritySearch(`hens lay egg ${round}`, 3).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "MODEL_MISMATCH" });
    }
    await expect(store.addDocuments(animals().slice(0, 1), { ids: ["x"] })).rejects.toMatchObject({
      code: "MODEL_MISMATCH",
    });
  });

  it("two instances, one for passages and one for questions, are as good as one that forgets", async () => {
    const [passages, questions] = [new ForgetfulEmbeddings(), new ForgetfulEmbeddings()];
    const store = await embedlessStore({
      embedDocuments: (texts) => passages.embedDocuments(texts),
      embedQuery: (text) => questions.embedQuery(text),
    });
    await store.addDocuments(animals());
    expect(idsOf(await store.similaritySearch("hens lay one egg", 1))).toEqual(["hen"]);
    expect(new Set(passages.seen)).toEqual(new Set(["passage"]));
  });
});

describe("CacheBackedEmbeddings", () => {
  const cachedBy = (cache: InMemoryStore<Uint8Array>, words = new WordEmbeddings()) =>
    CacheBackedEmbeddings.fromBytesStore(words, cache, { namespace: words.model });

  it("saves embedding passages again, in adding and in searching, and finds the same", async () => {
    const words = new WordEmbeddings();
    const store = await embedlessStore(cachedBy(new InMemoryStore(), words));
    await store.addDocuments(animals());
    const embedded = words.fake.documents;
    const found = await store.similaritySearchWithScore("hens lay one egg", 3);
    expect(words.fake.documents).toBe(embedded);
    const bare = await embedlessStore();
    await bare.addDocuments(animals());
    const expected = await bare.similaritySearchWithScore("hens lay one egg", 3);
    expect(found.map(([document]) => document)).toEqual(expected.map(([document]) => document));
    for (const [i, [, score]] of found.entries()) expect(score).toBeCloseTo(expected[i]![1], 6);
  });

  it("keeps a vector of each passage, which the store does not", async () => {
    const cache = new InMemoryStore<Uint8Array>();
    const store = await embedlessStore(cachedBy(cache));
    await store.addDocuments(animals());
    const keys: string[] = [];
    for await (const key of cache.yieldKeys()) keys.push(key);
    expect(keys.length).toBeGreaterThanOrEqual(animals().length);
  });

  it("is the same model with and without the cache: the file opens either way", async () => {
    const cache = new InMemoryStore<Uint8Array>();
    const store = await embedlessStore(cachedBy(cache));
    await store.addDocuments(animals());
    const bare = await reopened(store, new WordEmbeddings());
    expect(idsOf(await bare.similaritySearch("owls hunt mice", 1))).toEqual(["owl"]);
    const cached = await reopened(bare, cachedBy(new InMemoryStore()));
    expect(idsOf(await cached.similaritySearch("owls hunt mice", 1))).toEqual(["owl"]);
    expect(toEmbedder(cachedBy(cache)).id).toBe("WordEmbeddings:words-1");
    expect(toEmbedder(CacheBackedEmbeddings.fromBytesStore(new MiniLMEmbeddings(), cache)).id).toBe(
      toEmbedder(new MiniLMEmbeddings()).id,
    );
  });

  it("of another model is refused, whatever the cache says", async () => {
    const cache = new InMemoryStore<Uint8Array>();
    const store = await embedlessStore(cachedBy(cache));
    await store.addDocuments(animals());
    const { path } = await store.store();
    await store.close();
    const other = CacheBackedEmbeddings.fromBytesStore(new WordEmbeddings("words-2", 2), cache, {
      namespace: "words-1",
    });
    await expect(EmbedlessVectorStore.fromExistingIndex(other, path)).rejects.toMatchObject({ code: "MODEL_MISMATCH" });
  });
});
