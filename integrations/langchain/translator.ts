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

/** What a comparison may ask: LangChain's six comparators, and those that the store has besides. */
const COMPARATORS: readonly string[] = ["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "exists"];

/**
 * Makes filters of this store out of what a language model asks for: the `structuredQueryTranslator` of a
 * `SelfQueryRetriever`. Unlike LangChain's `BasicTranslator`
 *
 * - it knows `not`, and takes `eq` and `ne` with a list for "one of these" and "none of these";
 * - a text that looks like a number also finds the number, and the text still finds itself: `"2024"` is the year 2024,
 *   and postal codes stay found;
 * - `searchParams.filter` holds even if the model wants no filter, and may be a function.
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
 * @typeParam M What the documents' metadata look like.
 */
export class EmbedlessTranslator<M extends Metadata = Metadata> extends BaseTranslator<EmbedlessVectorStore<M>> {
  declare VisitOperationOutput: Filter;
  declare VisitComparisonOutput: Filter;
  declare VisitStructuredQueryOutput: { filter?: DocumentFilter<M> };

  /** `and`, `or` and `not`. */
  override allowedOperators: Operator[] = Object.values(Operators);
  /**
   * What the model is told it may use: the six that LangChain's parser of its answers knows. Queries made otherwise may
   * also compare by `in`, `nin` and `exists`.
   */
  override allowedComparators: Comparator[] = Object.values(Comparators);

  /**
   * The store's name of a comparator or an operator.
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
   * The filter of several conditions, or of one turned round.
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
   * The filter of one condition.
   *
   * @throws `INVALID_FILTER` for a range with a list; of other values the store says what is wrong.
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
    // A range is over texts or over numbers: where both are meant, both have to be asked.
    const ranges = values.map((bound) => conditionOn(attribute, name, bound));
    return ranges.length === 1 ? ranges[0]! : { $or: ranges };
  }

  /** What the retriever searches with: the filter of a whole query, if it has one. */
  override visitStructuredQuery({ filter }: StructuredQuery): { filter?: DocumentFilter<M> } {
    return filter ? { filter: this.#visit(filter) } : {};
  }

  /**
   * Puts the caller's own filter together with that of the model. Where LangChain's translators lose the caller's when
   * the model wants none, here it holds.
   *
   * @param defaultFilter The caller's, an object or a function.
   * @param generatedFilter The model's.
   * @param mergeType `"and"` (default): both hold. `"or"`: either does. `"replace"`: that of the model alone.
   * @param forceDefaultFilter With `"replace"`: the caller's holds if the model wants none.
   * @returns `undefined` for no filter; a function if both count and either is one, else what they are.
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
  // Values come from a language model: the store checks them with the rest of the filter.
  return { [path]: { [operator]: value } as FilterCondition };
}

/** A condition with one of two operators: the first for one value, the second for any other number of them. */
function among(path: string, one: string, many: string, values: unknown[]): Filter {
  return values.length === 1 ? conditionOn(path, one, values[0]) : conditionOn(path, many, values);
}

/** A value and, of a text that is the usual way of writing a number, the number. */
function spellings(value: unknown): unknown[] {
  const number = typeof value === "string" ? Number(value) : Number.NaN;
  return Number.isFinite(number) && String(number) === value ? [value, number] : [value];
}

/** Either kind of filter as a function. */
function testOf<M extends Metadata>(
  filter: DocumentFilter<M>,
): Extract<DocumentFilter<M>, (...args: never) => unknown> {
  return typeof filter === "function" ? filter : ({ metadata }) => matchesFilter(metadata, filter);
}

function invalid(message: string): EmbedlessError {
  return new EmbedlessError("INVALID_FILTER", message);
}
