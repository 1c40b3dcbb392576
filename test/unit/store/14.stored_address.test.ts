import { expect, it } from "vitest";
import { httpEmbedder } from "../../../src/index.js";
import { embeddingServer } from "../../support/embedding_server.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";

it("contacts an address that only the file names when the caller says so, and gives it no key", async () => {
  process.env["EMBEDLESS_API_KEY"] = "sk-of-mine";
  const keys: (string | undefined)[] = [];
  const server = await embeddingServer({ before: (headers) => void keys.push(headers.authorization) });
  try {
    const file = await temporaryFile();
    const url = server.url.replace("127.0.0.1", "0.0.0.0"); // the same server, but no address of this machine alone
    const made = await openStore(file, { embedder: httpEmbedder({ url, model: "m" }), keywords: true });
    await made.add(items(20));
    expect(keys[0]).toBe("Bearer sk-of-mine");
    keys.length = 0;
    const asking = await openStore(file, {});
    for (const work of [
      () => asking.search("harbour"),
      () => asking.add([{ text: "new" }]),
      () => asking.stats({ measure: true }),
    ]) {
      await expect(work()).rejects.toThrow(expect.objectContaining({ code: "MODEL_MISMATCH" }));
    }
    await expect(asking.search("harbour")).rejects.toThrow(`"${url}"`);
    expect(await asking.count()).toBe(20);
    await asking.search("harbour", { mode: "keyword" });
    expect(keys).toEqual([]);
    const trusting = await openStore(file, { trustStoredAddress: true });
    expect((await trusting.search("harbour")).hits).toHaveLength(10);
    expect(new Set(keys)).toEqual(new Set([undefined]));
    await expect(openStore(file, { trustStoredAddress: "yes" as never })).rejects.toThrow("trustStoredAddress");
  } finally {
    delete process.env["EMBEDLESS_API_KEY"];
    await server.close();
  }
});

it("fetches nothing from a hub, or a folder of another machine, that only the file names", async () => {
  for (const source of [
    { kind: "transformers", model: "a/b", host: "http://0.0.0.0:9/" },
    { kind: "onnx", folder: "\\\\other\\share" },
  ] as const) {
    const file = await temporaryFile();
    const made = await openStore(file, { embedder: fakeEmbedder({ source }) });
    await made.add(items(3));
    const asking = await openStore(file, {});
    await expect(asking.search("harbour")).rejects.toThrow(expect.objectContaining({ code: "MODEL_MISMATCH" }));
    expect(asking.embedder).toBeUndefined();
  }
});
