/** Servers that are no longer what they were: each stands before a sound one, or instead of it. */
import { once } from 'node:events';
import { type RequestListener, createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';

export interface Faulty {
  readonly url: string;
  close(): Promise<void>;
}

/** One number of each answer is off by its last bit. */
export function startOffByABit(targetUrl: string): Promise<Faulty> {
  return startHttp((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = request.method === 'POST' ? Buffer.concat(chunks) : null;
      const headers = { 'content-type': 'application/json' };
      const { method = 'GET', url = '' } = request;
      fetch(`${targetUrl}${url}`, { method, headers, body })
        .then(async (answer) => response.writeHead(answer.status, headers).end(shift(await answer.text())))
        .catch((error: unknown) => response.writeHead(502).end(String(error)));
    });
  });
}

function shift(text: string): string {
  const json = JSON.parse(text) as { vectors?: { values: unknown[] }[] };
  const values = json.vectors?.[0]?.values;
  const place = values?.findIndex((value) => typeof value === 'number' && value !== 0) ?? -1;
  if (values !== undefined && place >= 0) values[place] = nextDouble(values[place] as number);
  return JSON.stringify(json);
}

function nextDouble(value: number): number {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setFloat64(0, value);
  bytes.setBigInt64(0, bytes.getBigInt64(0) + 1n);
  return bytes.getFloat64(0);
}

/** Accepts connections, and says nothing. */
export async function startSilent(): Promise<Faulty> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.resume();
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

async function startHttp(listener: RequestListener): Promise<Faulty> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
