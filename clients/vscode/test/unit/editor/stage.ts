/** The extension's services in plain memory, a folder as workspace, and a small service on the loopback. */

import { join } from "node:path";
import type * as vscode from "vscode";
import type { Services } from "../../../src/editor/services.ts";
import { forget, memory, Uri, window } from "../../double/vscode.ts";
import { KEY, sendJson, serve, type Server } from "../api/server.ts";
import { newFolder } from "../images/folder.ts";
import { Uploads } from "../../../src/run/uploads.ts";
import { forgetful, nowhere, SMALL, WEBP } from "../run/run.ts";

export const USAGE = {
  month: "2026-11",
  plan: "free",
  count: 1234,
  free: { limit: 500, used: 432, remaining: 68, resets_at: "2026-12-01T00:00:00Z" },
  credits: { remaining: 1201, packs: [] },
  by_operation: { compress: 1230, shrink: 4 },
  bytes_in: 5_400_000,
  bytes_out: 2_100_000,
  limits: { max_bytes: 5_242_880, max_pixels: 1e8, rate_per_second: 10, burst: 20, concurrency: 20 },
};

export interface Stage {
  services: Services;
  /** What the secret storage holds. */
  secrets: Map<string, string>;
  /** The workspace folder. */
  root: string;
  server: Server;
}

/** Sets all up afresh: a workspace, a service that takes KEY, the settings that name it; its key is stored. */
export async function newStage(): Promise<Stage> {
  forget();
  const root = join(newFolder(), "website");
  const server = await serve(({ headers, target, method }, response) => {
    if (headers.authorization !== `Bearer ${KEY}`) {
      sendJson(401, { error: "Unauthorized", message: "This key is not valid." })(response);
    } else if (method === "GET") {
      sendJson(200, USAGE)(response);
    } else {
      const isWebp = target.includes("format=webp");
      const type = isWebp ? "image/webp" : "image/png";
      response.writeHead(200, { "Content-Type": type }).end(isWebp ? WEBP : SMALL);
    }
  });
  memory.folders = [{ uri: Uri.file(root) }];
  memory.settings.set("baseUrl", server.url);
  const secrets = new Map([[`minipic.apiKey ${server.url}`, KEY]]);
  const services: Services = {
    secrets: secretStorage(secrets),
    log: window.createOutputChannel() as unknown as vscode.OutputChannel,
    journals: join(newFolder(), "undo"),
    autoJournals: join(newFolder(), "undo-auto"),
    known: forgetful(),
    uploads: new Uploads(nowhere(), 0),
    inWork: new Set(),
  };
  return { services, secrets, root, server };
}

function secretStorage(secrets: Map<string, string>): vscode.SecretStorage {
  return {
    get: (name: string) => Promise.resolve(secrets.get(name)),
    store: (name: string, value: string) => Promise.resolve(void secrets.set(name, value)),
    delete: (name: string) => Promise.resolve(void secrets.delete(name)),
  } as unknown as vscode.SecretStorage;
}

/** A file's address as the explorer hands it to a command. */
export function uri(path: string): vscode.Uri {
  return Uri.file(path) as unknown as vscode.Uri;
}

/** Waits until something has come about in the turns that follow. */
export async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise((resolve) => setImmediate(resolve));
}
