// Bundles static/tests/*.test.ts, one by one, and runs them with Node's own test runner.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const tests = path.join(here, "tests");
const out = await mkdtemp(path.join(tmpdir(), "yimian-tests-"));
try {
  const files = (await readdir(tests)).filter((name) => name.endsWith(".test.ts"));
  await esbuild.build({
    bundle: true,
    entryPoints: files.map((name) => path.join(tests, name)),
    format: "esm",
    logLevel: "warning",
    outExtension: { ".js": ".mjs" },
    outdir: out,
    platform: "node",
  });
  const built = (await readdir(out)).map((name) => path.join(out, name));
  process.exitCode = spawnSync(process.execPath, ["--test", ...built], { stdio: "inherit" }).status ?? 1;
} finally {
  await rm(out, { recursive: true, force: true });
}
