import { describe, expect, it } from "vitest";
import { importProblems, isGoverned } from "./import_rules.js";
import { productSources } from "./repository.js";

/** The problems of a small repository: path to text. */
const problemsOf = (files: Record<string, string>) =>
  importProblems(Object.entries(files).map(([path, text]) => ({ path, text })));

describe("the repository", () => {
  const sources = productSources();

  it("is seen by the check, both languages", () => {
    const paths = sources.map((file) => file.path).filter(isGoverned);
    expect(paths).toContain("src/index.ts");
    expect(paths).toContain("integrations/langchain/vector_store.ts");
    expect(paths.some((path) => path.startsWith("addon/kernel/"))).toBe(true);
    expect(paths.some((path) => path.startsWith("addon/binding/"))).toBe(true);
  });

  it("imports in one direction only", () => {
    expect(importProblems(sources)).toEqual([]);
  });
});

describe("planted TypeScript imports", () => {
  it.each([
    ["upward", "src/storage/a.ts", `import { x } from "../search/modes.js";`],
    ["upward, a step", "src/memory/a.ts", `import { x } from "../upkeep/b.js";`],
    ["upward, a type", "src/native/a.ts", `import type { X } from "../storage/b.js";`],
    ["upward, inline type", "src/storage/a.ts", `import { type X } from "../search/modes.js";`],
    ["upward, re-exported", "src/passage/a.ts", `export * from "../store/vector_store.js";`],
    ["upward, dynamic", "src/embed/a.ts", `const x = await import("../index.js");`],
    ["upward, required", "src/embed/a.ts", `const x = require("../index.js");`],
    ["upward, in a type", "src/embed/a.ts", `type X = import("../memory/b.js").X;`],
    ["upward, for its effect", "src/search/session.ts", `import "../store/vector_store.js";`],
    ["upward, from the lowest room", "src/base/errors.ts", `import { x } from "../native/native.js";`],
    ["upward, a type in types", "src/api/types.ts", `import type { Onnx } from "../embed/onnx.js";`],
    ["upward, within search", "src/search/session.ts", `import { x } from "./modes.js";`],
  ])("%s", (kind, path, text) => {
    const problems = problemsOf({ [path]: text });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^src\/\S+ -> src\/\S+: upward$/);
    expect(kind).toContain("upward");
  });

  it.each([
    ["embed to filter", "src/embed/a.ts", "../filter/b.js"],
    ["filter to embed", "src/filter/a.ts", "../embed/b.js"],
    ["filter to a folder in embed", "src/filter/a.ts", "../embed/minilm/b.js"],
    ["search to ingest", "src/search/modes.ts", "../ingest/b.js"],
    ["ingest to the lowest of search", "src/ingest/a.ts", "../search/recompute.js"],
    ["within search", "src/search/by_vector.ts", "./by_keywords.js"],
    ["the command line to an integration", "src/cli/a.ts", "../../integrations/langchain/index.js"],
  ])("sideways: %s", (_, path, specifier) => {
    expect(problemsOf({ [path]: `import { x } from "${specifier}";` })).toEqual([expect.stringMatching(/: sideways$/)]);
  });

  it.each([
    ["another integration", "../llamaindex/index.js"],
    ["the command line", "../../src/cli/main.js"],
    ["past the door", "../../src/store/vector_store.js"],
    ["the lowest room past the door", "../../src/base/errors.js"],
  ])("an integration reaching for %s", (_, specifier) => {
    const problems = problemsOf({ "integrations/langchain/a.ts": `import { x } from "${specifier}";` });
    expect(problems).toEqual([expect.stringMatching(/nothing but src\/index\.ts and what all/)]);
  });

  it("what integrations share reaching for one of them, or past the door", () => {
    const problems = (specifier: string) => problemsOf({ "integrations/a.ts": `import { x } from "${specifier}";` });
    expect(problems("./langchain/index.js")).toEqual([expect.stringMatching(/nothing but/)]);
    expect(problems("../src/store/vector_store.js")).toEqual([expect.stringMatching(/nothing but/)]);
  });

  it("circular, of two and of three files, each named once", () => {
    const two = { "src/embed/a.ts": `import "./b.js";`, "src/embed/b.ts": `import type { A } from "./a.js";` };
    expect(problemsOf(two)).toEqual(["src/embed/a.ts -> src/embed/b.ts -> src/embed/a.ts: circular"]);
    const three = {
      "src/memory/a.ts": `import "./b.js";`,
      "src/memory/b.ts": `export { x } from "./c.js";`,
      "src/memory/c.ts": `import "./a.js";\nimport "./d.js";`,
      "src/memory/d.ts": "",
    };
    expect(problemsOf(three)).toEqual([
      "src/memory/a.ts -> src/memory/b.ts -> src/memory/c.ts -> src/memory/a.ts: circular",
    ]);
  });

  it("itself", () => {
    expect(problemsOf({ "src/embed/a.ts": `import "./a.js";` })).toEqual([
      "src/embed/a.ts -> src/embed/a.ts: circular",
    ]);
  });

  it.each([
    ["the driver", "src/storage/blocks.ts", `import { DatabaseSync } from "@photostructure/sqlite";`],
    ["the built-in driver", "src/memory/a.ts", `import { DatabaseSync } from "node:sqlite";`],
    ["the addon", "src/memory/a.ts", `const addon = require("../../build/Release/embedless.node");`],
    ["the addon's place", "src/memory/a.ts", `const at = require.resolve("embedless/prebuilds/embedless.node");`],
    [
      "LangChain in the core",
      "src/store/vector_store.ts",
      `import type { Document } from "@langchain/core/documents";`,
    ],
    ["a model runtime", "src/memory/a.ts", `const ort = await import("onnxruntime-node");`],
    ["the option parser", "src/memory/a.ts", `import { Command } from "commander";`],
  ])("what belongs to one place: %s", (_, path, text) => {
    expect(problemsOf({ [path]: text })).toEqual([expect.stringMatching(/: not here, only in /)]);
  });

  it("out of the sources, and a file without a room", () => {
    expect(problemsOf({ "src/embed/a.ts": `import "../../test/support/fake_embedder.js";` })).toEqual([
      expect.stringMatching(/outside the product/),
    ]);
    expect(problemsOf({ "src/utils/a.ts": "" })).toEqual(["src/utils/a.ts belongs to no room"]);
  });

  it("not what is right, nor what only looks like an import", () => {
    const files = {
      "examples/a.ts": `import { VectorStore } from "../src/index.js";\nimport "../integrations/langchain/index.js";`,
      "src/cli/a.ts": `import { VectorStore } from "../index.js";\nimport { outOfRange } from "../base/errors.js";`,
      "integrations/langchain/index.ts": `export * from "./b.js";\nimport { minilm } from "../../src/index.js";`,
      "integrations/langchain/c.ts": `import { d } from "../d.js";`,
      "integrations/d.ts": `import { minilm } from "../src/index.js";`,
      "src/index.ts": `export { VectorStore } from "./store/vector_store.js";`,
      "src/store/vector_store.ts": `import { Search } from "../search/modes.js";\nimport { open } from "../storage/database.js";`,
      "src/search/modes.ts": `import { e } from "../embed/a.js";\nimport { p } from "./session.js";`,
      "src/embed/a.ts": `// import "../index.js"\nconst s = 'import "../passage/a.js"';\nawait import("onnxruntime-node");`,
      "src/api/types.ts": `import type { Embedder } from "./embedder.js";`,
      "src/storage/connection.ts": `import { DatabaseSync } from "@photostructure/sqlite";\nimport "../native/native.js";`,
      "test/unit/a.test.ts": `import "../../src/storage/database.js";`,
    };
    expect(problemsOf(files)).toEqual([]);
  });
});

describe("planted C++ includes", () => {
  it.each([
    ["base", "kernel", "upward"],
    ["kernel", "code", "upward"],
    ["kernel", "binding", "upward"],
    ["code", "graph", "upward"],
    ["graph", "index", "upward"],
    ["index", "binding", "upward"],
  ])("%s including %s is %s", (from, to, kind) => {
    const files = { [`addon/${from}/a.cc`]: `#pragma once\n  #  include "${to}/b.h"\n` };
    expect(problemsOf(files)).toEqual([`addon/${from}/a.cc -> addon/${to}/b.h: ${kind}`]);
  });

  it("upward through a relative path and through angle brackets", () => {
    expect(problemsOf({ "addon/kernel/a.h": `#include "../code/b.h"` })).toEqual([expect.stringMatching(/: upward$/)]);
    expect(problemsOf({ "addon/kernel/a.h": "#include <code/b.h>" })).toEqual([expect.stringMatching(/: upward$/)]);
  });

  it("circular headers", () => {
    const files = { "addon/code/a.h": `#include "code/b.h"`, "addon/code/b.h": `#include "a.h"` };
    expect(problemsOf(files)).toEqual(["addon/code/a.h -> addon/code/b.h -> addon/code/a.h: circular"]);
  });

  it.each(["<napi.h>", `"napi.h"`, "<node_api.h>", "<uv.h>"])("%s outside binding/", (header) => {
    expect(problemsOf({ "addon/index/a.h": `#include ${header}` })).toEqual([expect.stringMatching(/: not here/)]);
    expect(problemsOf({ "addon/binding/a.h": `#include ${header}` })).toEqual([]);
  });

  it("a folder that is no room", () => {
    expect(problemsOf({ "addon/helpers/a.h": "" })).toEqual(["addon/helpers/a.h belongs to no room"]);
  });

  it("not what is right", () => {
    const files = {
      "addon/binding/module.cc": `#include <napi.h>\n#include "index/scan.h"\n#include "base/metric.h"`,
      "addon/index/scan.cc": `#include "scan.h"\n#include <vector>\n#include "kernel/kernel.h"\n// #include "binding/a.h"`,
      "addon/graph/prune.h": `#include "code/codebook.h"`,
      "addon/code/codebook.cc": `#include "code/codebook.h"\n#include "kernel/kernel.h"`,
      "addon/kernel/kernel.h": `#include <cstdint>\n#include "base/float16.h"`,
    };
    expect(problemsOf(files)).toEqual([]);
  });
});
