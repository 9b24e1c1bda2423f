/**
 * What a client may take of a server's connections and time, before anything of ours runs: docs/operations.md lists every
 * bound. A client that is slow to send is cut off by Node's own timers; one that is slow to take its answer by `watchReaders`.
 */
import type { ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

export interface ServerLimits {
  /** Open at a time; one more is hung up on as soon as it is accepted. */
  readonly connectionsMax: number;
  readonly bodyBytesMax: number;
  /** Request line and headers together. */
  readonly headerBytesMax: number;
  /** From the connection, or the answer before, to the last byte of the headers; else 408. */
  readonly headersMs: number;
  /** The same to the last byte of the body; else 408. */
  readonly requestMs: number;
  /** A connection without a request is closed after this. Longer than the 60 s that load balancers keep theirs. */
  readonly keepAliveMs: number;
  /** An answer, once written, is taken within this, or its connection is closed. */
  readonly answerMs: number;
  /** How often the last four are looked at. */
  readonly checkMs: number;
}

export const SERVER_LIMITS: ServerLimits = {
  connectionsMax: 10_000,
  bodyBytesMax: 1_048_576,
  headerBytesMax: 16_384,
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 72_000,
  answerMs: 30_000,
  checkMs: 1_000,
};

/** As Fastify takes them. */
export function serverOptions(limits: ServerLimits): {
  readonly bodyLimit: number;
  readonly requestTimeout: number;
  readonly keepAliveTimeout: number;
  readonly http: ServerOptions;
} {
  return {
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    http: {
      headersTimeout: limits.headersMs,
      maxHeaderSize: limits.headerBytesMax,
      connectionsCheckingInterval: limits.checkMs,
    },
  };
}

/** `onHangUp` is told of each connection that was closed for its client's sake. */
export function installServerLimits(
  app: FastifyInstance,
  limits: ServerLimits,
  onHangUp: (reason: 'connections' | 'slow_reader') => void,
): void {
  app.server.maxConnections = limits.connectionsMax;
  app.server.on('drop', () => onHangUp('connections'));
  watchReaders(app, limits, () => onHangUp('slow_reader'));
}

/** What a connection had still to take when it was looked at. */
interface Backlog {
  /** Bytes written until then, over the connection's life. */
  readonly writtenBytes: number;
  readonly sinceMs: number;
}

/**
 * Node has a timer for silence only, which a client escapes by taking a byte now and then. Here, all that had been written
 * at one look must have left within `answerMs`, and requests pay nothing for it.
 */
function watchReaders(app: FastifyInstance, { answerMs, checkMs }: ServerLimits, onHangUp: () => void): void {
  const sockets = new Map<Socket, Backlog | null>();
  app.server.on('connection', (socket: Socket) => {
    sockets.set(socket, null);
    socket.once('close', () => sockets.delete(socket));
  });
  const timer = setInterval(() => {
    const nowMs = performance.now();
    for (const [socket, backlog] of sockets) {
      const next = lookAt(socket, backlog, nowMs);
      if (next !== backlog) sockets.set(socket, next);
      if (next === null || nowMs - next.sinceMs < answerMs) continue;
      onHangUp();
      // Ended politely, it would still wait for what nobody takes.
      socket.resetAndDestroy();
    }
  }, checkMs);
  timer.unref();
  app.addHook('onClose', async () => clearInterval(timer));
}

function lookAt(socket: Socket, before: Backlog | null, nowMs: number): Backlog | null {
  if (socket.writableLength === 0) return null;
  const takenBytes = socket.bytesWritten - socket.writableLength;
  if (before !== null && takenBytes < before.writtenBytes) return before;
  return { writtenBytes: socket.bytesWritten, sinceMs: nowMs };
}
