import { beforeEach, describe, expect, it } from "vitest";

import { BadAddress } from "../../../src/api/address.ts";
import { askForKey, connect, connectSilently } from "../../../src/editor/connection.ts";
import { memory } from "../../double/vscode.ts";
import { KEY } from "../api/server.ts";
import { newStage, type Stage, until } from "./stage.ts";

const OTHER_KEY = KEY.replace("0", "9");
let stage: Stage;
let secretName: string;

beforeEach(async () => {
  stage = await newStage();
  secretName = `minipic.apiKey ${stage.server.url}`;
});

/** The box that asks for a key, as soon as it is there. */
async function box() {
  await until(() => memory.inputs[0]?.isShown === true);
  const [input] = memory.inputs;
  if (input === undefined) throw new Error("There is no box.");
  const type = (value: string): void => {
    input.value = value;
    input.change.fire(value);
    input.accept.fire(undefined);
  };
  return { input, type };
}

describe("connect", () => {
  it("asks nothing where a key is stored", async () => {
    const client = await connect(stage.services);
    expect([client === undefined, memory.inputs]).toEqual([false, []]);
  });

  it("asks for a key where none is stored, and goes on with it", async () => {
    stage.secrets.clear();
    const connected = connect(stage.services);
    (await box()).type(KEY);
    expect(await (await connected)?.usage(new AbortController().signal)).toMatchObject({ count: 1234 });
  });

  it("takes the key of one address for no other", async () => {
    memory.settings.set("baseUrl", "https://elsewhere.example");
    expect(await connectSilently(stage.services)).toBeUndefined();
    expect(memory.inputs).toEqual([]);
  });

  it("is silent with a key that is stored", async () => {
    expect(await connectSilently(stage.services)).toBeDefined();
  });

  it("throws for an address that is none", async () => {
    memory.settings.set("baseUrl", "nowhere");
    await expect(connect(stage.services)).rejects.toThrow(BadAddress);
  });
});

describe("askForKey", () => {
  it("hides what is typed, and stays while one looks elsewhere for the key", async () => {
    const asked = askForKey(stage.services.secrets);
    const { input } = await box();
    expect([input.password, input.ignoreFocusOut]).toEqual([true, true]);
    input.hide.fire(undefined);
    await asked;
  });

  it("stores a key that the service takes, for this address", async () => {
    stage.secrets.clear();
    const asked = askForKey(stage.services.secrets);
    (await box()).type(` ${KEY}\n`);
    expect([await asked, [...stage.secrets]]).toEqual([KEY, [[secretName, KEY]]]);
    expect(memory.messages.map(({ text }) => text)).toEqual(["MiniPic: the key is good, and stored."]);
  });

  it("keeps the box open for a key that the service refuses, and stores none", async () => {
    stage.secrets.clear();
    const asked = askForKey(stage.services.secrets);
    const { input, type } = await box();
    type(OTHER_KEY);
    await until(() => input.validationMessage !== undefined && input.enabled);
    expect([input.validationMessage, stage.secrets.size, input.isDisposed]).toEqual([
      "This key is not valid.",
      0,
      false,
    ]);
    type(KEY);
    expect(await asked).toBe(KEY);
  });

  it("sends nothing for what cannot be a key", async () => {
    const asked = askForKey(stage.services.secrets);
    const { input, type } = await box();
    type("short");
    await until(() => input.validationMessage !== undefined);
    expect([input.validationMessage?.includes("cannot be a key"), stage.server.seen]).toEqual([true, []]);
    input.hide.fire(undefined);
    await asked;
  });

  it("takes what was wrong away as soon as one types on", async () => {
    const asked = askForKey(stage.services.secrets);
    const { input, type } = await box();
    type("short");
    await until(() => input.validationMessage !== undefined);
    input.change.fire("shorter");
    expect(input.validationMessage).toBeUndefined();
    input.hide.fire(undefined);
    await asked;
  });

  it("tries a key once, however often Enter is pressed", async () => {
    const asked = askForKey(stage.services.secrets);
    const { input, type } = await box();
    type(KEY);
    input.accept.fire(undefined);
    input.accept.fire(undefined);
    await asked;
    expect(stage.server.seen).toHaveLength(1);
  });

  it("removes the stored key for an empty input", async () => {
    const asked = askForKey(stage.services.secrets);
    const { input, type } = await box();
    expect(input.prompt).toContain("Leave it empty to remove");
    type(" ");
    expect([await asked, stage.secrets.size, stage.server.seen]).toEqual([undefined, 0, []]);
  });

  it("takes an empty input for no removal where no key is stored", async () => {
    stage.secrets.clear();
    const asked = askForKey(stage.services.secrets);
    const { input, type } = await box();
    type("");
    await until(() => input.validationMessage !== undefined);
    input.hide.fire(undefined);
    expect(await asked).toBeUndefined();
  });

  it("gives nothing when the box is closed, and takes it away", async () => {
    const asked = askForKey(stage.services.secrets);
    const { input } = await box();
    input.hide.fire(undefined);
    expect([await asked, input.isDisposed, stage.secrets.size]).toEqual([undefined, true, 1]);
  });

  it("stores nothing for a box that was closed while the key was tried", async () => {
    stage.secrets.clear();
    const asked = askForKey(stage.services.secrets);
    const { input, type } = await box();
    type(KEY);
    input.hide.fire(undefined);
    await asked;
    await until(() => !input.busy);
    expect([stage.secrets.size, input.validationMessage]).toEqual([0, undefined]);
  });

  it("throws what the secret storage throws", async () => {
    stage.services.secrets.store = () => Promise.reject(new Error("no keyring"));
    const asked = askForKey(stage.services.secrets);
    (await box()).type(KEY);
    await expect(asked).rejects.toThrow("no keyring");
  });
});
