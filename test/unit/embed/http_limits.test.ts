import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { embedPassages, embedQuestion } from "../../../src/embed/guard.js";
import { type HttpOptions, httpEmbedder } from "../../../src/embed/http.js";
import { openStore, temporaryFile } from "../../support/store.js";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Rules {
  /** Most texts a request. */
  most?: number;
  /** Most characters a text, standing for tokens. */
  longest?: number;
  tooMany?: (count: number) => [status: number, body: unknown];
  tooLong?: (length: number) => [status: number, body: unknown];
  /** Paths that are there. Default: that of the protocol. */
  paths?: string[];
  delayMs?: number;
}

/** A server with limits, and the counts of texts of all requests, refused ones included. */
async function limited(rules: Rules) {
  const asked: { path: string; count: number; refused: boolean }[] = [];
  let [underWay, peak] = [0, 0];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    const { input } = JSON.parse(body) as { input: string[] };
    peak = Math.max(peak, ++underWay);
    if (rules.delayMs) await new Promise((done) => setTimeout(done, rules.delayMs));
    underWay--;
    const longest = Math.max(...input.map((text) => text.length));
    let answer: [number, unknown] = [200, { data: input.map((text, index) => ({ index, embedding: vectorOf(text) })) }];
    if (!(rules.paths ?? ["/v1/embeddings"]).includes(request.url!)) answer = [404, undefined];
    else if (input.length > (rules.most ?? 4096)) {
      answer = rules.tooMany?.(input.length) ?? [422, { error: `batch size ${input.length} > ${rules.most}` }];
    } else if (longest > (rules.longest ?? 1e9)) {
      answer = rules.tooLong?.(longest) ?? [400, { error: "the input length exceeds the context length" }];
    }
    asked.push({ path: request.url!, count: input.length, refused: answer[0] !== 200 });
    response.writeHead(answer[0]).end(answer[1] === undefined ? "404 page not found" : JSON.stringify(answer[1]));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, url: `${origin}/v1`, asked, peak: () => peak };
}

/** Different for different texts: length and a sum of the characters. */
const vectorOf = (text: string): number[] => [text.length, [...text].reduce((sum, c) => sum + c.codePointAt(0)!, 1)];
const f32 = (texts: string[]) => texts.map((text) => Float32Array.from(vectorOf(text)));
const many = (count: number) => Array.from({ length: count }, (_, i) => `text ${i}`);
const open = (options: Partial<HttpOptions> & { url: string }) => httpEmbedder({ model: "m", apiKey: "", ...options });

describe("a server that takes few texts a request", () => {
  it.each([1, 2, 10, 32, 63, 64])("of %i at most gets no more, and all vectors come in order", async (most) => {
    for (const count of [most, most + 1, 64, 65, 200]) {
      const { url } = await limited({ most });
      expect(await embedPassages(open({ url }), many(count))).toEqual(f32(many(count)));
    }
  });

  it("is asked for fewer from then on, by all that ask", async () => {
    const { url, asked } = await limited({ most: 10 });
    const embedder = open({ url });
    await embedPassages(embedder, many(300));
    expect([embedder.batch, embedder.concurrency]).toEqual([10, 40]);
    expect(asked.filter(({ refused }) => refused).length).toBeLessThanOrEqual(4); // those under way at the time
    asked.length = 0;
    expect(await embedPassages(embedder, many(95))).toEqual(f32(many(95)));
    expect(asked.map(({ count }) => count).sort()).toEqual([10, 10, 10, 10, 10, 10, 10, 10, 10, 5].sort());
  });

  it("that does not say how many it takes is found out by halves", async () => {
    const { url, asked } = await limited({ most: 10, tooMany: () => [400, { error: { message: "no" } }] });
    const embedder = open({ url, concurrency: 1 });
    expect(await embedPassages(embedder, many(64))).toEqual(f32(many(64)));
    expect(asked.filter(({ refused }) => refused).map(({ count }) => count)).toEqual([64, 32, 16]);
    expect(embedder.batch).toBe(8);
  });

  it("gets no more requests at once than before", async () => {
    const { url, peak } = await limited({ most: 3, delayMs: 2 });
    await embedPassages(open({ url, concurrency: 2 }), many(200));
    expect(peak()).toBeLessThanOrEqual(2);
  });

  it("that takes nothing at all is asked a few times, not once a text", async () => {
    const { url, asked } = await limited({ most: 0, tooMany: () => [400, { error: { message: "no such model" } }] });
    await expect(embedPassages(open({ url }), many(64))).rejects.toMatchObject({
      code: "EMBEDDER_FAILED",
      message: `The server ${url}/embeddings answered 400: no such model.`,
    });
    expect(asked.map(({ count }) => count)).toEqual([64, 32, 16, 8, 4, 2, 1]);
  });

  it("cannot keep this process busy by what it says", async () => {
    const { url } = await limited({
      most: 0,
      tooMany: () => [400, { error: "max ".repeat(2e5) }],
    });
    const before = performance.now();
    await expect(embedPassages(open({ url }), many(2))).rejects.toMatchObject({ code: "EMBEDDER_FAILED" });
    expect(performance.now() - before).toBeLessThan(5_000);
  });

  it("ends with the signal in the middle of it", async () => {
    const { url } = await limited({ most: 1, delayMs: 5 });
    const stop = new AbortController();
    const running = embedPassages(open({ url }), many(500), { signal: stop.signal });
    setTimeout(() => stop.abort(), 40);
    await expect(running).rejects.toMatchObject({ code: "ABORTED" });
  });
});

describe("a text that is too long for a server", () => {
  const texts = [...many(20), "x".repeat(500), ...many(43).map((text) => `${text}!`)];

  it("is named, and nothing is changed for the others", async () => {
    const { url } = await limited({ longest: 100 });
    const embedder = open({ url });
    await expect(embedPassages(embedder, texts)).rejects.toMatchObject({
      code: "LIMIT",
      textIndex: 20,
      message: `The server ${url}/embeddings answered 400: the input length exceeds the context length: a string of 500 characters is too long; truncate: true (--truncate) embeds its beginning.`,
    });
    expect(embedder.batch).toBe(64);
    expect(await embedPassages(embedder, many(64))).toEqual(f32(many(64)));
  });

  it("has its place counted over all batches of a call", async () => {
    const { url } = await limited({ longest: 100 });
    const late = [...many(150), "y".repeat(101), ...many(10)];
    await expect(embedPassages(open({ url, batch: 7, concurrency: 1 }), late)).rejects.toMatchObject({
      textIndex: 150,
    });
  });

  it("is cut if the caller wants it, by the server's figures, and reported", async () => {
    const tooLong = (length: number): [number, unknown] => [
      413,
      { error: `\`inputs\` must have less than 100 tokens. Given: ${length}` },
    ];
    const { url, asked } = await limited({ longest: 99, tooLong });
    const cut: number[][] = [];
    const onTruncated = (index: number, tokens: number) => cut.push([index, tokens]);
    const embedder = open({ url, truncate: true, passagePrefix: "passage: " });
    const vectors = await embedPassages(embedder, texts, { onTruncated });
    expect(cut).toEqual([[20, 509]]);
    const length = vectors[20]![0]!;
    expect([length > 90, length < 100]).toEqual([true, true]);
    expect(vectors[20]).toEqual(f32([`passage: ${"x".repeat(length - 9)}`])[0]);
    expect(vectors[63]).toEqual(f32([`passage: ${texts[63]}`])[0]);
    expect([embedder.batch, asked.filter(({ refused }) => refused).length]).toEqual([64, 7]); // 64, 32, ... 1
    // The same text among others has the same vector.
    expect((await embedPassages(embedder, [texts[20]!, "a"]))[0]).toEqual(vectors[20]);
    expect((await embedQuestion(embedder, "z".repeat(300)))[0]).toBeLessThan(100);
  });

  it("is cut where the server gives no figures, and not below its prefix", async () => {
    const { url } = await limited({ longest: 40 });
    const cut: number[][] = [];
    const onTruncated = (index: number, tokens: number) => cut.push([index, tokens]);
    const embedder = open({ url, truncate: true, queryPrefix: "?".repeat(41) });
    const [vector] = await embedPassages(embedder, ["😀".repeat(60)], { onTruncated });
    expect(vector![0]).toBeGreaterThan(29);
    expect(cut).toEqual([[0, Number.NaN]]);
    await expect(embedQuestion(embedder, "why")).rejects.toMatchObject({ code: "LIMIT" });
  });

  it("is a matter of the store: items are named, cut ones counted, and search finds them again", async () => {
    const { url } = await limited({ longest: 200 });
    const items = texts.map((text, i) => ({ id: `p${i}`, text }));
    const strict = await openStore(await temporaryFile(), { embedder: open({ url }) });
    await expect(strict.add(items)).rejects.toMatchObject({
      code: "LIMIT",
      message: expect.stringMatching(/^items\[20\] with the id "p20" is refused\. The server .* is too long;/),
    });
    expect(await strict.count()).toBe(0);
    const path = await temporaryFile();
    const cutting = await openStore(path, { embedder: open({ url, truncate: true }), metric: "l2" });
    expect(await cutting.add(items)).toMatchObject({ added: 64, truncated: 1 });
    await cutting.close();
    const found = await openStore(path, {});
    expect((await found.search("x".repeat(500), { k: 1 })).hits[0]).toMatchObject({ id: "p20" });
    await expect(openStore(path, { embedder: open({ url }) })).rejects.toMatchObject({ code: "MODEL_MISMATCH" });
  });
});

it("a refusal of one text for another reason names it too", async () => {
  const { url } = await limited({ longest: 50, tooLong: () => [400, { error: { message: "blocked by policy" } }] });
  await expect(embedPassages(open({ url }), [...many(5), "q".repeat(51)])).rejects.toMatchObject({
    code: "EMBEDDER_FAILED",
    textIndex: 5,
    message: `The server ${url}/embeddings answered 400: blocked by policy, for ${JSON.stringify("q".repeat(51))}.`,
  });
});

describe("the address", () => {
  it.each(["", "/", "/v1", "/v1/", "/v1//", "/v1/embeddings", "/v1/embeddings/"])("may end with %j", async (end) => {
    const { origin, asked } = await limited({});
    expect(await embedPassages(open({ url: origin + end }), ["a"])).toEqual(f32(["a"]));
    expect(asked.map(({ path }) => path)).toEqual(["/v1/embeddings"]);
  });

  it.each([
    ["", "/embeddings", ["/v1/embeddings", "/embeddings"]],
    ["/some", "/some/v1/embeddings", ["/some/embeddings", "/some/v1/embeddings"]],
    ["/api", "/v1/embeddings", ["/api/embeddings", "/v1/embeddings"]],
    ["/api/embed", "/v1/embeddings", ["/api/embeddings", "/v1/embeddings"]],
    ["/api/embeddings/", "/api/embeddings", ["/api/embeddings"]],
    ["/openai/deployments/m", "/openai/deployments/m/embeddings", ["/openai/deployments/m/embeddings"]],
    ["/v1beta/openai/", "/v1beta/openai/embeddings", ["/v1beta/openai/embeddings"]],
    ["/embeddings", "/embeddings", ["/embeddings"]],
  ])("%j of a server at %s is found, and remembered", async (end, path, tried) => {
    const { origin, asked } = await limited({ paths: [path] });
    const embedder = open({ url: origin + end });
    await embedPassages(embedder, ["a"]);
    expect(asked.map(({ path }) => path)).toEqual(tried);
    await embedPassages(embedder, ["b"]);
    expect(asked).toHaveLength(tried.length + 1);
  });

  it("of a server with another protocol there leads to where it speaks this one", async () => {
    const server = createServer((request, response) => {
      const vectors = { data: [{ embedding: [1, 2] }] };
      response.end(JSON.stringify(request.url === "/v1/embeddings" ? vectors : { embedding: [] }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => server.close());
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await embedPassages(open({ url: `${origin}/api/embeddings` }), ["a"])).toEqual([Float32Array.of(1, 2)]);
    await expect(embedPassages(open({ url: `${origin}/v2/embeddings` }), ["a"])).rejects.toThrow(
      /v2\/embeddings answered JSON without the array "data"/,
    );
  });

  it("keeps its query", async () => {
    const { origin, asked } = await limited({ paths: ["/v1/embeddings?api-version=1"] });
    await embedPassages(open({ url: `${origin}/v1/embeddings/?api-version=1` }), ["a"]);
    expect(asked.map(({ path }) => path)).toEqual(["/v1/embeddings?api-version=1"]);
  });

  it("that leads nowhere is named in the error; a server that knows no such model has the word", async () => {
    const { origin } = await limited({ paths: ["/else"] });
    await expect(embedPassages(open({ url: origin }), ["a"])).rejects.toThrow(
      `The server ${origin}/v1/embeddings answered 404: 404 page not found.`,
    );
    const server = createServer((request, response) => {
      const words = request.url === "/v1/embeddings" ? '{"error":{"message":"model m not found"}}' : "nothing here";
      response.writeHead(404).end(words);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(embedPassages(open({ url }), ["a"])).rejects.toThrow(
      /v1\/embeddings answered 404: model m not found\.$/,
    );
  });
});
