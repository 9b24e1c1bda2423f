/**
 * A proxy before a Kafka broker that understands the frames of requests as far as it must to hold one back: the one that
 * ends a transaction. Whoever sent it has written its records, and waits to be told that they are committed.
 */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

export interface KafkaProxy {
  readonly port: number;
  /** From now on requests that end a transaction whose id holds `idPart` go no further. Resolves once there is one. */
  holdEnds(idPart: string): Promise<void>;
  /** Sends on what was held, and holds nothing any more. */
  release(): void;
  close(): Promise<void>;
}

/** Of Kafka's protocol. */
const END_TRANSACTION = 26;
const LENGTH_BYTES = 4;

interface Connection {
  /** Of the client, not yet sent on: less than a frame, or all from a held one on. */
  pending: Buffer;
  pump(): void;
}

export async function startKafkaProxy(target: { readonly port: number }): Promise<KafkaProxy> {
  const sockets = new Set<Socket>();
  const connections = new Set<Connection>();
  let held: { readonly idPart: string; readonly first: PromiseWithResolvers<void> } | null = null;

  function isHeld(frame: Buffer): boolean {
    if (held === null || frame.readInt16BE(LENGTH_BYTES) !== END_TRANSACTION) return false;
    return frame.includes(held.idPart);
  }

  function forward(client: Socket, broker: Socket): void {
    const connection: Connection = {
      pending: Buffer.alloc(0),
      pump() {
        for (;;) {
          const { pending } = connection;
          const length =
            pending.length < LENGTH_BYTES ? Number.POSITIVE_INFINITY : pending.readInt32BE() + LENGTH_BYTES;
          if (pending.length < length) return;
          const frame = pending.subarray(0, length);
          if (isHeld(frame)) {
            held?.first.resolve();
            return;
          }
          broker.write(frame);
          connection.pending = pending.subarray(length);
        }
      },
    };
    connections.add(connection);
    client.on('data', (bytes) => {
      connection.pending = Buffer.concat([connection.pending, bytes]);
      connection.pump();
    });
    broker.on('data', (bytes) => void client.write(bytes));
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        connections.delete(connection);
        other.destroy();
      });
    }
  }

  const server = createServer((client) => forward(client, connect({ port: target.port, host: '127.0.0.1' })));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    holdEnds(idPart) {
      held = { idPart, first: Promise.withResolvers<void>() };
      return held.first.promise;
    },
    release() {
      held = null;
      for (const { pump } of connections) pump();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
