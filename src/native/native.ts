import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { onAbort } from "../base/abort.js";
import { EmbedlessError, isError, throwIfAborted } from "../base/errors.js";
import { packagePath } from "../base/packages.js";
import type { NativeAddon, StopFlag } from "./surface.js";

/** What the file itself exports beside `NativeAddon`. */
interface AddonFile extends NativeAddon {
  /** The class of all failures that are no argument mistakes. */
  useErrorClass(errorClass: new (code: never, message: string) => Error): void;
}

let loaded: NativeAddon | undefined;

/**
 * The addon, loaded at the first call. Tried are `build/Release` (compiled here) and then the folder of `prebuilds/`
 * that fits this system and its libc.
 *
 * @throws {EmbedlessError} `NATIVE_LOAD` if no file can be loaded; the message names each with its reason.
 */
export function native(): NativeAddon {
  loaded ??= load(addonPaths());
  return loaded;
}

/** Where the addon may lie, best first. */
function addonPaths(): string[] {
  const prebuilt = packagePath("prebuilds", prebuiltFolder(), "embedless.node");
  return [packagePath("build", "Release", "embedless.node"), prebuilt];
}

/** Loads the first file of `paths` that can be loaded. Exported for its test. */
export function load(paths: readonly string[]): NativeAddon {
  const require = createRequire(import.meta.url);
  const failures: unknown[] = [];
  for (const path of paths) {
    try {
      const addon = require(path) as AddonFile;
      addon.useErrorClass(EmbedlessError);
      return addon;
    } catch (error) {
      failures.push(error);
    }
  }
  const tried = paths.map((path, i) => `${path}: ${reason(failures[i])}.`);
  throw new EmbedlessError(
    "NATIVE_LOAD",
    `The native addon could not be loaded. ${tried.join(" ")} Run "npx embedless compile" to build it for ` +
      `${prebuiltFolder()}; that takes cmake and a C++20 compiler.`,
    { cause: failures.length > 1 ? new AggregateError(failures) : failures[0] },
  );
}

/** The first line of why a file was not loaded, as the part of a sentence. */
function reason(failure: unknown): string {
  if (!isError(failure)) return "it threw no error";
  if ((failure as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return "there is no such file";
  return (failure.message.split("\n")[0] ?? "").replace(/\.$/, "");
}

/** What decides which prebuilt addon fits. The functions are only called where their answer counts. */
interface System {
  platform: string;
  arch: string;
  /** Whether musl's loader is there: without it no process runs on musl. */
  hasMuslLoader(): boolean;
  /** The version of glibc that this process runs on; none on musl. */
  glibcVersion(): string | undefined;
}

/** The folder below `prebuilds/` whose addon fits: `linux-x64`, on musl (Alpine) `linux-x64-musl`. */
export function prebuiltFolder(system: System = thisSystem): string {
  const { platform, arch } = system;
  const onMusl = platform === "linux" && system.hasMuslLoader() && system.glibcVersion() === undefined;
  return `${platform}-${arch}${onMusl ? "-musl" : ""}`;
}

/** musl's names of processors. */
const PROCESSORS: Record<string, string> = { x64: "x86_64", arm64: "aarch64" };

const thisSystem: System = {
  platform: process.platform,
  arch: process.arch,
  hasMuslLoader: () => existsSync(`/lib/ld-musl-${PROCESSORS[process.arch] ?? process.arch}.so.1`),
  glibcVersion,
};

/** From Node's report on this process, which takes 13 ms, and far longer if it were to look up the hosts it talks to. */
function glibcVersion(): string | undefined {
  const report = process.report as { excludeNetwork?: boolean; getReport(): object };
  const before = report.excludeNetwork;
  report.excludeNetwork = true;
  try {
    const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
    return header?.glibcVersionRuntime;
  } finally {
    report.excludeNetwork = before ?? false;
  }
}

/**
 * Runs native work that `signal` stops within milliseconds.
 *
 * @throws `ABORTED` once the signal has fired, or what the work throws
 */
export async function stoppedBy<T>(
  signal: AbortSignal | undefined,
  addon: NativeAddon,
  work: (stop: StopFlag) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const stop = new addon.StopFlag();
  const end = onAbort(signal, () => stop.stop());
  try {
    return await work(stop);
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  } finally {
    end();
  }
}
