// The official client, pointed at ENDPOINT in the way that its users do; `answer` prints what a script found as JSON.
import { createRequire } from "node:module";

const require = createRequire(`${process.env.CLIENT_FOLDER}/`);
export const tinify = require("tinify");

tinify.Client.API_ENDPOINT = process.env.ENDPOINT;
tinify.Client.CA_BUNDLE = undefined; // the built-in list replaces Node's own, NODE_EXTRA_CA_CERTS included
tinify.key = process.env.KEY;

export const image = process.env.IMAGE;

export function answer(found) {
  console.log(JSON.stringify({ ...found, count: tinify.compressionCount ?? null }));
}

export async function failure(work) {
  try {
    await work();
  } catch (error) {
    return { kind: error.constructor.name, status: error.status, message: error.message };
  }
  return null;
}
