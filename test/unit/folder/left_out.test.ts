import { describe, expect, it } from "vitest";
import { LeftOut, reasonOf } from "../../../src/folder/files.js";

describe("reasonOf", () => {
  it.each([
    ["EACCES", "forbidden"],
    ["EPERM", "forbidden"],
    ["ENOENT", "vanished"],
    ["ENOTDIR", "vanished"],
    ["EIO", "unreadable"],
    ["ELOOP", "unreadable"],
    [undefined, "unreadable"],
  ])("%s is %s", (code, reason) => expect(reasonOf(Object.assign(new Error("x"), { code }))).toBe(reason));
});

describe("LeftOut", () => {
  const filled = () => {
    const leftOut = new LeftOut();
    for (const reason of Object.keys(leftOut.paths) as (keyof typeof leftOut.paths)[])
      leftOut.add(reason, `/${reason}`);
    return leftOut;
  };

  it("knows what it saw and what it did not", () => {
    const leftOut = filled();
    expect(leftOut.unseen).toEqual(["/noDetector", "/forbidden", "/vanished", "/unreadable"]);
    expect(leftOut.present).toContain("/ignored");
    expect(leftOut.present.concat(leftOut.unseen, "/folders").sort()).toEqual(
      Object.values(leftOut.paths).flat().sort(),
    );
  });
});
