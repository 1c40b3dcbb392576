/**
 * `node dist/examples/langchain_rag.js ["your question"]`: a chain of LangChain answers questions from the manuals of three
 * packages. The chat model is that of `chat_model.ts`: any OpenAI-compatible endpoint, or a stand-in that quotes. Ends with
 * 1 unless each answer comes out of the right manual.
 */

import type { Document } from "@langchain/core/documents";
import { StringOutputParser } from "@langchain/core/output_parsers";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { RunnableLambda, RunnablePassthrough } from "@langchain/core/runnables";
import { RecursiveCharacterTextSplitter } from "@langchain/textsplitters";
import { EmbedlessVectorStore, MiniLMEmbeddings } from "embedless/langchain";
import { chatModel } from "./chat_model.js";
import { QUESTIONS, readManuals } from "./manuals.js";

const prompt = ChatPromptTemplate.fromMessages([
  ["system", "Answer in one sentence, from this context alone:\n\n{context}"],
  ["human", "{question}"],
]);

async function main(asked: string | undefined): Promise<boolean> {
  const splitter = RecursiveCharacterTextSplitter.fromLanguage("markdown", { chunkSize: 800, chunkOverlap: 0 });
  const manuals = readManuals();
  const documents = await splitter.createDocuments(
    manuals.map(({ text }) => text),
    manuals.map(({ name }) => ({ name })),
  );

  // Without a path the store is a private temporary file; { path: "manuals.db" } keeps it.
  const store = await EmbedlessVectorStore.fromDocuments(documents, new MiniLMEmbeddings());
  try {
    const retriever = store.asRetriever({ k: 3 });
    let found: Document[] = [];
    const context = retriever.pipe((documents) => {
      found = documents as Document[];
      return documents.map(({ pageContent }) => pageContent).join("\n\n");
    });
    const chain = RunnableLambda.from((question: string) => ({ question }))
      .pipe(RunnablePassthrough.assign({ context: ({ question }: { question: string }) => context.invoke(question) }))
      .pipe(prompt)
      .pipe(chatModel())
      .pipe(new StringOutputParser());

    let right = true;
    for (const [question, name] of asked === undefined ? QUESTIONS : [[asked, undefined] as const]) {
      const answer = await chain.invoke(question);
      const sources = found.map(({ metadata }) => metadata["name"] as string);
      console.log(`? ${question}\n  ${answer}\n  from: ${sources.join(", ")}\n`);
      right &&= answer !== "" && (name === undefined || sources[0] === name);
    }
    console.log(
      `${documents.length} passages; ${right ? "each answer has its manual" : "an answer has the wrong manual"}.`,
    );
    return right;
  } finally {
    await store.close();
  }
}

process.exitCode = (await main(process.argv[2])) ? 0 : 1;
