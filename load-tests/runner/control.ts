/**
 * Scenarios ask for faults here, so that they come when the requests that they are about begin, and for the memory that the
 * server takes.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { World } from './world.ts';

export interface Control {
  readonly url: string;
  close(): Promise<void>;
}

export async function startControl({ redis, memoryBytes }: World): Promise<Control> {
  const actions: ReadonlyMap<string, () => unknown> = new Map<string, () => unknown>([
    ['/redis/hang', () => redis.suspend()],
    ['/redis/resume', () => redis.resume()],
    ['/redis/kill', () => redis.kill()],
    ['/redis/restart', () => redis.restart()],
    ['/memory', () => ({ bytes: memoryBytes() })],
  ]);

  async function act(path: string): Promise<string> {
    const action = actions.get(path);
    if (action === undefined) throw new Error(`there is no ${path}`);
    return JSON.stringify((await action()) ?? {});
  }

  const server = createServer((request, response) => {
    act(request.url ?? '').then(
      (answer) => response.writeHead(200, { 'content-type': 'application/json' }).end(answer),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
