import { answer, failure, image, tinify } from "./client.mjs";

answer({ failure: await failure(() => tinify.fromFile(image).toBuffer()) });
