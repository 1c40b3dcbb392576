/** A document: its place in the package and its text. */
export interface Page {
  path: string;
  text: string;
}

/** A program that a document shows. */
export interface UsageBlock {
  name: string;
  path: string;
  /** Plain JavaScript, an ES module. */
  code: string;
  /** What the document says it prints. */
  output: string | undefined;
}

export function documents(root: string): Page[];
export function usageBlocks(pages: Page[]): UsageBlock[];
export function fileBlock(pages: Page[], name: string): string;
export function asRequire(code: string): string;
