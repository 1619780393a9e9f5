/** Starts the service and the editor once for all test files, which are told of them by `inject("running")`. */
import type {} from "vitest";
import type { TestProject } from "vitest/node";
import { startService } from "../service.ts";
import { startServer } from "./server.ts";

/** What test files are told of the service and the editor. */
export interface Running {
  service: { url: string; key: string };
  editor: { url: string; dataFolder: string };
}

declare module "vitest" {
  export interface ProvidedContext {
    running: Running;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const service = await startService();
  const editor = await startServer({ "minipic.baseUrl": service.url });
  const { url, dataFolder } = editor;
  project.provide("running", {
    service: { url: service.url, key: service.key },
    editor: { url, dataFolder },
  });
  return async () => {
    await editor.stop();
    await service.stop();
  };
}
