/**
 * Who is let in. Beyond `inflightMax` requests at a time, and while the process is under pressure, a request is refused at
 * once with 503 `overloaded` and a time to try again, before its body is read; those inside are finished. Probes and
 * metrics are always let in, and readiness does not tell of pressure: one that did would send all clients of an overloaded
 * server to the others, and back again.
 */
import underPressure from '@fastify/under-pressure';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Refusal } from './metrics-sink.ts';
import { RequestError, item } from './problem.ts';

export interface PressureLimits {
  /** Mean delay of the event loop over each of the last `LATE_SAMPLES` samples: what each turn of a request waits at least. */
  readonly eventLoopDelayMs: number;
  readonly heapBytesMax: number;
  readonly sampleMs: number;
}

export interface AdmissionBounds {
  readonly inflightMax: number;
  /** Null: not looked at. */
  readonly pressure: PressureLimits | null;
}

export const RETRY_AFTER_SECONDS = 1;

/** One alone is what a start, a long collection of garbage or a neighbour leaves: nobody waits any more once it is seen. */
const LATE_SAMPLES = 2;
const EXEMPT = new Set(['/livez', '/readyz', '/health', '/metrics']);

/** `onRefused` is told why each request was refused. Answers what tells how many requests are being answered. */
export async function installAdmission(
  app: FastifyInstance,
  { inflightMax, pressure }: AdmissionBounds,
  onRefused: (reason: Refusal) => void,
): Promise<() => number> {
  let inflight = 0;
  const leave = (): void => {
    inflight--;
  };
  const refuse = (reason: Refusal, message: string): RequestError => {
    onRefused(reason);
    return new RequestError(503, [item('overloaded', null, message)], RETRY_AFTER_SECONDS);
  };
  const isFull = (request: FastifyRequest): boolean => inflight >= inflightMax && !isExempt(request);
  const full = (): RequestError => refuse('inflight', `this server answers at most ${inflightMax} requests at a time`);
  // Neither is async: a promise a hook is a large part of what a hot request costs.
  app.addHook('onRequest', (request, _reply, done) => {
    if (isFull(request)) done(full());
    else done();
  });
  // Counted once the body is there, else those who send theirs slowly would keep everybody out.
  app.addHook('preValidation', (request, reply, done) => {
    if (isFull(request)) {
      done(full());
      return;
    }
    inflight++;
    // Not `onResponse`, which never comes where the client has hung up. A response is closed once.
    reply.raw.on('close', leave);
    done();
  });
  const count = (): number => inflight;
  if (pressure === null) return count;
  const isBehind = watchEventLoop(app, pressure);
  await app.register(underPressure, {
    maxEventLoopDelay: pressure.eventLoopDelayMs,
    maxHeapUsedBytes: pressure.heapBytesMax,
    sampleInterval: pressure.sampleMs,
    pressureHandler: async (request, _reply, type) => {
      if (isExempt(request)) return;
      if (type === underPressure.TYPE_HEAP_USED_BYTES) throw refuse('heap', 'this server is short of memory');
      if (isBehind()) throw refuse('event_loop_delay', 'this server is behind with its work');
    },
  });
  return count;
}

/** Counts late samples in a row. Its timer begins after the one that takes them, so that each is seen as soon as it is taken. */
function watchEventLoop(app: FastifyInstance, { eventLoopDelayMs, sampleMs }: PressureLimits): () => boolean {
  let late = 0;
  app.addHook('onReady', async () => {
    const timer = setInterval(() => {
      late = app.memoryUsage().eventLoopDelay > eventLoopDelayMs ? late + 1 : 0;
    }, sampleMs);
    timer.unref();
    app.addHook('onClose', async () => clearInterval(timer));
  });
  return () => late >= LATE_SAMPLES;
}

function isExempt(request: FastifyRequest): boolean {
  return EXEMPT.has(request.routeOptions.url ?? '');
}
