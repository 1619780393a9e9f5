import { join } from "node:path";
import * as vscode from "vscode";
import { AutoCompress } from "./editor/autoCompress.ts";
import { compressImages } from "./editor/compressCommand.ts";
import { askForKey } from "./editor/connection.ts";
import { convertToWebp } from "./editor/convertCommand.ts";
import { errorText } from "./editor/messages.ts";
import type { Services } from "./editor/services.ts";
import { undoLast } from "./editor/undoCommand.ts";
import { viewUsage } from "./editor/usagePanel.ts";
import { Known } from "./run/known.ts";
import { fileStore } from "./run/store.ts";
import { Uploads } from "./run/uploads.ts";

/** Called by the editor once, after it has started. */
export function activate(context: vscode.ExtensionContext): void {
  const storage = (context.storageUri ?? context.globalStorageUri).fsPath;
  const services: Services = {
    secrets: context.secrets,
    log: vscode.window.createOutputChannel("MiniPic"),
    journals: join(storage, "undo"),
    autoJournals: join(storage, "undo-auto"),
    known: new Known(fileStore(join(storage, "compressed.txt"))),
    uploads: new Uploads(fileStore(join(storage, "uploads.txt")), Date.now()),
    inWork: new Set(),
  };
  const auto = new AutoCompress(services, context.workspaceState);
  context.subscriptions.push(
    services.log,
    auto,
    command("setApiKey", () => askForKey(services.secrets)),
    command("compressImages", (uri?: vscode.Uri, uris?: vscode.Uri[]) => compressImages(services, uri, uris)),
    command("convertToWebp", (uri?: vscode.Uri, uris?: vscode.Uri[]) => convertToWebp(services, uri, uris)),
    command("toggleAutoCompress", () => auto.toggle()),
    command("viewUsage", () => viewUsage(services)),
    command("undoLastCompression", () => undoLast(services)),
  );
}

/** A command whose errors are told in the editor's own way. */
function command(name: string, run: (uri?: vscode.Uri, uris?: vscode.Uri[]) => Promise<unknown>): vscode.Disposable {
  return vscode.commands.registerCommand(`minipic.${name}`, async (uri?: vscode.Uri, uris?: vscode.Uri[]) => {
    try {
      await run(uri, uris);
    } catch (error) {
      void vscode.window.showErrorMessage(`MiniPic: ${errorText(error)}`);
    }
  });
}
