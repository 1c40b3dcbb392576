// Turns a BERT encoder in safetensors form into ONNX:
//   node export_bert.mjs <folder with config.json and model.safetensors> <out.onnx> [int8|fp32]
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Graph } from "./graph.mjs";
import { model, node, value } from "./onnx_writer.mjs";
import { openSafetensors } from "./safetensors.mjs";

const LOWEST = -3.4028234663852886e38;
const INPUTS = ["input_ids", "attention_mask", "token_type_ids"];

/**
 * @param {string} folder with `config.json` and `model.safetensors`
 * @param {"int8" | "fp32"} precision
 * @returns {Buffer} the ONNX model; input `input_ids`, `attention_mask`, `token_type_ids`, output `last_hidden_state`
 */
export function exportBert(folder, precision) {
  const config = JSON.parse(readFileSync(path.join(folder, "config.json"), "utf8"));
  const weight = openSafetensors(path.join(folder, "model.safetensors"));
  const graph = new Graph(precision);
  let x = embeddings(graph, weight, config);
  const mask = attentionMask(graph, config);
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    x = encoderLayer(graph, weight, config, `encoder.layer.${layer}.`, x, mask);
  }
  return model({
    nodes: [...graph.nodes, node("Identity", [x], ["last_hidden_state"])],
    initializers: graph.initializers,
    inputs: INPUTS.map((name) => value(name, "int64", ["batch", "length"])),
    outputs: [value("last_hidden_state", "float", ["batch", "length", config.hidden_size])],
  });
}

const norm = (graph, weight, config, x, name) =>
  graph.layerNorm(x, name, weight(`${name}.weight`), weight(`${name}.bias`), config.layer_norm_eps);

const dense = (graph, weight, x, name) => graph.linear(x, name, weight(`${name}.weight`), weight(`${name}.bias`));

/** Token, type and position, each from its table, added and normalised. */
function embeddings(graph, weight, config) {
  const positions = config.max_position_embeddings;
  graph.integers("at0", 0);
  graph.integers("at1", 1);
  graph.integers("at12", 1, 2);
  graph.constant("axis1", "int64", [], new BigInt64Array([1n]));
  const tokens = graph.lookup("tokens", weight("embeddings.word_embeddings.weight"), "input_ids");
  const table = (name, from) => graph.constant(name, "float", from.shape, from.data);
  const typeTable = table("types", weight("embeddings.token_type_embeddings.weight"));
  const types = graph.op("Gather", [typeTable, "token_type_ids"]);
  table("positions", weight("embeddings.position_embeddings.weight"));
  graph.constant(
    "range",
    "int64",
    [1, positions],
    BigInt64Array.from({ length: positions }, (_, i) => BigInt(i)),
  );
  const size = graph.op("Gather", [graph.op("Shape", ["input_ids"]), "axis1"]);
  const length = graph.op("Unsqueeze", [size, "at0"]);
  const places = graph.op("Gather", ["positions", graph.op("Slice", ["range", "at0", length, "at1"])]);
  const sum = graph.op("Add", [graph.op("Add", [tokens, types]), places]);
  return norm(graph, weight, config, sum, "embeddings.LayerNorm");
}

/** What is added to attention: 0 for a token, the lowest float for padding. Makes the constants of all layers, too. */
function attentionMask(graph, { hidden_size: hidden, num_attention_heads: heads }) {
  graph.scalar("one", 1);
  graph.scalar("lowest", LOWEST);
  graph.scalar("sqrtHead", Math.sqrt(hidden / heads));
  graph.scalar("sqrt2", Math.SQRT2);
  graph.scalar("half", 0.5);
  graph.integers("heads", 0, 0, heads, hidden / heads);
  graph.integers("flat", 0, 0, hidden);
  const present = graph.op("Cast", [graph.op("Unsqueeze", ["attention_mask", "at12"])], { to: 1 });
  return graph.op("Mul", [graph.op("Sub", ["one", present]), "lowest"]);
}

function encoderLayer(graph, weight, config, at, x, mask) {
  const head = (part, perm) => {
    const projected = dense(graph, weight, x, `${at}attention.self.${part}`);
    return graph.op("Transpose", [graph.op("Reshape", [projected, "heads"])], { perm });
  };
  const query = head("query", [0, 2, 1, 3]);
  const key = head("key", [0, 2, 3, 1]);
  const values = head("value", [0, 2, 1, 3]);
  const scores = graph.op("Div", [graph.op("MatMul", [query, key]), "sqrtHead"]);
  const shares = graph.op("Softmax", [graph.op("Add", [scores, mask])], { axis: -1 });
  const mixed = graph.op("Transpose", [graph.op("MatMul", [shares, values])], { perm: [0, 2, 1, 3] });
  const context = graph.op("Reshape", [mixed, "flat"]);
  const attended = graph.op("Add", [dense(graph, weight, context, `${at}attention.output.dense`), x]);
  const inner = norm(graph, weight, config, attended, `${at}attention.output.LayerNorm`);
  const wide = dense(graph, weight, inner, `${at}intermediate.dense`);
  const erf = graph.op("Add", [graph.op("Erf", [graph.op("Div", [wide, "sqrt2"])]), "one"]);
  const gelu = graph.op("Mul", [graph.op("Mul", [wide, erf]), "half"]);
  const out = graph.op("Add", [dense(graph, weight, gelu, `${at}output.dense`), inner]);
  return norm(graph, weight, config, out, `${at}output.LayerNorm`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, out, precision = "int8"] = process.argv.slice(2);
  if (!folder || !out || !["int8", "fp32"].includes(precision)) {
    console.error("usage: node export_bert.mjs <folder with config.json and model.safetensors> <out.onnx> [int8|fp32]");
    process.exit(2);
  }
  const bytes = exportBert(folder, precision);
  writeFileSync(out, bytes);
  console.log(`${out}: ${(bytes.length / 1e6).toFixed(1)} MB, ${precision}`);
}
