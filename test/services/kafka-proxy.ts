/**
 * A proxy before a Kafka broker that understands the frames of requests as far as it must to hold one back: the one that
 * ends a transaction. Whoever sent it has written its records, and waits to be told that they are committed.
 */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

export interface KafkaProxy {
  readonly port: number;
  /** The next request that ends a transaction whose id holds `idPart` goes no further. Resolves once it is held. */
  holdEnd(idPart: string): Promise<void>;
  /** Sends it on. */
  release(): void;
  /** It is never sent. */
  drop(): void;
  close(): Promise<void>;
}

/** Of Kafka's protocol. */
const END_TRANSACTION = 26;
const LENGTH_BYTES = 4;

interface Connection {
  /** Of the client, not yet sent on: less than a frame, or all from the held one on. */
  pending: Buffer;
  isHeld: boolean;
  readonly client: Socket;
  pump(): void;
}

export async function startKafkaProxy(target: { readonly port: number }): Promise<KafkaProxy> {
  const sockets = new Set<Socket>();
  const connections = new Set<Connection>();
  let wanted: { readonly idPart: string; readonly found: PromiseWithResolvers<void> } | null = null;

  function isWanted(frame: Buffer): boolean {
    if (wanted === null || frame.readInt16BE(LENGTH_BYTES) !== END_TRANSACTION) return false;
    return frame.includes(wanted.idPart);
  }

  const heldOnes = (): readonly Connection[] => [...connections].filter(({ isHeld }) => isHeld);

  function forward(client: Socket, broker: Socket): void {
    const connection: Connection = {
      pending: Buffer.alloc(0),
      isHeld: false,
      client,
      pump() {
        while (!connection.isHeld) {
          const { pending } = connection;
          const length =
            pending.length < LENGTH_BYTES ? Number.POSITIVE_INFINITY : pending.readInt32BE() + LENGTH_BYTES;
          if (pending.length < length) return;
          const frame = pending.subarray(0, length);
          if (isWanted(frame)) {
            connection.isHeld = true;
            wanted?.found.resolve();
            wanted = null;
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
    holdEnd(idPart) {
      wanted = { idPart, found: Promise.withResolvers<void>() };
      return wanted.found.promise;
    },
    release() {
      for (const connection of heldOnes()) {
        connection.isHeld = false;
        connection.pump();
      }
    },
    drop() {
      for (const { client } of heldOnes()) client.destroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
