// Optimises the graph of an ONNX model once, which ONNX Runtime otherwise does at each start:
//   node optimize.mjs <in.onnx> <out.onnx>
// The weights and the vectors stay the same to the last bit. Only rewrites that suit every processor are made ("extended").
import { fileURLToPath } from "node:url";
import ort from "onnxruntime-node";

/**
 * @param {string} from
 * @param {string} to
 */
export async function optimize(from, to) {
  const session = await ort.InferenceSession.create(from, {
    graphOptimizationLevel: "extended",
    optimizedModelFilePath: to,
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  await session.release();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [from, to] = process.argv.slice(2);
  if (!from || !to) {
    console.error("usage: node optimize.mjs <in.onnx> <out.onnx>");
    process.exit(2);
  }
  await optimize(from, to);
}
