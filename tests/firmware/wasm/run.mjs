// Runs a module that imports a terminal and a clock. If it traps, so does this: status 1.
import { readFileSync, writeSync } from "node:fs";

const host = {
    print: (text, length) => writeSync(1, new Uint8Array(exports.memory.buffer, text, length)),
    now: () => performance.now(), // milliseconds, with a fraction
};
const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const { exports } = new WebAssembly.Instance(module, { host });
exports.run();
