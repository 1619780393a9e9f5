/** A stage with one image, and a page that refers to it. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { memory } from "../../double/vscode.ts";
import { put } from "../images/folder.ts";
import { PNG } from "../run/run.ts";
import { newStage, type Stage } from "./stage.ts";

export const HTML = `<img src="img/a.png"><img src="other.png">`;
/** The page after a conversion of the image. */
export const NEW_HTML = `<img src="img/a.webp"><img src="other.png">`;

/** Paths of the image, of its result, and of the page. */
export interface Website {
  stage: Stage;
  image: string;
  target: string;
  html: string;
}

export async function newWebsite(): Promise<Website> {
  const stage = await newStage();
  const image = put(stage.root, "img/a.png", PNG);
  const html = put(stage.root, "index.html", HTML);
  return { stage, image, target: join(stage.root, "img/a.webp"), html };
}

export function text(path: string): string {
  return readFileSync(path, "utf8");
}

/** What the last message says. */
export function summaryText(): string | undefined {
  return memory.messages.at(-1)?.text;
}
