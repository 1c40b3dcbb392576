// Writes the protobuf messages of an ONNX model, no more of them than a BERT encoder needs. Field numbers are those of
// onnx.proto3 in the ONNX standard.

const ELEMENT_TYPES = { float: 1, int8: 3, int64: 7 };
const ATTRIBUTE_TYPES = { float: 1, int: 2, ints: 7 };

function varint(value) {
  const out = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  return Buffer.from([...out, Number(rest)]);
}

const message = (...fields) => Buffer.concat(fields.flat());
const intField = (number, value) => message(varint(number << 3), varint(value));
const bytesField = (number, value) => {
  const content = Buffer.from(value);
  return message(varint((number << 3) | 2), varint(content.length), content);
};
const floatField = (number, value) => {
  const content = Buffer.alloc(4);
  content.writeFloatLE(value);
  return message(varint((number << 3) | 5), content);
};

/** TensorProto with raw data. `type` is a key of ELEMENT_TYPES and has to fit the typed array. */
export function tensor(name, type, shape, data) {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message(
    shape.map((length) => intField(1, length)),
    intField(2, ELEMENT_TYPES[type]),
    bytesField(8, name),
    bytesField(9, raw),
  );
}

/** AttributeProto: a list of whole numbers, `{ float }`, or a whole number. */
function attribute(name, value) {
  if (Array.isArray(value)) {
    const items = value.map((item) => intField(8, item));
    return message(bytesField(1, name), items, intField(20, ATTRIBUTE_TYPES.ints));
  }
  if (typeof value === "object")
    return message(bytesField(1, name), floatField(2, value.float), intField(20, ATTRIBUTE_TYPES.float));
  return message(bytesField(1, name), intField(3, value), intField(20, ATTRIBUTE_TYPES.int));
}

/** NodeProto, named after its first output. */
export function node(operator, inputs, outputs, attributes = {}) {
  return message(
    inputs.map((name) => bytesField(1, name)),
    outputs.map((name) => bytesField(2, name)),
    bytesField(3, `${outputs[0]}_node`),
    bytesField(4, operator),
    Object.entries(attributes).map(([name, value]) => bytesField(5, attribute(name, value))),
  );
}

/** ValueInfoProto of an input or output. A dimension that is a string is left open under that name. */
export function value(name, type, shape) {
  const dimensions = shape.map((d) => bytesField(1, typeof d === "string" ? bytesField(2, d) : intField(1, d)));
  const tensorType = message(intField(1, ELEMENT_TYPES[type]), bytesField(2, message(dimensions)));
  return message(bytesField(1, name), bytesField(2, bytesField(1, tensorType)));
}

/** ModelProto with one graph. */
export function model({ nodes, initializers, inputs, outputs }) {
  const graph = message(
    nodes.map((item) => bytesField(1, item)),
    bytesField(2, "encoder"),
    initializers.map((item) => bytesField(5, item)),
    inputs.map((item) => bytesField(11, item)),
    outputs.map((item) => bytesField(12, item)),
  );
  const operators = message(bytesField(1, ""), intField(2, 17));
  return message(intField(1, 8), bytesField(2, "embedless"), bytesField(7, graph), bytesField(8, operators));
}
