import {
  BaseTranslator,
  type Comparator,
  Comparators,
  type Comparison,
  type FilterDirective,
  isFilterEmpty,
  type Operation,
  type Operator,
  Operators,
  type StructuredQuery,
} from "@langchain/core/structured_query";
import { EmbedlessError, type Filter, type FilterCondition, type Metadata, matchesFilter } from "../../src/index.js";
import type { DocumentFilter } from "./documents.js";
import type { EmbedlessVectorStore } from "./vector_store.js";

/** Comparators: LangChain's six, and those that only this store has. */
const COMPARATORS: readonly string[] = ["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "exists"];

/**
 * Translates filters that a language model writes into filters of this store: the `structuredQueryTranslator` of a
 * `SelfQueryRetriever`. It differs from LangChain's `BasicTranslator`:
 *
 * - It knows `not`, and it takes `eq` and `ne` with a list for "one of these" and "none of these".
 * - A text that looks like a number also matches the number, and still matches itself. So `"2024"` finds the year 2024,
 *   and postal codes are found too.
 * - `searchParams.filter` applies even if the model writes no filter, and it may be a function.
 *
 * Names of attributes are metadata paths: dots lead into objects.
 *
 * ```ts
 * const retriever = SelfQueryRetriever.fromLLM({
 *   llm, vectorStore, documentContents, attributeInfo,
 *   structuredQueryTranslator: new EmbedlessTranslator(),
 *   searchParams: { k: 4, filter: { tenant: "acme" } },
 * });
 * ```
 *
 * @typeParam M The type of the documents' metadata.
 */
export class EmbedlessTranslator<M extends Metadata = Metadata> extends BaseTranslator<EmbedlessVectorStore<M>> {
  declare VisitOperationOutput: Filter;
  declare VisitComparisonOutput: Filter;
  declare VisitStructuredQueryOutput: { filter?: DocumentFilter<M> };

  /** `and`, `or` and `not`. */
  override allowedOperators: Operator[] = Object.values(Operators);
  /**
   * The comparators that the model is told of: the six that LangChain's parser of its answers knows. Other queries may
   * also compare by `in`, `nin` and `exists`.
   */
  override allowedComparators: Comparator[] = Object.values(Comparators);

  /**
   * The store's name for a comparator or an operator.
   *
   * @throws `INVALID_FILTER` if there is none.
   */
  override formatFunction(func: Operator | Comparator): string {
    if (!COMPARATORS.includes(func) && !(func in Operators)) {
      throw invalid(`Expected one of ${[...COMPARATORS, ...this.allowedOperators].join(", ")}, but received ${func}.`);
    }
    return `$${func}`;
  }

  /**
   * The filter for several conditions, or for the negation of one.
   *
   * @throws `INVALID_FILTER` unless `not` has exactly one condition and the others have at least one.
   */
  override visitOperation({ operator, args = [] }: Operation): Filter {
    const name = this.formatFunction(operator);
    const [first, ...others] = args.map((arg) => this.#visit(arg));
    if (first === undefined) throw invalid(`Expected at least one condition for ${operator}, but received none.`);
    if (name !== "$not") return { [name]: [first, ...others] };
    if (others.length > 0) throw invalid(`Expected one condition for not, but received ${args.length}.`);
    return { $not: first };
  }

  /**
   * The filter for one condition.
   *
   * @throws `INVALID_FILTER` for a range with a list. The store checks other values.
   */
  override visitComparison({ comparator, attribute, value }: Comparison<unknown>): Filter {
    const name = this.formatFunction(comparator);
    const values = (Array.isArray(value) ? value : [value]).flatMap(spellings);
    switch (name) {
      case "$eq":
      case "$in":
        return among(attribute, "$eq", "$in", values);
      case "$ne":
      case "$nin":
        return among(attribute, "$ne", "$nin", values);
      case "$exists":
        return conditionOn(attribute, name, value);
    }
    if (Array.isArray(value)) throw invalid(`Expected one value for ${comparator}, but received a list.`);
    // A range compares either texts or numbers. If both are possible, both are asked for.
    const ranges = values.map((bound) => conditionOn(attribute, name, bound));
    return ranges.length === 1 ? ranges[0]! : { $or: ranges };
  }

  /** The search options of the retriever: the filter of a whole query, if it has one. */
  override visitStructuredQuery({ filter }: StructuredQuery): { filter?: DocumentFilter<M> } {
    return filter ? { filter: this.#visit(filter) } : {};
  }

  /**
   * Combines the caller's filter with the model's. LangChain's translators lose the caller's filter if the model writes
   * none; this one keeps it.
   *
   * @param defaultFilter The caller's filter, an object or a function.
   * @param generatedFilter The model's filter.
   * @param mergeType `"and"` (default): both must match. `"or"`: one must match. `"replace"`: only the model's filter
   *   is used.
   * @param forceDefaultFilter With `"replace"`: the caller's filter is used if the model writes none.
   * @returns `undefined` for no filter; a function if both are used and one is a function, else their combination.
   * @throws `INVALID_FILTER` for another `mergeType`
   */
  override mergeFilters(
    defaultFilter: DocumentFilter<M> | undefined,
    generatedFilter: DocumentFilter<M> | undefined,
    mergeType: "and" | "or" | "replace" = "and",
    forceDefaultFilter = false,
  ): DocumentFilter<M> | undefined {
    if (!["and", "or", "replace"].includes(mergeType)) {
      throw invalid(`Expected "and", "or" or "replace" for mergeFiltersOperator, but received ${mergeType}.`);
    }
    const own = isFilterEmpty(defaultFilter) ? undefined : defaultFilter;
    const generated = isFilterEmpty(generatedFilter) ? undefined : generatedFilter;
    if (mergeType === "replace") return generated ?? (forceDefaultFilter ? own : undefined);
    if (own === undefined || generated === undefined) return own ?? generated;
    if (typeof own === "object" && typeof generated === "object") {
      return mergeType === "and" ? { $and: [own, generated] } : { $or: [own, generated] };
    }
    const [first, second] = [testOf(own), testOf(generated)];
    return mergeType === "and"
      ? (document) => first(document) && second(document)
      : (document) => first(document) || second(document);
  }

  #visit(directive: FilterDirective): Filter {
    return directive.accept(this) as Filter;
  }
}

function conditionOn(path: string, operator: string, value: unknown): Filter {
  // Values come from a language model. The store checks them with the rest of the filter.
  return { [path]: { [operator]: value } as FilterCondition };
}

/** A condition with one of two operators: the first for one value, the second for any other number of values. */
function among(path: string, one: string, many: string, values: unknown[]): Filter {
  return values.length === 1 ? conditionOn(path, one, values[0]) : conditionOn(path, many, values);
}

/** The value itself and, if it is a text that is the usual form of a number, the number. */
function spellings(value: unknown): unknown[] {
  const number = typeof value === "string" ? Number(value) : Number.NaN;
  return Number.isFinite(number) && String(number) === value ? [value, number] : [value];
}

/** Converts either kind of filter to a function. */
function testOf<M extends Metadata>(
  filter: DocumentFilter<M>,
): Extract<DocumentFilter<M>, (...args: never) => unknown> {
  return typeof filter === "function" ? filter : ({ metadata }) => matchesFilter(metadata, filter);
}

function invalid(message: string): EmbedlessError {
  return new EmbedlessError("INVALID_FILTER", message);
}
