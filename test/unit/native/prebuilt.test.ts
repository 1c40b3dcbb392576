import { describe, expect, it } from "vitest";
import { prebuiltFolder } from "../../../src/native/prebuilt.js";

const asked = (): never => {
  throw new Error("asked in vain");
};

describe("the folder of the prebuilt addon", () => {
  it("is that of musl where its loader is there and the process has no glibc", () => {
    const musl = { platform: "linux", hasMuslLoader: () => true, glibcVersion: () => undefined };
    expect(prebuiltFolder({ ...musl, arch: "x64" })).toBe("linux-x64-musl");
    expect(prebuiltFolder({ ...musl, arch: "arm64" })).toBe("linux-arm64-musl");
  });

  it("is that of glibc where musl is only installed beside it", () => {
    const both = { platform: "linux", arch: "x64", hasMuslLoader: () => true, glibcVersion: () => "2.36" };
    expect(prebuiltFolder(both)).toBe("linux-x64");
  });

  it("is found without the slow report where musl's loader is missing", () => {
    const glibc = { platform: "linux", arch: "arm64", hasMuslLoader: () => false, glibcVersion: asked };
    expect(prebuiltFolder(glibc)).toBe("linux-arm64");
  });

  it.each([
    ["darwin", "arm64"],
    ["win32", "x64"],
  ])("asks nothing about libc on %s", (platform, arch) => {
    const system = { platform, arch, hasMuslLoader: asked, glibcVersion: asked };
    expect(prebuiltFolder(system)).toBe(`${platform}-${arch}`);
  });

  it("of this process leaves the settings of its report as they are", () => {
    const report = process.report as { excludeNetwork?: boolean };
    const before = report.excludeNetwork;
    expect(prebuiltFolder()).toMatch(new RegExp(`^${process.platform}-${process.arch}(-musl)?$`));
    expect(report.excludeNetwork).toBe(before);
  });
});
