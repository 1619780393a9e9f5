/** The real service for tests: a process of its own with fresh data, on a free port of the loopback. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const PROJECT_FOLDER = fileURLToPath(new URL("../../../", import.meta.url));
const PYTHON = join(PROJECT_FOLDER, ".venv", "bin", "python");
const PATIENCE_MS = 60_000;
const STOP_WITHIN_MS = 10_000;
const STARTS = 3; // another process may take the port between its choice and its use
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

/** Gives a port of the loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

/** Starts the service and gives it when it answers; an Error with what it printed if it never does. */
export async function startService(): Promise<Service> {
  for (let start = 1; ; start += 1) {
    const folder = mkdtempSync(join(tmpdir(), "minipic-service-"));
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const log = join(folder, "service.log");
    const child = launch(folder, port, log);
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
    const isReady = await answers(url, child);
    const printed = readFileSync(log, "utf8");
    if (isReady) return { url, key: /mp_live_\w+/.exec(printed)?.[0] ?? "", stop };
    await stop();
    if (start === STARTS || !printed.includes("address already in use")) {
      throw new Error(`The service does not start:\n${printed}`);
    }
  }
}

function launch(folder: string, port: number, log: string): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name.toUpperCase()));
  const output = openSync(log, "w");
  const child = spawn(PYTHON, ["-m", "minipic.local"], {
    cwd: PROJECT_FOLDER,
    env: { ...Object.fromEntries(inherited), MINIPIC_DATA: join(folder, "data"), PORT: String(port) },
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  return child;
}

async function answers(url: string, child: ChildProcess): Promise<boolean> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  while (isRunning(child) && Date.now() < deadlineMs) {
    const response = await fetch(`${url}/healthz`).catch(() => undefined);
    if (response?.ok === true) return true;
    await sleep(50);
  }
  return false;
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
