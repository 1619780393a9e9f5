import * as vscode from "vscode";
import { checkedKey } from "../api/address.ts";
import { Client } from "../api/client.ts";
import { errorText } from "./messages.ts";
import type { Services } from "./services.ts";
import { address } from "./settings.ts";

const { t } = vscode.l10n;
const PATIENCE_MS = 30_000;

type Connectors = Pick<Services, "secrets" | "uploads">;

/**
 * A client for the service of the settings, with the key that was given for it; asks for a key where there is none.
 * Undefined when the question was closed. Throws BadAddress.
 */
export async function connect({ secrets, uploads }: Connectors): Promise<Client | undefined> {
  const service = address();
  const key = (await secrets.get(secretName(service))) ?? (await askForKey(secrets));
  return key === undefined ? undefined : new Client(service, key, { uploads });
}

/** The client, if a key is stored; asks nothing. */
export async function connectSilently({ secrets, uploads }: Connectors): Promise<Client | undefined> {
  const service = address();
  const key = await secrets.get(secretName(service));
  return key === undefined ? undefined : new Client(service, key, { uploads });
}

/** Ask for a key, try it at once, and store it if the service takes it. Undefined when the question was closed. */
export async function askForKey(secrets: vscode.SecretStorage): Promise<string | undefined> {
  const service = address();
  const isStored = (await secrets.get(secretName(service))) !== undefined;
  const input = vscode.window.createInputBox();
  input.title = t("MiniPic: Set API Key");
  input.prompt = isStored
    ? t("The key for {0}. Leave it empty to remove the stored one.", service)
    : t("The key for {0}. It is kept in the editor's secret storage.", service);
  input.placeholder = "mp_live_…";
  input.password = true;
  input.ignoreFocusOut = true;
  const closed = new AbortController();
  try {
    return await new Promise<string | undefined>((resolve, reject) => {
      input.onDidHide(() => {
        closed.abort();
        resolve(undefined);
      });
      input.onDidChangeValue(() => {
        input.validationMessage = undefined;
      });
      input.onDidAccept(() => {
        if (input.busy) return;
        const isRemoval = isStored && input.value.trim() === "";
        (isRemoval ? remove() : tryKey(input, service, closed.signal).then(store)).catch(reject);
      });
      const store = async (key: string | undefined): Promise<void> => {
        if (key === undefined) return;
        await secrets.store(secretName(service), key);
        void vscode.window.showInformationMessage(t("MiniPic: the key is good, and stored."));
        resolve(key);
      };
      const remove = async (): Promise<void> => {
        await secrets.delete(secretName(service));
        void vscode.window.showInformationMessage(t("MiniPic: the key was removed."));
        resolve(undefined);
      };
      input.show();
    });
  } finally {
    input.dispose();
  }
}

/** The key that was typed, if the service takes it; else says in the box what is wrong. */
async function tryKey(input: vscode.InputBox, service: string, closed: AbortSignal): Promise<string | undefined> {
  input.busy = true;
  input.enabled = false;
  try {
    const key = checkedKey(input.value);
    await new Client(service, key).usage(AbortSignal.any([closed, AbortSignal.timeout(PATIENCE_MS)]));
    return key;
  } catch (error) {
    if (!closed.aborted) input.validationMessage = errorText(error);
    return undefined;
  } finally {
    input.enabled = true;
    input.busy = false;
  }
}

/** A key belongs to one address: a workspace that names another service does not get it. */
function secretName(service: string): string {
  return `minipic.apiKey ${service}`;
}
