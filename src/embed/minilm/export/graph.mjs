// Collects the operators and constants of an ONNX graph, and knows the two forms of a linear layer and of a table.
import { node, tensor } from "./onnx_writer.mjs";

const FLOAT = 1;

/** @param {"int8" | "fp32"} precision of the weights of linear layers and tables */
export class Graph {
  nodes = [];
  initializers = [];
  /** Quantised form of an operator's output, made once for all layers that read it. */
  #quantized = new Map();
  #precision;
  #count = 0;

  constructor(precision) {
    this.#precision = precision;
  }

  /** Adds an operator; the answer is the name of its output, or a list of names. */
  op(operator, inputs, attributes = {}, outputs = 1) {
    const names = Array.from({ length: outputs }, () => `${operator}_${this.#count++}`);
    this.nodes.push(node(operator, inputs, names, attributes));
    return outputs === 1 ? names[0] : names;
  }

  constant(name, type, shape, data) {
    this.initializers.push(tensor(name, type, shape, data));
    return name;
  }

  scalar(name, number) {
    return this.constant(name, "float", [], new Float32Array([number]));
  }

  integers(name, ...numbers) {
    return this.constant(name, "int64", [numbers.length], BigInt64Array.from(numbers, BigInt));
  }

  /** x times the transposed weight, plus bias. As int8: products of bytes, scaled back by both scales. */
  linear(x, name, weight, bias) {
    const [outs, ins] = weight.shape;
    this.constant(`${name}.bias`, "float", [outs], bias.data);
    if (this.#precision === "fp32") {
      this.constant(`${name}.weight`, "float", [ins, outs], transposed(weight.data, outs, ins));
      return this.op("Add", [`${name}.bias`, this.op("MatMul", [x, `${name}.weight`])]);
    }
    const { bytes, scales } = quantizedRows(weight.data, outs, ins);
    this.constant(`${name}.weight`, "int8", [ins, outs], transposed(bytes, outs, ins));
    this.constant(`${name}.scale`, "float", [outs], scales);
    this.constant(`${name}.zero`, "int8", [outs], new Int8Array(outs));
    if (!this.#quantized.has(x)) this.#quantized.set(x, this.op("DynamicQuantizeLinear", [x], {}, 3));
    const [values, scale, zero] = this.#quantized.get(x);
    const sums = this.op("MatMulInteger", [values, `${name}.weight`, zero, `${name}.zero`]);
    const product = this.op("Cast", [sums], { to: FLOAT });
    const unit = this.op("Mul", [scale, `${name}.scale`]);
    return this.op("Add", [`${name}.bias`, this.op("Mul", [product, unit])]);
  }

  /** The rows of a table that `ids` names. */
  lookup(name, table, ids) {
    if (this.#precision === "fp32")
      return this.op("Gather", [this.constant(name, "float", table.shape, table.data), ids]);
    const { bytes, scales } = quantizedRows(table.data, ...table.shape);
    this.constant(name, "int8", table.shape, bytes);
    this.constant(`${name}.scale`, "float", [table.shape[0], 1], scales);
    const rows = this.op("Cast", [this.op("Gather", [name, ids])], { to: FLOAT });
    return this.op("Mul", [rows, this.op("Gather", [`${name}.scale`, ids])]);
  }

  layerNorm(x, name, gamma, beta, epsilon) {
    this.constant(`${name}.gamma`, "float", gamma.shape, gamma.data);
    this.constant(`${name}.beta`, "float", beta.shape, beta.data);
    const inputs = [x, `${name}.gamma`, `${name}.beta`];
    return this.op("LayerNormalization", inputs, { axis: -1, epsilon: { float: epsilon } });
  }
}

/** Rows to bytes, each row with the scale that takes its largest element to 127. A row of zeros stays zero. */
export function quantizedRows(data, rows, columns) {
  const bytes = new Int8Array(rows * columns);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const at = row * columns;
    let largest = 0;
    for (let i = at; i < at + columns; i++) largest = Math.max(largest, Math.abs(data[i]));
    scales[row] = largest / 127;
    for (let i = at; i < at + columns; i++) bytes[i] = Math.round(data[i] / scales[row]);
  }
  return { bytes, scales };
}

function transposed(data, rows, columns) {
  const out = new data.constructor(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) out[column * rows + row] = data[row * columns + column];
  }
  return out;
}
