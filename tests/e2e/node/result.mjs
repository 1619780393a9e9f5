import { answer, image, tinify } from "./client.mjs";

const source = tinify.fromFile(image);
const result = source.result();
answer({
  size: await result.size(),
  width: await result.width(),
  height: await result.height(),
  mediaType: await result.mediaType(),
  extension: await result.extension(),
  bytes: (await result.toBuffer()).length,
  again: (await source.toBuffer()).length,
  location: await source._url,
});
