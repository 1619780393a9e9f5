// Runs each of CHAINS, lists of [method, ...arguments], on one source: the file IMAGE, or the address URL.
import { answer, failure, image, tinify } from "./client.mjs";

const source = process.env.URL ? tinify.fromUrl(process.env.URL) : tinify.fromFile(image);
const results = [];
for (const chain of JSON.parse(process.env.CHAINS)) {
  const found = {};
  found.failure = await failure(async () => {
    const result = chain.reduce((from, [method, ...args]) => from[method](...args), source).result();
    found.image = Buffer.from(await result.toBuffer()).toString("base64");
    found.size = [await result.width(), await result.height()];
    found.bytes = await result.size();
    found.type = await result.mediaType();
    found.extension = await result.extension();
    found.location = (await result.location()) ?? null;
  });
  results.push({ ...found, count: tinify.compressionCount ?? null });
}
answer({ results });
