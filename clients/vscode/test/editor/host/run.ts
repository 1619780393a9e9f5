/** What the editor calls inside the extension host: runs the bundled tests beside this file and writes what came out. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Mocha from "mocha";

/** What came out of one test. */
export interface Outcome {
  title: string;
  /** What went wrong, with its stack; absent when the test passed. */
  error?: string;
}

/** The file of outcomes, in the folder of the bundled tests. */
export const OUTCOMES = "outcomes.json";

const TIMEOUT_MS = 60_000;

/** Runs every test. An Error if one failed, or there was none. */
export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: "bdd", timeout: TIMEOUT_MS, reporter: "min" });
  const files = readdirSync(__dirname).filter((name) => name.endsWith(".test.cjs"));
  for (const file of files.sort()) mocha.addFile(join(__dirname, file));
  const outcomes: Outcome[] = [];
  const failures = await new Promise<number>((done) => {
    const runner = mocha.run(done);
    runner.on("pass", (test) => outcomes.push({ title: test.fullTitle() }));
    runner.on("fail", (test, error: Error) =>
      outcomes.push({ title: test.fullTitle(), error: error.stack ?? error.message }),
    );
  });
  writeFileSync(join(__dirname, OUTCOMES), JSON.stringify(outcomes));
  if (failures > 0 || outcomes.length === 0) throw new Error(`${failures} of ${outcomes.length} tests failed`);
}
