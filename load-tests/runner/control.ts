/** Scenarios ask for faults here, so that they come when the requests that they are about begin. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OwnRedis } from '../../test/services/redis.ts';

export interface Control {
  readonly url: string;
  close(): Promise<void>;
}

export async function startControl(redis: OwnRedis): Promise<Control> {
  const actions: ReadonlyMap<string, () => Promise<void> | void> = new Map([
    ['/redis/hang', () => redis.suspend()],
    ['/redis/resume', () => redis.resume()],
    ['/redis/kill', () => redis.kill()],
    ['/redis/restart', () => redis.restart()],
  ]);

  async function act(path: string): Promise<number> {
    const action = actions.get(path);
    if (action === undefined) return 404;
    await action();
    return 204;
  }

  const server = createServer((request, response) => {
    act(request.url ?? '').then(
      (status) => response.writeHead(status).end(),
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
