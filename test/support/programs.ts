import { fileURLToPath } from "node:url";

/** The compiled program `test/support/<name>.js`, also for whoever runs from the sources. */
export function programPath(name: string): string {
  const here = new URL(`./${name}.js`, import.meta.url);
  const isCompiled = here.pathname.includes("/dist/test/support/");
  return fileURLToPath(isCompiled ? here : new URL(`../../dist/test/support/${name}.js`, import.meta.url));
}
