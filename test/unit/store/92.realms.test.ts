/** Values of another realm, as programs get them in Jest, jsdom and vm contexts. */
import { setMaxListeners } from "node:events";
import { runInNewContext } from "node:vm";
import { afterEach, expect, it, vi } from "vitest";
import { cleanVector } from "../../../src/api/input.js";
import { abortController } from "../../../src/base/abort.js";
import { checkSignal } from "../../../src/base/checks.js";
import { isError } from "../../../src/base/errors.js";
import { checksum } from "../../../src/storage/integrity.js";
import { fromSqlite } from "../../../src/storage/sqlite_errors.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";

const foreign = <T>(expression: string): T => runInNewContext(expression) as T;

afterEach(() => vi.unstubAllGlobals());

it("a blob is a blob: the checksum is the same", () => {
  const bytes = foreign<Uint8Array>("Uint8Array.of(1, 2, 3)");
  expect(bytes instanceof Uint8Array).toBe(false);
  expect(checksum({ salt: 7 }, "table", 1, bytes)).toBe(checksum({ salt: 7 }, "table", 1, Uint8Array.of(1, 2, 3)));
});

it("vectors are vectors, and a DataView is none", () => {
  for (const list of ["[1, 2]", "Float32Array.of(1, 2)", "Float64Array.of(1, 2)"]) {
    expect(cleanVector(foreign(list), "vector")).toEqual(Float32Array.of(1, 2));
  }
  expect(() => cleanVector(foreign("new DataView(new ArrayBuffer(8))"), "vector")).toThrow(/non-empty array/);
});

it("errors are errors, and failures of SQLite are translated", () => {
  expect(isError(foreign("new TypeError('no')"))).toBe(true);
  expect(isError(foreign("({ message: 'no' })"))).toBe(false);
  const failure = foreign<Error>(
    "Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 10 })",
  );
  expect(fromSqlite(failure, "s.db")).toMatchObject({ name: "EmbedlessError", code: "IO" });
});

it("a signal is what can be listened to", () => {
  const signal = { aborted: false, addEventListener: () => {}, removeEventListener: () => {} };
  expect(checkSignal(signal)).toBe(signal);
  for (const none of [null, {}, { aborted: false }, "signal", new EventTarget()]) {
    expect(() => checkSignal(none)).toThrow(/Expected an AbortSignal for signal/);
  }
});

it("own signals are Node's, whatever stands in the place of the global class", async () => {
  class Other {
    readonly signal = { aborted: false };
  }
  vi.stubGlobal("AbortController", Other);
  expect(() => setMaxListeners(0, abortController().signal)).not.toThrow();
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
  await store.add(items(3));
  expect((await store.search("item 1", { k: 2 })).hits).toHaveLength(2);
  await store.close();
});
