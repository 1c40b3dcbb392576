import { BaseEmbedding, extractSingleText, type MessageContentDetail } from "llamaindex";
import { fakeEmbedder } from "./fake_embedder.js";

/** A foreign LlamaIndex embedding for tests: deterministic, texts that share words are close. Counts its calls. */
export class WordEmbedding extends BaseEmbedding {
  /** As OpenAI's class and others name it; part of the id that the store remembers. */
  model: string;
  readonly fake;

  constructor(model = "words-1", seed = 1) {
    super();
    this.model = model;
    this.fake = fakeEmbedder({ seed, dims: 256, noise: 0.05 });
  }

  override async getTextEmbedding(text: string): Promise<number[]> {
    return Array.from((await this.fake.embedDocuments([text]))[0]!);
  }

  override async getQueryEmbedding(query: MessageContentDetail): Promise<number[] | null> {
    const text = extractSingleText(query);
    return text ? Array.from(await this.fake.embedQuery(text)) : null;
  }
}
