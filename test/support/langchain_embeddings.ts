import { Embeddings } from "@langchain/core/embeddings";
import { fakeEmbedder } from "./fake_embedder.js";

/** Foreign LangChain embeddings for tests: deterministic, texts that share words are close. Counts its calls. */
export class WordEmbeddings extends Embeddings {
  /** As OpenAI's class and others name it; part of the id that the store remembers. */
  model: string;
  readonly fake;

  constructor(model = "words-1", seed = 1) {
    super({});
    this.model = model;
    this.fake = fakeEmbedder({ seed, dims: 256, noise: 0.05 });
  }

  async embedDocuments(texts: string[]): Promise<number[][]> {
    return (await this.fake.embedDocuments(texts)).map((vector) => Array.from(vector));
  }

  async embedQuery(text: string): Promise<number[]> {
    return Array.from(await this.fake.embedQuery(text));
  }
}
