/**
 * The live driver: log → decode → fold → commit, for every source that has views. What is here wires sources together
 * and stops them; the rules are in shard.ts, opening.ts and commit-lanes.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Aggregation } from '../aggregate/aggregation.ts';
import type { Clock } from '../core/clock.ts';
import type { Definitions } from '../definition/definition.ts';
import type { Schemas } from '../event/schemas.ts';
import type { Log } from '../log/log.ts';
import type { Store } from '../store/store.ts';
import { DEFAULT_BOUNDS, type MaterializeBounds } from './bounds.ts';
import { createSource, type Source } from './source.ts';
import type { MaterializerStatus } from './status.ts';
import { planSources } from './topology.ts';
import type { BatchTracing } from './tracing.ts';

export interface MaterializerOptions {
  readonly definitions: Definitions;
  readonly aggregations: ReadonlyMap<string, Aggregation>;
  readonly log: Log;
  readonly store: Store;
  readonly clock: Clock;
  readonly namespace: string;
  /** Names this process in checkpoints; no other running process may have the same. */
  readonly owner: string;
  /** `topic`: rejected records go to `<topic>.dlq` of the same log. Default `topic`. */
  readonly deadLetters?: 'topic' | 'off';
  readonly bounds?: Partial<MaterializeBounds>;
  /** Null or absent: nobody traces. */
  readonly tracing?: BatchTracing | null;
  /** Null or absent: no source has records that need one. */
  readonly schemas?: Schemas | null;
}

export interface Materializer {
  /**
   * Resolves when every source's topic is there and the consumers are about to run; what follows is in `status()`.
   */
  start(): Promise<void>;
  /** Commits what is folded, gives shards up, and resolves within `bounds.stopMs`. Callable at any time, repeatedly. */
  stop(): Promise<void>;
  status(): MaterializerStatus;
}

export function createMaterializer(options: MaterializerOptions): Materializer {
  const bounds = { ...DEFAULT_BOUNDS, ...options.bounds };
  const plans = planSources(options.definitions, options.aggregations, options.namespace);
  /** Nothing is folded from sources without views, but events may be sent to them. */
  const unplanned = [...options.definitions.sources.values()].filter((source) =>
    plans.every((plan) => plan.source.name !== source.name),
  );
  const laneCount = plans.flatMap(({ shards }) => shards.flatMap(({ lanes }) => lanes)).length;
  const controller = new AbortController();
  let mode: MaterializerStatus['mode'] = 'idle';
  let stopped: Promise<void> | null = null;

  const sources = plans.map(
    (plan): Source =>
      createSource(plan, {
        log: options.log,
        schemas: options.schemas ?? null,
        store: options.store,
        clock: options.clock,
        owner: options.owner,
        namespace: options.namespace,
        deadLetters: options.deadLetters ?? 'topic',
        bounds,
        stateBytesPerLaneMax: Math.max(1, Math.floor(bounds.stateBytesMax / Math.max(1, laneCount))),
        controller,
        tracing: options.tracing ?? null,
        stopping: () => mode === 'stopping' || mode === 'stopped',
      }),
  );

  async function stopAll(): Promise<void> {
    const wasRunning = mode === 'running';
    mode = 'stopping';
    if (wasRunning) {
      // Chunks at hand may end; what waits for an outage may not.
      const giveUp = setTimeout(() => controller.abort(), bounds.stopMs / 2);
      const limit = new AbortController();
      const all = Promise.all(sources.map((source) => source.stop()));
      await Promise.race([all, delay(bounds.stopMs, undefined, { signal: limit.signal }).catch(() => {})]);
      clearTimeout(giveUp);
      limit.abort();
    }
    controller.abort();
    mode = 'stopped';
  }

  return {
    async start() {
      mode = 'running';
      if (options.log.makesTopics) for (const { topic } of unplanned) await options.log.ensureTopic(topic, 1);
      for (const source of sources) await source.prepare();
      if (mode === 'running') for (const source of sources) source.start();
    },
    stop() {
      stopped ??= stopAll();
      return stopped;
    },
    status: () => ({ mode, sources: sources.map((source) => source.status()) }),
  };
}
