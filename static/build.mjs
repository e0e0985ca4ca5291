// Builds static/dist: scripts and styles under content-hashed names, and manifest.json to find them.

import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(here);
const dist = path.join(here, "dist");
const katex = path.join(root, "node_modules", "katex", "dist");

const PAGES = ["app", "finish", "math", "room", "rules", "review"];
const TARGET = ["chrome100", "firefox100", "safari15.4"];

const common = {
  absWorkingDir: root,
  bundle: true,
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  assetNames: "[name]-[hash]",
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  minify: true,
  outdir: dist,
  sourcemap: false,
  target: TARGET,
};

/** KaTeX names three formats for each face; every browser of TARGET, and WeasyPrint, reads woff2. */
const onlyWoff2 = {
  name: "only-woff2",
  setup(build) {
    build.onLoad({ filter: /katex\.css$/ }, async ({ path: file }) => ({
      contents: (await readFile(file, "utf8")).replace(/,\s*url\([^)]*\.(woff|ttf)\)\s*format\([^)]*\)/g, ""),
      loader: "css",
      resolveDir: path.dirname(file),
    }));
  },
};

const builds = [
  {
    ...common,
    entryPoints: PAGES.map((name) => path.join(here, "src", `${name}.ts`)),
    format: "esm",
    splitting: true,
  },
  // Runs before the first paint, so it cannot be a module (those wait for the document).
  { ...common, entryPoints: [path.join(here, "src", "theme.ts")], format: "iife" },
  {
    ...common,
    entryPoints: [path.join(here, "css", "app.css"), path.join(katex, "katex.css")],
    loader: { ".woff2": "file" },
    plugins: [onlyWoff2],
  },
  // A transcript is one file that needs no other: its fonts for formulas are inside.
  {
    ...common,
    entryPoints: [path.join(here, "css", "export.css")],
    loader: { ".woff2": "dataurl" },
    plugins: [onlyWoff2],
  },
];

/** Map logical names ("room.js") to built ones ("room-5WQ2KZ.js"). */
function named(results) {
  const manifest = {};
  for (const { metafile } of results) {
    for (const [file, output] of Object.entries(metafile.outputs)) {
      if (!output.entryPoint) continue;
      const logical = path.basename(output.entryPoint).replace(/\.ts$/, ".js");
      manifest[logical] = path.basename(file);
    }
  }
  return manifest;
}

/** The server renders formulas of PDFs with the classic build: it needs no module loader. */
async function copyKatexForServer(manifest) {
  const source = path.join(katex, "katex.min.js");
  const hash = createHash("sha256").update(await readFile(source)).digest("hex").slice(0, 8).toUpperCase();
  manifest["katex.min.js"] = `katex.min-${hash}.js`;
  await copyFile(source, path.join(dist, manifest["katex.min.js"]));
}

async function build() {
  await rm(dist, { recursive: true, force: true });
  await mkdir(dist, { recursive: true });
  const manifest = named(await Promise.all(builds.map((options) => esbuild.build(options))));
  await copyKatexForServer(manifest);
  const sorted = Object.fromEntries(Object.entries(manifest).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(path.join(dist, "manifest.json"), `${JSON.stringify(sorted, null, 2)}\n`);
}

async function watch() {
  const { watch: onChange } = await import("node:fs");
  let waiting;
  const again = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => build().catch(() => undefined), 150);
  };
  for (const folder of ["src", "css"]) onChange(path.join(here, folder), { recursive: true }, again);
}

await build();
if (process.argv.includes("--watch")) await watch();
