const said = new Set<string>();

/**
 * Says something that the user should know but that is no failure: once a process, as a warning of Node of the type
 * `EmbedlessWarning`, which goes to the error stream unless the process listens for `"warning"`.
 *
 * @param code What it is about, for programs, such as `"EMBEDLESS_ONE_BY_ONE"`.
 */
export function warnOnce(code: string, message: string): void {
  const key = `${code} ${message}`;
  if (said.has(key)) return;
  said.add(key);
  process.emitWarning(message, { type: "EmbedlessWarning", code });
}
