import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fakeEmbedder } from "./fake_embedder.js";

export interface EmbeddingServer {
  /** Address to give as `--url`. */
  readonly url: string;
  /** Every text that was embedded, in order. */
  readonly texts: string[];
  /** Most texts of one request that was answered. */
  readonly largestRequest: number;
  close(): Promise<void>;
}

/** A server on this machine that speaks the OpenAI protocol and answers with the fake embedder's vectors. */
export async function embeddingServer(
  options: {
    delayMs?: number;
    dims?: number;
    /** See `FakeEmbedderOptions`. */
    batchNoise?: number;
    /** Awaited before each answer; `headers` are those of the request. */
    before?: (headers: IncomingHttpHeaders) => Promise<void> | void;
    /** Characters of the longest text that is embedded. */
    longest?: number;
    /** Answered in place of vectors, with status 400. */
    refusal?: string;
  } = {},
): Promise<EmbeddingServer> {
  const embedder = fakeEmbedder({ dims: options.dims ?? 64, batchNoise: options.batchNoise ?? 0 });
  const server = createServer(async (request, response) => {
    const { input } = JSON.parse(await bodyOf(request)) as { input: string[] };
    if (options.delayMs) await sleep(options.delayMs);
    await options.before?.(request.headers);
    if (options.refusal !== undefined) {
      response.writeHead(400).end(JSON.stringify({ error: { message: options.refusal } }));
      return;
    }
    if (input.some((text) => text.length > (options.longest ?? 1e9))) {
      response.writeHead(400).end(JSON.stringify({ error: "the input length exceeds the context length" }));
      return;
    }
    const vectors = await embedder.embedDocuments(input);
    const data = vectors.map((vector, index) => ({ index, embedding: Array.from(vector) }));
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ data }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    texts: embedder.texts,
    get largestRequest() {
      return embedder.largestCall;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}
