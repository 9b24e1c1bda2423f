/** A proxy that holds every answer back: a server that is slower than it was, without touching the server. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

export interface DelayProxy {
  readonly url: string;
  close(): Promise<void>;
}

export async function startDelayProxy(targetUrl: string, delayMs: number): Promise<DelayProxy> {
  const { hostname, port } = new URL(targetUrl);
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((client) => {
    const upstream = connect({ host: hostname, port: Number(port), noDelay: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    // All are held back for as long, so they stay in order.
    upstream.on('data', (bytes) => void setTimeout(() => client.write(bytes), delayMs));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await once(server.close(), 'close');
    },
  };
}
