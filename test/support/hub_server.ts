import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

export interface HubServer {
  /** Address to give as `host`. */
  readonly host: string;
  /** Paths that were asked for, in order. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** A server on this machine with the files of model folders under a hub's paths: `/<name>/resolve/<revision>/<file>`. */
export async function hubServer(models: Record<string, string>): Promise<HubServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const asked = decodeURIComponent(request.url ?? "");
    requests.push(asked);
    const [, model = "", file = ""] = /^\/(.+?)\/resolve\/[^/]+\/(.+)$/.exec(asked) ?? [];
    const folder = models[model];
    const found = folder && !file.includes("..") ? path.join(folder, file) : undefined;
    if (!found || !existsSync(found)) {
      response.writeHead(404).end("Entry not found");
      return;
    }
    response.writeHead(200, {
      "content-type": file.endsWith(".json") ? "application/json" : "application/octet-stream",
    });
    createReadStream(found).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
