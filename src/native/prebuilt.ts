import { closeSync, openSync } from "node:fs";

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
  hasMuslLoader: () => opens(`/lib/ld-musl-${PROCESSORS[process.arch] ?? process.arch}.so.1`),
  glibcVersion,
};

/** qemu shows a program the files of its own system only when it opens them, not when it asks whether they exist. */
function opens(path: string): boolean {
  try {
    closeSync(openSync(path, "r"));
    return true;
  } catch {
    return false;
  }
}

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
