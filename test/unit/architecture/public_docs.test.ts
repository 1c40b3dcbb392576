import { describe, expect, it } from "vitest";
import { undocumented } from "./public_docs.js";
import { productSources } from "./repository.js";

const sources = productSources(["src", "integrations"]);

it.each(["src/index.ts", "integrations/langchain/index.ts", "integrations/llamaindex/index.ts"])(
  "every export of %s has a docstring",
  (door) => {
    expect(undocumented(door, sources)).toEqual([]);
  },
);

describe("the check itself", () => {
  const check = (files: Record<string, string>) =>
    undocumented(
      "index.ts",
      Object.entries(files).map(([path, text]) => ({ path, text })),
    );

  it("finds each kind of declaration without a docstring", () => {
    const text = [
      "export function f() {}",
      "export const a = 1, b = 2;",
      "export interface I {}",
      "export type T = number;",
      "export class C {}",
      "/** Told. */ export const told = 1;",
      "const inner = 1;",
    ].join("\n");
    expect(check({ "index.ts": text })).toEqual(["f", "a", "b", "I", "T", "C"]);
  });

  it("follows re-exports, renamed ones and stars", () => {
    const files = {
      "index.ts": `export { x as y, type Z } from "./a/b.js";\nexport * from "./c.js";`,
      "a/b.ts": "export const x = 1;\n/** Told. */\nexport interface Z {}",
      "c.ts": "export function c() {}\nfunction d() {}\nexport { d };",
    };
    expect(check(files)).toEqual(["y", "c", "d"]);
  });

  it("looks at the public methods of classes", () => {
    const text = `/** Told. */
      export class C {
        constructor(x: number) {}
        m() {}
        get g() { return 1; }
        static s() {}
        /** Told. */ told() {}
        /** @returns tags alone tell nothing */ tagged() {}
        #hidden() {}
        private old() {}
      }`;
    expect(check({ "index.ts": text })).toEqual(["C.constructor", "C.m", "C.g", "C.s", "C.tagged"]);
  });

  it("takes a docstring from an interface that the class implements", () => {
    const files = {
      "index.ts": `import type { Shape } from "./shape.js";\n/** Told. */\nexport class C implements Shape { m() {} n() {} }`,
      "shape.ts": "/** Told. */\nexport interface Shape {\n/** Told. */\nm(): void;\nn(): void;\n}",
    };
    expect(check(files)).toEqual(["C.n"]);
  });

  it("reports what it cannot find instead of passing it", () => {
    expect(check({ "index.ts": `export { x } from "./gone.js";` })).toEqual(["x: no declaration found"]);
    expect(check({})).toEqual(["index.ts: no declaration found"]);
  });
});
