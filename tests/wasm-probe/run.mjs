// Runs the engine's wasm module without giving it anything, and prints the hashes of its sessions.
import { readFile } from "node:fs/promises";

const module = await WebAssembly.compile(await readFile(process.argv[2]));
const imports = WebAssembly.Module.imports(module);
if (imports.length > 0) {
  console.error("the engine imports from its host:", imports.map((i) => `${i.module}.${i.name}`).join(", "));
  process.exit(1);
}
const { exports } = await WebAssembly.instantiate(module, {});
for (const [era, name] of [[0, "v1alpha5"], [1, "v1"]]) {
  const hash = BigInt.asUintN(64, exports.session_hash(era));
  if (hash === 0n) {
    console.error(`the session of era ${name} was refused`);
    process.exit(1);
  }
  console.log(`${name} ${hash.toString(16).padStart(16, "0")}`);
}
