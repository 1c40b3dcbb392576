import { EmbedlessError } from "../errors.js";
import type { Filter, Metadata, Passage, PassageTest } from "../types.js";
import { type FilterTree, parseFilter } from "./filter.js";
import { FilterProgram } from "./filter_program.js";

/**
 * Whether a passage with these metadata passes a filter: what `search`, `count`, `passages` and `delete` decide, for an
 * object in memory.
 *
 * @param metadata JSON, as a store gives it back.
 * @throws EmbedlessError `INVALID_FILTER`, naming the place
 */
export function matchesFilter(metadata: Metadata, filter: Filter): boolean {
  return matches(parseFilter(filter), metadata);
}

/** A filter ready for use: conditions on metadata, or a function over passages. */
export type Condition = FilterTree | { readonly kind: "test"; readonly test: PassageTest };

/** Checks what a caller gave as a filter. Throws `INVALID_FILTER`. */
export function readCondition(filter: unknown): Condition {
  return typeof filter === "function" ? { kind: "test", test: filter as PassageTest } : parseFilter(filter);
}

/**
 * Whether a passage meets a condition.
 *
 * @throws `INVALID_FILTER` for a function that answers with a promise; whatever the function throws
 */
export function holds(condition: Condition, { id, text, metadata }: Passage): boolean {
  if (condition.kind !== "test") return matches(condition, metadata);
  const answer: unknown = condition.test({ id, text, metadata });
  if (typeof answer === "object" && answer !== null && "then" in answer) {
    throw new EmbedlessError(
      "INVALID_FILTER",
      "Expected a filter that answers at once, but it answered with a promise.",
    );
  }
  return Boolean(answer);
}

const programs = new WeakMap<FilterTree, FilterProgram>();

/** `matchesFilter` for a filter that was checked already. The first call makes it ready for all others. */
export function matches(tree: FilterTree, metadata: Metadata): boolean {
  let program = programs.get(tree);
  if (program === undefined) {
    program = new FilterProgram(tree);
    programs.set(tree, program);
  }
  return program.matches(metadata);
}
