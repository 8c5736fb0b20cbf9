// Times the speed comparison in wasm under Node: node tests/bench/run.mjs [RUNS]
// Builds the module first. Prints one JSON line a case, with the CPU seconds that Karpenter 1.14.1 takes (data/karpenter.json).
import { readFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";

const TARGET = "wasm32-unknown-unknown";
const build = ["build", "--quiet", "--release", "-p", "nodewright-bench-wasm", "--lib", "--target", TARGET];
if (spawnSync("cargo", build, { stdio: "inherit" }).status !== 0) process.exit(1);
const metadata = JSON.parse(spawnSync("cargo", ["metadata", "--format-version", "1", "--no-deps"], { maxBuffer: 1 << 26 }).stdout);
const module = `${metadata.target_directory}/${TARGET}/release/nodewright_bench_wasm.wasm`;

const here = new URL("data/karpenter.json", import.meta.url);
const karpenter = JSON.parse(await readFile(here, "utf8"));
// The fastest run counts: what the machine does beside only adds.
const runs = Number(process.argv[2] ?? 5);
const { instance } = await WebAssembly.instantiate(await readFile(module), {});
const { prepare, run } = instance.exports;
let wrong = 0;
for (const [number, expected] of karpenter.entries()) {
  const pods = prepare(number);
  if (pods === 0) throw new Error(`${expected.case}: the input cannot be read`);
  let [seconds, came] = [Infinity, 0n];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    came = BigInt.asUintN(64, run());
    seconds = Math.min(seconds, (performance.now() - start) / 1e3);
  }
  const [nodes, low] = [Number(came >> 32n), Number(came & 0xffffffffn)];
  const scan = expected.tried !== undefined;
  const same = nodes === expected.nodes && low === (scan ? expected.tried : 0);
  wrong += same ? 0 : 1;
  const line = { case: expected.case, pods, nodes, [scan ? "tried" : "errors"]: low };
  const times = { seconds: Number(seconds.toFixed(5)), karpenter_cpu_s: expected.cpu_s, times: Math.round(expected.cpu_s / seconds) };
  console.log(JSON.stringify({ ...line, ...times, same }));
}
process.exit(wrong === 0 ? 0 : 1);
