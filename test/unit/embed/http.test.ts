import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { embedPassages, embedQuestion } from "../../../src/embed/guard.js";
import { httpEmbedder } from "../../../src/embed/http.js";

interface Asked {
  model: string;
  input: string[];
  dimensions?: number;
}
type Answer = (response: ServerResponse, asked: Asked, request: IncomingMessage, call: number) => void;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server that answers each call by `answer`, and what it was asked. */
async function serve(answer: Answer) {
  const asked: (Asked & { path: string; authorization: string | undefined })[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => {
      body += piece;
    });
    request.on("end", () => {
      const parsed = JSON.parse(body) as Asked;
      asked.push({ ...parsed, path: request.url!, authorization: request.headers.authorization });
      answer(response, parsed, request, asked.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked };
}

const json = (response: ServerResponse, content: unknown, status = 200, headers = {}) =>
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(content));

/** A text of letters and its vector: how many characters, and the code of the first. */
const vectorOf = (text: string): number[] => [text.length, text.charCodeAt(0) / 128];
const vectors = (asked: Asked) =>
  asked.input.map((text, index) => ({ object: "embedding", index, embedding: vectorOf(text) }));
const right: Answer = (response, asked) => json(response, { object: "list", data: vectors(asked) });
const f32 = (texts: string[]) => texts.map((text) => Float32Array.from(vectorOf(text)));

describe("httpEmbedder", () => {
  it("asks as the protocol wants, in batches, and tells dims after the first answer", async () => {
    const { url, asked } = await serve(right);
    const embedder = httpEmbedder({ url: `${url}/`, model: "m", apiKey: "secret", batch: 2, queryPrefix: "q: " });
    expect(embedder.dims).toBeUndefined();
    const texts = ["a", "bb", "ccc", "dddd", "eeeee"];
    expect(await embedPassages(embedder, texts)).toEqual(f32(texts));
    expect(await embedQuestion(embedder, "why")).toEqual(f32(["q: why"])[0]);
    expect(embedder.dims).toBe(2);
    expect(asked).toHaveLength(4);
    expect(asked[0]).toEqual({
      model: "m",
      input: ["a", "bb"],
      path: "/v1/embeddings",
      authorization: "Bearer secret",
    });
  });

  it("splits a long list by itself when it is called directly", async () => {
    const { url, asked } = await serve(right);
    const texts = Array.from({ length: 9 }, (_, i) => "x".repeat(i + 1));
    expect(await httpEmbedder({ url, model: "m", batch: 4 }).embedDocuments(texts)).toEqual(f32(texts));
    expect(asked.map(({ input }) => input.length).sort()).toEqual([1, 4, 4]);
  });

  it("sorts by index and reads base64", async () => {
    const { url } = await serve((response, asked) => json(response, { data: vectors(asked).reverse() }));
    expect(await embedPassages(httpEmbedder({ url, model: "m" }), ["a", "bb"])).toEqual(f32(["a", "bb"]));
    const packed = await serve((response, asked) => {
      const base64 = (text: string) => Buffer.from(Float32Array.from(vectorOf(text)).buffer).toString("base64");
      json(response, { data: asked.input.map((text, index) => ({ index, embedding: base64(text) })) });
    });
    expect(await embedPassages(httpEmbedder({ url: packed.url, model: "m" }), ["a", "bb"])).toEqual(f32(["a", "bb"]));
  });

  it("tries again after 429 and 503, when the server says", async () => {
    const { url, asked } = await serve((response, question, request, call) => {
      if (call === 1) json(response, {}, 429, { "retry-after": "0.01" });
      else if (call === 2) json(response, {}, 503, { "retry-after": new Date().toUTCString() });
      else right(response, question, request, call);
    });
    expect(await embedPassages(httpEmbedder({ url, model: "m" }), ["a"])).toEqual(f32(["a"]));
    expect(asked).toHaveLength(3);
  });

  it("tries again after a lost connection", async () => {
    const { url, asked } = await serve((response, question, request, call) => {
      if (call === 1) request.socket.destroy();
      else right(response, question, request, call);
    });
    expect(await embedPassages(httpEmbedder({ url, model: "m" }), ["a"])).toEqual(f32(["a"]));
    expect(asked).toHaveLength(2);
  });

  it("gives up after as many attempts as it may make, in the server's words but without the key", async () => {
    const { url, asked } = await serve((response) =>
      json(response, { error: { message: "the key sk-1 has no quota." } }, 500, { "retry-after": "0" }),
    );
    await expect(
      embedPassages(httpEmbedder({ url, model: "m", apiKey: "sk-1", retries: 1 }), ["a"]),
    ).rejects.toMatchObject({
      code: "EMBEDDER_FAILED",
      message: `The server ${url}/embeddings answered 500: the key *** has no quota.`,
    });
    expect(asked).toHaveLength(2);
  });

  it("does not try again after another refusal, or if it should wait for an hour", async () => {
    const refused = await serve((response) => json(response, { error: "no such model" }, 404));
    await expect(embedPassages(httpEmbedder({ url: refused.url, model: "m" }), ["a"])).rejects.toThrow(
      /404: no such model\.$/,
    );
    expect(refused.asked).toHaveLength(1);
    const later = await serve((response) => json(response, {}, 429, { "retry-after": "3600" }));
    await expect(embedPassages(httpEmbedder({ url: later.url, model: "m" }), ["a"])).rejects.toThrow(/answered 429/);
    expect(later.asked).toHaveLength(1);
  });

  it("stops waiting for the next attempt when its signal fires", async () => {
    const stop = new AbortController();
    const { url } = await serve((response) => {
      json(response, {}, 429, { "retry-after": "30" });
      setTimeout(() => stop.abort(), 20);
    });
    const running = embedPassages(httpEmbedder({ url, model: "m" }), ["a"], { signal: stop.signal });
    await expect(running).rejects.toThrow(expect.objectContaining({ code: "ABORTED" }));
  });

  it("does not follow redirects", async () => {
    const elsewhere = await serve(right);
    const { url } = await serve((response) => {
      response.writeHead(307, { location: `${elsewhere.url}/embeddings` }).end();
    });
    await expect(embedPassages(httpEmbedder({ url, model: "m" }), ["a"])).rejects.toThrow(
      /307, a redirect, which is not followed/,
    );
    expect(elsewhere.asked).toHaveLength(0);
  });

  it("ends a request that hangs when its signal fires or time is up", async () => {
    let ended = 0;
    const { url } = await serve((_, __, request) => {
      request.socket.on("close", () => ended++);
    });
    const embedder = httpEmbedder({ url, model: "m" });
    await expect(embedPassages(embedder, ["a"], { timeoutMs: 50 })).rejects.toThrow(
      expect.objectContaining({ code: "EMBEDDER_TIMEOUT" }),
    );
    await expect(embedder.embedQuery("a", { signal: AbortSignal.timeout(50) })).rejects.toThrow(
      expect.objectContaining({ code: "ABORTED" }),
    );
    await expect.poll(() => ended).toBe(2);
  });

  it("reads no more than a bounded answer", async () => {
    const { url } = await serve((response) => {
      const piece = Buffer.alloc(1 << 20, 32);
      const more = () => {
        while (!response.destroyed && response.write(piece));
        if (!response.destroyed) response.once("drain", more);
      };
      response.writeHead(200);
      more();
    });
    await expect(embedPassages(httpEmbedder({ url, model: "m" }), ["a"])).rejects.toThrow(
      expect.objectContaining({
        code: "EMBEDDER_OUTPUT",
        message: expect.stringContaining("more than 134217728 bytes"),
      }),
    );
  });

  const nonsense: [string, unknown, RegExp][] = [
    ["too few vectors", { data: [{ index: 0, embedding: [1, 2] }] }, /1 vectors for 2 texts/],
    [
      "an index twice",
      {
        data: [
          { index: 1, embedding: [1, 2] },
          { index: 1, embedding: [1, 2] },
        ],
      },
      /the index 1 twice/,
    ],
    [
      "an index out of range",
      {
        data: [
          { index: 7, embedding: [1] },
          { index: 0, embedding: [1] },
        ],
      },
      /the index 7/,
    ],
    ["no data", { result: [] }, /without the array "data"/],
    ["null", null, /without the array "data"/],
    ["vectors of two lengths", { data: [{ embedding: [1, 2] }, { embedding: [1] }] }, /1 dims for "bb"/],
    ["nothing where a vector belongs", { data: [{ index: 0 }, { index: 1 }] }, /undefined instead of a vector for "a"/],
    ["base64 of nothing", { data: [{ embedding: "" }, { embedding: "" }] }, /0 dims/],
  ];
  it.each(nonsense)("refuses %s", async (_, body, message) => {
    const { url } = await serve((response) => json(response, body));
    await expect(embedPassages(httpEmbedder({ url, model: "m" }), ["a", "bb"])).rejects.toThrow(
      expect.objectContaining({ code: "EMBEDDER_OUTPUT", message: expect.stringMatching(message) }),
    );
  });

  it("refuses text that is not JSON, and says when nobody is there", async () => {
    const { url } = await serve((response) => response.end("<html>"));
    await expect(embedPassages(httpEmbedder({ url, model: "m" }), ["a"])).rejects.toThrow(/not JSON/);
    const nobody = httpEmbedder({ url: "http://127.0.0.1:1/v1", model: "m" });
    await expect(embedPassages(nobody, ["a"])).rejects.toMatchObject({
      code: "EMBEDDER_FAILED",
      message: expect.stringMatching(/^The server http:\/\/127\.0\.0\.1:1\/v1\/embeddings cannot be reached: /),
    });
  });

  it("asks for shortened vectors and holds the server to it", async () => {
    const { url, asked } = await serve(right);
    expect(httpEmbedder({ url, model: "m", dimensions: 2 }).dims).toBe(2);
    await embedPassages(httpEmbedder({ url, model: "m", dimensions: 2 }), ["a"]);
    expect(asked[0]!.dimensions).toBe(2);
    await expect(embedPassages(httpEmbedder({ url, model: "m", dimensions: 3 }), ["a"])).rejects.toThrow(
      /3 are expected/,
    );
  });

  it("keeps secrets out of what is stored", () => {
    const embedder = httpEmbedder({
      url: "http://h/v1",
      model: "m",
      apiKey: "sk-secret",
      headers: { "x-key": "sk-other" },
    });
    expect(JSON.stringify([embedder.source, embedder.id, embedder])).not.toMatch(/sk-/);
    expect(embedder.source).toMatchObject({ kind: "http", url: "http://h/v1", model: "m" });
    expect(httpEmbedder({ url: "http://h/v1?key=sk-1", model: "m" }).source).toBeUndefined();
    expect(() => httpEmbedder({ url: "http://user:pass@h/v1", model: "m" })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", message: expect.not.stringContaining("pass@") }),
    );
    for (const nothing of [undefined, null]) {
      expect(() => httpEmbedder(nothing as never)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    }
  });

  it("takes the key from the environment", async () => {
    process.env["EMBEDLESS_API_KEY"] = "from-env";
    try {
      const { url, asked } = await serve(right);
      await embedPassages(httpEmbedder({ url, model: "m" }), ["a"]);
      expect(asked[0]!.authorization).toBe("Bearer from-env");
    } finally {
      delete process.env["EMBEDLESS_API_KEY"];
    }
  });

  it("has an id of model and settings, not of the address", () => {
    const id = (options: object) => httpEmbedder({ url: "http://h/v1", model: "m", ...options }).id;
    expect(id({ url: "http://other:1/v1" })).toBe(id({}));
    expect(
      new Set([id({}), id({ model: "n" }), id({ dimensions: 8 }), id({ queryPrefix: "q" }), id({ passagePrefix: "q" })])
        .size,
    ).toBe(5);
  });

  it.each([{ url: "ftp://h" }, { url: "h" }, { batch: 0 }, { retries: 11 }, { concurrency: 65 }, { dimensions: 0 }])(
    "refuses %o",
    (wrong) => {
      expect(() => httpEmbedder({ url: "http://h", model: "m", ...wrong })).toThrow(RangeError);
    },
  );
});
