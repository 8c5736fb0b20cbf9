//! Prints what `run.mjs` prints for the wasm module.

use nodewright_wasm_probe::session_hash;

fn main() {
    for (era, name) in [(0, "v1alpha5"), (1, "v1")] {
        println!("{name} {:016x}", session_hash(era));
    }
}
