import { type AttributeInfo, formatAttributeInfo } from "@langchain/classic/chains/query_constructor";
import { ExpressionParser } from "@langchain/classic/output_parsers/expression";
import { BasicTranslator, FunctionalTranslator, SelfQueryRetriever } from "@langchain/classic/retrievers/self_query";
import type { Document } from "@langchain/core/documents";
import { JsonOutputParser } from "@langchain/core/output_parsers";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import {
  type Comparator,
  Comparison,
  Operation,
  type Operator,
  StructuredQuery,
} from "@langchain/core/structured_query";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { describe, expect, it } from "vitest";
import { EmbedlessTranslator, type EmbedlessVectorStore } from "../../../integrations/langchain/index.js";
import { animals, embedlessStore, idsOf, oursAndMemory, reopened } from "../../support/langchain_stores.js";

const attributeInfo: AttributeInfo[] = [
  { name: "legs", type: "number", description: "How many legs the animal has" },
  { name: "home.continent", type: "string", description: "Where it lives" },
];
type SearchParams = NonNullable<SelfQueryRetriever<EmbedlessVectorStore>["searchParams"]>;

/** A condition as a model with structured output gives it. */
type Asked = { op: string; of: Asked[] } | { is: string; name: string; value: unknown };

/** A chain that asks a model, which wants `filter`, for the query as JSON. */
function asking(filter: Asked | undefined, query = "animals") {
  const prompt = ChatPromptTemplate.fromTemplate(`Attributes: ${formatAttributeInfo(attributeInfo)}\n{query}`);
  const llm = new FakeListChatModel({ responses: [JSON.stringify({ query, filter })] });
  return prompt
    .pipe(llm)
    .pipe(new JsonOutputParser<{ query: string; filter?: Asked }>())
    .pipe((asked) => new StructuredQuery(asked.query, asked.filter && directive(asked.filter)));
}

function directive(asked: Asked): Comparison | Operation {
  if ("op" in asked) return new Operation(asked.op as Operator, asked.of.map(directive));
  return new Comparison(asked.is as Comparator, asked.name, asked.value as string);
}

const legs = (is: string, value: unknown): Asked => ({ is, name: "legs", value });
const animal = (is: string, value: unknown): Asked => ({ is, name: "animal", value });
const continent = (is: string, value: unknown): Asked => ({ is, name: "home.continent", value });

async function filled(): Promise<EmbedlessVectorStore> {
  const store = await embedlessStore();
  await store.addDocuments(animals());
  return store;
}

async function found(filter?: Asked, searchParams: SearchParams = { k: 10 }, store?: EmbedlessVectorStore) {
  const retriever = new SelfQueryRetriever({
    vectorStore: store ?? (await filled()),
    queryConstructor: asking(filter),
    structuredQueryTranslator: new EmbedlessTranslator(),
    searchParams,
  });
  return idsOf(await retriever.invoke("a question")).sort();
}

describe("EmbedlessTranslator", () => {
  it.each<[filter: Asked | undefined, ids: string[]]>([
    [legs("eq", 2), ["hen", "ostrich", "owl"]],
    [legs("ne", 2), ["alpaca", "llama", "shark"]],
    [{ op: "or", of: [legs("lt", 1), legs("gte", "4")] }, ["alpaca", "llama", "shark"]],
    [{ op: "and", of: [legs("gt", 0), continent("eq", "Europe")] }, ["hen", "owl"]],
    [{ op: "not", of: [continent("in", ["Europe", "Africa"])] }, ["alpaca", "llama", "shark"]],
    [animal("nin", ["hen", "owl", "shark"]), ["alpaca", "llama", "ostrich"]],
    [continent("exists", false), ["shark"]],
    [undefined, ["alpaca", "hen", "llama", "ostrich", "owl", "shark"]],
  ])("%j", async (filter, ids) => {
    expect(await found(filter)).toEqual(ids);
  });

  it("keeps the caller's filter whatever the model wants", async () => {
    const european: SearchParams = { k: 10, filter: { "home.continent": "Europe" } };
    expect(await found(legs("eq", 2), european)).toEqual(["hen", "owl"]);
    expect(await found(undefined, european)).toEqual(["hen", "owl"]);
    const noHen: SearchParams = { k: 10, filter: ({ id }: Document) => id !== "hen" };
    expect(await found(legs("eq", 2), noHen)).toEqual(["ostrich", "owl"]);
    const either: SearchParams = { ...european, mergeFiltersOperator: "or" };
    expect(await found(legs("eq", 4), either)).toEqual(["alpaca", "hen", "llama", "owl"]);
    const replaced: SearchParams = { ...european, mergeFiltersOperator: "replace" };
    expect(await found(legs("eq", 4), replaced)).toEqual(["alpaca", "llama"]);
  });

  it("lets the store say what it does not understand, and then works on", async () => {
    const store = await filled();
    await expect(found(legs("gt", true), { k: 2 }, store)).rejects.toMatchObject({ code: "INVALID_FILTER" });
    await expect(found(legs("like", 1), { k: 2 }, store)).rejects.toMatchObject({ code: "INVALID_FILTER" });
    expect(await found(legs("eq", 0), { k: 2 }, store)).toEqual(["shark"]);
  });
});

describe("LangChain's translators", () => {
  const given = (filter: Asked | undefined, query: string) => ({ queryConstructor: asking(filter, query) });
  const twoLegsNoHen: Asked = { op: "and", of: [legs("gte", 2), animal("ne", "hen")] };

  it("BasicTranslator: object filters work as they are, also after opening again", async () => {
    const retriever = new SelfQueryRetriever({
      ...given(twoLegsNoHen, "lays an egg"),
      vectorStore: await reopened(await filled()),
      structuredQueryTranslator: new BasicTranslator(),
      searchParams: { k: 1 },
    });
    expect(idsOf(await retriever.invoke("a question"))).toEqual(["ostrich"]);
  });

  it("BasicTranslator: where the model wants no filter the caller's is lost, in LangChain itself", async () => {
    const retriever = new SelfQueryRetriever({
      ...given(undefined, "animals"),
      vectorStore: await filled(),
      structuredQueryTranslator: new BasicTranslator(),
      searchParams: { k: 10, filter: { legs: 0 } },
    });
    expect(await retriever.invoke("a question")).toHaveLength(6);
  });

  it("FunctionalTranslator: function filters find what they find in LangChain's own store", async () => {
    const { ours, memory } = await oursAndMemory();
    for (const filter of [twoLegsNoHen, { op: "or", of: [legs("eq", 0), legs("lt", 3)] }, undefined]) {
      const structuredQueryTranslator = new FunctionalTranslator();
      const one = { ...given(filter, "lays one egg"), structuredQueryTranslator };
      const own = await new SelfQueryRetriever({ ...one, vectorStore: ours }).invoke("a question");
      expect(own).toEqual(await new SelfQueryRetriever({ ...one, vectorStore: memory }).invoke("a question"));
      expect(own.length).toBeGreaterThan(1);
    }
  });
});

// LangChain's own language for filters needs the package peggy, which it does not bring along.
const parses = await new ExpressionParser().parse('eq("a", 1)').then(
  () => true,
  () => false,
);

describe.runIf(parses)("SelfQueryRetriever.fromLLM", () => {
  async function foundBy(filter: string): Promise<unknown[]> {
    const answer = `\`\`\`json\n${JSON.stringify({ query: "animals", filter })}\n\`\`\``;
    const retriever = SelfQueryRetriever.fromLLM({
      llm: new FakeListChatModel({ responses: [answer] }),
      documentContents: "facts about animals",
      attributeInfo,
      vectorStore: await filled(),
      structuredQueryTranslator: new EmbedlessTranslator(),
      searchParams: { k: 10 },
    });
    return idsOf(await retriever.invoke("a question")).sort();
  }

  it.each([
    ['eq("legs", 2)', ["hen", "ostrich", "owl"]],
    ['or(lt("legs", 1), gte("legs", 4))', ["alpaca", "llama", "shark"]],
    ['not(eq("home.continent", "Europe"))', ["alpaca", "llama", "ostrich", "shark"]],
    ['eq("animal", ["hen", "owl", "ox"])', ["hen", "owl"]],
    ['and(eq("legs", "2"), not(ne("animal", "hen")))', ["hen"]],
    ["NO_FILTER", ["alpaca", "hen", "llama", "ostrich", "owl", "shark"]],
  ])("%s", async (filter, ids) => {
    expect(await foundBy(filter)).toEqual(ids);
  });

  it("knows LangChain's six comparators and no others", async () => {
    await expect(foundBy('in("legs", [2])')).rejects.toThrow("Unknown function name");
  });
});
