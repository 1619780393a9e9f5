// Bundle the extension into one file, with the licences of what is bundled beside it.
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const BUNDLED = ["picomatch"];

await build({
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.cjs",
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  external: ["vscode"],
  minify: true,
});
const licences = BUNDLED.map((name) => `${name}\n\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8")}`);
writeFileSync("dist/LICENSES.txt", licences.join("\n"));
