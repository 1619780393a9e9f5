import { readFile } from "node:fs/promises";
import { answer, image, tinify } from "./client.mjs";

const smaller = await tinify.fromBuffer(await readFile(image)).toBuffer();
answer({ image: Buffer.from(smaller).toString("base64") });
