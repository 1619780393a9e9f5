/** The real service for tests: a process of its own with fresh data, on a free port of the loopback. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const PROJECT_FOLDER = fileURLToPath(new URL("../../../", import.meta.url));
const PYTHON = join(PROJECT_FOLDER, ".venv", "bin", "python");
const PATIENCE_MS = 60_000;
const STOP_WITHIN_MS = 10_000;
const FOREIGN = /^(MINIPIC_|AWS_|PUBLIC_URL$)/;

/** A running service. */
export interface Service {
  /** Its address, without a slash at the end. */
  url: string;
  /** A key of a fresh account of the free plan. */
  key: string;
  /** Ends the process and removes its data. */
  stop: () => Promise<void>;
}

/** Starts the service and gives it when it answers; an Error with what it printed if it never does. */
export async function startService(): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), "minipic-service-"));
  const log = join(folder, "service.log");
  const child = launch(folder, log);
  const remove = () => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const endNow = () => {
    child.kill("SIGKILL");
    remove();
  };
  process.once("exit", endNow);
  const stop = async () => {
    await ended(child);
    process.off("exit", endNow);
    remove();
  };
  await once(child, "spawn");
  const url = await answering(child, log, /MiniPic on http:\/\/(\S+) /, "/healthz");
  const printed = readFileSync(log, "utf8");
  if (url !== undefined) return { url, key: /mp_live_\w+/.exec(printed)?.[0] ?? "", stop };
  await stop();
  throw new Error(`The service does not start:\n${printed}`);
}

/** On a port that it chooses itself: one that was chosen for it, another process could take before. */
function launch(folder: string, log: string): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name.toUpperCase()));
  const output = openSync(log, "w");
  const child = spawn(PYTHON, ["-m", "minipic.local"], {
    cwd: PROJECT_FOLDER,
    env: { ...Object.fromEntries(inherited), MINIPIC_DATA: join(folder, "data"), PORT: "0" },
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  return child;
}

/** Gives the address whose host and port a process says in its log, as soon as it answers there; undefined if it never does. */
export async function answering(
  child: ChildProcess,
  log: string,
  said: RegExp,
  path: string,
): Promise<string | undefined> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  while (isRunning(child) && Date.now() < deadlineMs) {
    const authority = said.exec(readFileSync(log, "utf8"))?.[1];
    const url = `http://${authority ?? ""}`;
    const response = authority === undefined ? undefined : await fetch(url + path).catch(() => undefined);
    if (response?.ok === true) return url;
    await sleep(50);
  }
  return undefined;
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

async function ended(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  const killer = setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS);
  await exit;
  clearTimeout(killer);
}
