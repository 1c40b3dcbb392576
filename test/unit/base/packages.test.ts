import { expect, it } from "vitest";
import { optionalPackage } from "../../../src/base/packages.js";

const load = (name: string) => import(/* @vite-ignore */ name);

it("loads what is installed", async () => {
  expect(await optionalPackage("ignore", "A test", () => import("ignore"))).toHaveProperty("default");
});

it("names what is missing, what for, and how to install it", async () => {
  const missing = optionalPackage("no-such-package-here", "A test", () => load("no-such-package-here"));
  await expect(missing).rejects.toMatchObject({
    code: "NOT_FOUND",
    message: "A test needs the package no-such-package-here, which is not installed: npm install no-such-package-here",
  });
});

it("says why a package that is there does not load", async () => {
  const broken = optionalPackage("broken", "A test", () => load(`data:text/javascript,throw new Error("torn")`));
  await expect(broken).rejects.toThrow("cannot be loaded (torn)");
});
