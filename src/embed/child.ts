/**
 * The program of a child process that runs one model. A model that hangs or crashes in its own process can be ended
 * without ending the caller.
 */
import { EmbedlessError, type ErrorCode, isError } from "../base/errors.js";
import type { Engine, EngineSpec, FromChild, TextKind, ToChild } from "./engine.js";

let engine: Promise<Engine> | undefined;
// The process was started before its model was known. Most models need this.
if (process.argv[2] === "ahead") import("./onnx_engine.js").then(({ warmUp }) => warmUp());
let last: Promise<void> = Promise.resolve();

process.on("message", (message: ToChild) => {
  if (message.type === "load") {
    engine = load(message.spec, message.exactBytes);
    engine.then(
      ({ guess }) => send({ type: "ready", guess }),
      (error: unknown) => send({ type: "unusable", ...described(error) }),
    );
  } else {
    last = last.then(() => embed(message.task, message.text, message.kind));
  }
});
// The parent has ended or closed the channel.
process.on("disconnect", () => process.exit(0));
if (!process.connected) process.exit(0);
// Ctrl-C reaches all processes of a terminal. The parent decides when this one ends.
process.on("SIGINT", () => {});

async function load(spec: EngineSpec, exactBytes: boolean): Promise<Engine> {
  if (spec.kind === "onnx") {
    const { loadOnnxEngine } = await import("./onnx_engine.js");
    return loadOnnxEngine(spec.model, spec.sha256, exactBytes);
  }
  const { loadTransformersEngine } = await import("./transformers_engine.js");
  return loadTransformersEngine(spec, exactBytes);
}

async function embed(task: number, text: string, kind: TextKind): Promise<void> {
  try {
    send({ type: "embedded", task, ...(await (await engine!).embed(text, kind)) });
  } catch (error) {
    send({ type: "failed", task, ...described(error) });
  }
}

function send(message: FromChild): void {
  // Without a channel there is nobody to report to.
  if (process.connected) process.send!(message, () => {});
}

function described(error: unknown): { code: ErrorCode; message: string } {
  if (error instanceof EmbedlessError) return { code: error.code, message: error.message };
  return { code: "EMBEDDER_FAILED", message: isError(error) ? error.message : String(error) };
}
