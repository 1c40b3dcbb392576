import { expect, it } from "vitest";
import { kindOf } from "../../../src/folder/selection.js";

it("kindOf reads by the extension", () => {
  expect(["a.md", "b.TXT", "README", "c.d.ts", "x.MDX"].map(kindOf)).toEqual([
    "markdown",
    "text",
    "text",
    "code",
    "markdown",
  ]);
});
