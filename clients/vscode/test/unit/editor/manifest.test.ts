import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import type * as vscode from "vscode";
import { describe, expect, it } from "vitest";

import { activate } from "../../../src/extension.ts";
import { forget, memory } from "../../double/vscode.ts";
import { newFolder } from "../images/folder.ts";
import { uri } from "./stage.ts";

const PROJECT = fileURLToPath(new URL("../../../", import.meta.url));
const json = (name: string): Record<string, string> =>
  JSON.parse(readFileSync(join(PROJECT, name), "utf8")) as Record<string, string>;
const manifestText = readFileSync(join(PROJECT, "package.json"), "utf8");
const manifest = JSON.parse(manifestText) as {
  contributes: { commands: { command: string; title: string }[]; menus: Record<string, { command: string }[]> };
};
const translated = json("l10n/bundle.l10n.zh-cn.json");
const placeholders = (text: string): string[] => (text.match(/\{\d\}/g) ?? []).sort();

/** The first argument of every call of `t`, `l10n.t` or `sentence` in the sources, as it is at run-time. */
function givenTexts(): string[] {
  const names = readdirSync(join(PROJECT, "src"), { encoding: "utf8", recursive: true });
  const files = names.filter((name) => name.endsWith(".ts")).map((name) => join(PROJECT, "src", name));
  return files.flatMap((file) => {
    const texts: string[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && /^((vscode\.l10n\.)?t|sentence)$/.test(node.expression.getText())) {
        const [text] = node.arguments;
        // These are the templates of sentences, or the service's own words.
        if (text?.getText() === "error.sentence.template" || text?.getText() === "words") return;
        if (text === undefined || !ts.isStringLiteralLike(text)) throw new Error(`No text: ${node.getText()}`);
        texts.push(text.text);
      }
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022, true));
    return texts;
  });
}

function activated(storage: { folder?: string } = {}): { subscriptions: unknown[]; state: Map<string, unknown> } {
  forget();
  const subscriptions: unknown[] = [];
  const state = new Map<string, unknown>();
  activate({
    subscriptions,
    workspaceState: {
      get: (name: string, fallback: unknown) => state.get(name) ?? fallback,
      update: (name: string, value: unknown) => Promise.resolve(void state.set(name, value)),
    },
    secrets: { get: () => Promise.resolve(undefined) },
    storageUri: storage.folder === undefined ? undefined : uri(storage.folder),
    globalStorageUri: uri(newFolder()),
  } as unknown as vscode.ExtensionContext);
  return { subscriptions, state };
}

describe("texts", () => {
  it("are all translated, and nothing else is", () => {
    expect([...new Set(givenTexts())].sort()).toEqual(Object.keys(translated).sort());
  });

  it("have the same placeholders in each language", () => {
    for (const [text, translation] of Object.entries(translated)) {
      expect([text, placeholders(translation)]).toEqual([text, placeholders(text)]);
    }
  });

  it("of the manifest are in each language, and no others", () => {
    const names = [...manifestText.matchAll(/"%([^%"]+)%"/g)].map(([, name]) => name).sort();
    expect(Object.keys(json("package.nls.json")).sort()).toEqual(names);
    expect(Object.keys(json("package.nls.zh-cn.json")).sort()).toEqual(names);
  });

  it("are empty in no language", () => {
    const all = [translated, json("package.nls.json"), json("package.nls.zh-cn.json")].flatMap(Object.values<string>);
    expect(all.filter((text) => text.trim() === "")).toEqual([]);
  });
});

describe("commands", () => {
  const declared = manifest.contributes.commands.map(({ command }) => command);

  it("are registered just as the manifest declares them", () => {
    activated();
    expect([...memory.commands.keys()].sort()).toEqual([...declared].sort());
  });

  it("carry the name MiniPic in their titles, as menus show no category", () => {
    for (const language of ["package.nls.json", "package.nls.zh-cn.json"]) {
      const titles = manifest.contributes.commands.map(({ title }) => json(language)[title.replaceAll("%", "")]);
      expect(titles.every((title) => title?.startsWith("MiniPic: "))).toBe(true);
    }
  });

  it("of menus are declared", () => {
    const inMenus = Object.values(manifest.contributes.menus).flat();
    expect(inMenus.filter(({ command }) => !declared.includes(command))).toEqual([]);
  });

  it("tell their errors as messages", async () => {
    activated();
    memory.settings.set("baseUrl", "nowhere");
    await memory.commands.get("minipic.setApiKey")?.();
    expect(memory.messages).toMatchObject([
      { kind: "error", text: expect.stringContaining("minipic.baseUrl") as string },
    ]);
  });

  it("are all handed to the window for its end", () => {
    // The commands, the log, and auto-compress.
    expect(activated({ folder: newFolder() }).subscriptions).toHaveLength(declared.length + 2);
  });

  it.each(["compressImages", "convertToWebp"])("%s is told that a virtual workspace lies on no disk", async (name) => {
    activated();
    await memory.commands.get(`minipic.${name}`)?.({ scheme: "vscode-vfs", path: "/a.png", fsPath: "/a.png" });
    expect(memory.messages).toMatchObject([{ kind: "information", text: expect.stringContaining("disk") as string }]);
  });

  it("undoLastCompression finds nothing to undo at first", async () => {
    activated();
    await memory.commands.get("minipic.undoLastCompression")?.();
    expect(memory.messages.map(({ text }) => text)).toEqual(["MiniPic: there is nothing to undo."]);
  });

  it.each(["toggleAutoCompress", "viewUsage"])("%s asks for a key, and does nothing without one", async (name) => {
    activated();
    const done = Promise.resolve(memory.commands.get(`minipic.${name}`)?.());
    while (memory.inputs[0]?.isShown !== true) await Promise.resolve();
    memory.inputs[0].hide.fire(undefined);
    await done;
    expect([memory.messages, memory.panels, memory.watchers]).toEqual([[], [], []]);
  });
});
