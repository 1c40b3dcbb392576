import { afterEach, expect, it, vi } from "vitest";
import { needsExactBytes } from "../../../src/embed/forked_model.js";
import { sessionOptions } from "../../../src/embed/onnx_engine.js";
import { native } from "../../../src/native/native.js";

afterEach(() => vi.unstubAllEnvs());

it("is asked for where the processor does not have exact products, and nowhere else", () => {
  expect(needsExactBytes()).toBe(process.arch === "x64" && !native().hasByteProducts());
});

it.each([
  ["1", true],
  ["0", false],
])("EMBEDLESS_EXACT_BYTES=%s overrules that", (value, exact) => {
  vi.stubEnv("EMBEDLESS_EXACT_BYTES", value);
  expect(needsExactBytes()).toBe(exact);
  const extra = sessionOptions(needsExactBytes()).extra as { session: Record<string, unknown> };
  expect(extra.session["x64quantprecision"]).toBe(value);
});

it("any other value is refused", () => {
  vi.stubEnv("EMBEDLESS_EXACT_BYTES", "yes");
  expect(needsExactBytes).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
});
