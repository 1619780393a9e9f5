import { answer, image, tinify } from "./client.mjs";

await tinify.fromFile(image).toFile(process.env.TARGET);
answer({});
