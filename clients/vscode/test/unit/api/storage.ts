/** A service with upload forms, and the storage that they post to. */

import { type Handler, sendImage, sendJson, serve, type Server } from "./server.ts";

export const taken: Handler = (_seen, response) => response.writeHead(204).end();

const shrunk: Handler = (_seen, response) => {
  sendImage()(response);
};

/** A service whose upload forms post to `storage`, named upload-1, upload-2 and so on. */
export async function serviceWith(storage: Server, compress = shrunk): Promise<Server> {
  let forms = 0;
  return serve((seen, response, count) => {
    if (seen.target !== "/v1/uploads") {
      compress(seen, response, count);
      return;
    }
    forms += 1;
    const fields = { key: `upload-${forms}`, policy: "signed" };
    sendJson(201, { upload: `upload-${forms}`, url: `${storage.url}/bucket`, fields, expires_in: 600 })(response);
  });
}

export function targets({ seen }: Server): string[] {
  return seen.map(({ target }) => target.replace(/\?.*/, ""));
}
