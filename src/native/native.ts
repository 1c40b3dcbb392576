import { createRequire } from "node:module";
import { onAbort } from "../base/abort.js";
import { EmbedlessError, isError, throwIfAborted } from "../base/errors.js";
import { packagePath } from "../base/packages.js";
import { prebuiltFolder } from "./prebuilt.js";
import type { NativeAddon, StopFlag } from "./surface.js";

/** Exports of the file beside those of `NativeAddon`. */
interface AddonFile extends NativeAddon {
  /** Sets the class of all failures that are not argument mistakes. */
  useErrorClass(errorClass: new (code: never, message: string) => Error): void;
}

let loaded: NativeAddon | undefined;

/**
 * The addon, loaded at the first call. It tries `build/Release` (compiled here) and then the folder of `prebuilds/` that fits
 * this system and its libc.
 *
 * @throws {EmbedlessError} `NATIVE_LOAD` if no file can be loaded; the message names each with its reason.
 */
export function native(): NativeAddon {
  loaded ??= load(addonPaths());
  return loaded;
}

/** Possible paths of the addon, best first. */
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
      `${prebuiltFolder()}, which needs cmake and a C++20 compiler.`,
    { cause: failures.length > 1 ? new AggregateError(failures) : failures[0] },
  );
}

/** The first line of the reason why a file was not loaded, as part of a sentence. */
function reason(failure: unknown): string {
  if (!isError(failure)) return "it threw no error";
  if ((failure as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return "there is no such file";
  return (failure.message.split("\n")[0] ?? "").replace(/\.$/, "");
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
