import { answer, failure, tinify } from "./client.mjs";

answer({ failure: await failure(() => tinify.validate()) });
