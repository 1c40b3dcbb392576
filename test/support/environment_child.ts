/** A process that uses stores in unfriendly places; see `ChildPool`. */
import type { EnvironmentAnswer, EnvironmentQuestion } from "../reliability/campaigns/environment.js";
import { ENVIRONMENT_CASES } from "../reliability/campaigns/environment_cases.js";

process.on("message", async ({ place, folder }: EnvironmentQuestion) => {
  const answer: EnvironmentAnswer = { result: "works", message: "" };
  try {
    await ENVIRONMENT_CASES[place]!.run(folder);
  } catch (error) {
    const { name, code, message, stack } = error as { name: string; code?: string; message: string; stack: string };
    answer.result = name === "EmbedlessError" && code ? code : `no code: ${name}`;
    answer.message = name === "EmbedlessError" ? message : stack;
  }
  process.send!(answer);
});
process.on("disconnect", () => process.exit(0));
