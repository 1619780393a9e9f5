/** Runs the tests of ./host inside the extension host; each is reported here under its own title. */
import { EventEmitter, once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, inject, test } from "vitest";
import { OUTCOMES, type Outcome } from "./host/run.ts";
import { startServer } from "./server.ts";
import { launchBrowser, newContext, Window } from "./window.ts";

const SOURCES = fileURLToPath(new URL("host/", import.meta.url));
const BUNDLES = fileURLToPath(new URL("../../dist/host-tests/", import.meta.url));
const PATIENCE_MS = 300_000;
const { service } = inject("running");

/** Bundles the tests, opens a window in which they run, and gives what came out of each. */
async function outcomes(): Promise<Outcome[]> {
  rmSync(BUNDLES, { recursive: true, force: true });
  await build({
    entryPoints: readdirSync(SOURCES).map((name) => join(SOURCES, name)),
    outdir: BUNDLES,
    outExtension: { ".js": ".cjs" },
    bundle: true,
    platform: "node",
    format: "cjs",
    external: ["vscode", "mocha"],
    sourcemap: "inline",
    logLevel: "error",
  });
  // Only with this driver the editor takes the tests' path from the address; it hides messages, so others go without.
  const editor = await startServer({ "minipic.baseUrl": service.url }, ["--enable-smoke-test-driver"]);
  const browser = await launchBrowser();
  const folder = mkdtempSync(join(tmpdir(), "minipic-host-"));
  try {
    const context = await newContext(browser);
    const first = await Window.open(browser, editor.url, folder, { context });
    await first.setKey(service.key);
    await first.page.close();
    const page = await context.newPage();
    const ended = new EventEmitter();
    await page.exposeFunction("codeAutomationExit", () => ended.emit("end"));
    const authority = new URL(editor.url).host;
    const remote = (path: string) => `vscode-remote://${authority}${path}`;
    const payload = [
      ["extensionDevelopmentPath", remote(editor.extensionFolder)],
      ["extensionTestsPath", remote(join(BUNDLES, "run.cjs"))],
    ];
    const query = new URLSearchParams({ folder, payload: JSON.stringify(payload) });
    const end = once(ended, "end", { signal: AbortSignal.timeout(PATIENCE_MS) });
    await page.goto(`${editor.url}/?${query.toString()}`);
    await end;
    return JSON.parse(readFileSync(join(BUNDLES, OUTCOMES), "utf8")) as Outcome[];
  } finally {
    await browser.close();
    await editor.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const { title, error } of await outcomes()) {
  test(title, () => {
    expect(error).toBeUndefined();
  });
}
