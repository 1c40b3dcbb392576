import { expect, it } from "vitest";
import { productSources } from "./repository.js";

/** Classes of which every realm (a test runner's sandbox, jsdom, a vm context) has one of its own. */
const FOREIGN = /\binstanceof (Error|\w*Array|ArrayBuffer|DataView|Abort\w+|Map|Set|Date|RegExp|Promise|URL)\b/;
/** The one place that asks both ways. */
const ALLOWED = "src/base/errors.ts: thrown instanceof Error";

const foreignChecks = (path: string, text: string) =>
  text.split("\n").flatMap((line) => {
    const found = FOREIGN.exec(line);
    return found
      ? [
          `${path}: ${line
            .slice(0, found.index)
            .split(/[\s(!]/)
            .at(-2)} ${found[0]}`,
        ]
      : [];
  });

it("no value that may come from another realm is told by its class", () => {
  const sources = productSources(["src", "integrations"]).filter(({ path }) => path.endsWith(".ts"));
  expect(sources.flatMap(({ path, text }) => foreignChecks(path, text))).toEqual([ALLOWED]);
});

it("finds a planted check", () => {
  expect(foreignChecks("a.ts", "if (!(cell instanceof Uint8Array)) return;")).toEqual([
    "a.ts: cell instanceof Uint8Array",
  ]);
});
