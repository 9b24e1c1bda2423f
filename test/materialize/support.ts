/** One source, one or more views, a log and a store in memory, and the waiting that tests of the driver need. */
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { Definitions, ViewDefinition } from '../../src/definition/definition.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import type { AppendRecord } from '../../src/log/log.ts';
import type { MaterializeBounds } from '../../src/materialize/bounds.ts';
import { createMaterializer, type Materializer } from '../../src/materialize/materializer.ts';
import type { LaneStatus, MaterializerStatus, SourceStatus, ViewStatus } from '../../src/materialize/status.ts';
import { createMemoryLog, type MemoryLog } from '../simulation/memory-log.ts';
import { createMemoryStore, laneName, type MemoryStore } from '../simulation/memory-store.ts';
import { createRandom } from '../simulation/random.ts';
import type { StoredState } from '../../src/state/state.ts';
import type { Checkpoint } from '../../src/store/store.ts';

export const NOW_MS = 1_700_000_000_000;
const TEXT_ENCODER = new TextEncoder();
const WAIT_MS = 20_000;

export function load(text: string): Definitions {
  const result = loadDefinitions([{ path: 'test.yaml', text }], AGGREGATIONS);
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 2));
  return result.definitions;
}

/** Source `s` with key `k` and a view `v` of it, unless `views` says otherwise. */
export function definitionsOf({ source = '', views = '' }: { source?: string; views?: string } = {}): Definitions {
  return load(`
sources:
  - { name: s, key: [k], event_time: at, fields: { at: timestamp, k: "string?", x: "double?", g: "string?" }${source} }
entities: [{ name: e, keys: { k: string } }, { name: other, keys: { g: string } }]
views:
  - { name: v, entity: e, source: s, features: [{ name: n, agg: count }, { name: total, agg: sum, of: x, windows: [1h] }] }
${views}`);
}

export function recordOf(json: unknown, timestampMs: number | null = NOW_MS): AppendRecord {
  return { key: null, value: TEXT_ENCODER.encode(typeof json === 'string' ? json : JSON.stringify(json)), timestampMs };
}

export function eventsOf(count: number, fields: Record<string, unknown> = {}): readonly AppendRecord[] {
  return Array.from({ length: count }, (_none, index) =>
    recordOf({ at: NOW_MS + index, k: `k${index % 3}`, x: 1, ...fields }),
  );
}

export interface Setting {
  readonly definitions: Definitions;
  readonly log: MemoryLog;
  readonly store: MemoryStore;
  /** Wall time of every process in the setting; moves only when told. */
  readonly clock: { timeMs: number; nowMs(): number };
  create(owner?: string, bounds?: Partial<MaterializeBounds>): Materializer;
  /** The checkpoint of the view's lane; null before its first commit. */
  checkpoint(view?: string): Checkpoint | null;
  /** What is stored of the view's entities. */
  states(view?: string): ReadonlyMap<string, StoredState>;
  put(view: string, checkpoint: Partial<Checkpoint>): void;
}

export function settingOf(definitions: Definitions, commitBytesMax = 65_536): Setting {
  const clock = {
    timeMs: NOW_MS,
    nowMs() {
      return this.timeMs;
    },
  };
  const log = createMemoryLog({ nowMs: () => clock.timeMs, random: createRandom(1), mischief: 0 });
  const store = createMemoryStore(commitBytesMax);
  const nameOf = (view: string): string =>
    laneNameOf([...definitions.views.values()].find(({ name }) => name === view));
  return {
    definitions,
    log,
    store,
    clock,
    create: (owner = 'one', bounds = {}) =>
      createMaterializer({
        definitions,
        aggregations: AGGREGATIONS,
        log,
        store,
        clock,
        namespace: 'test',
        owner,
        bounds: { retryFirstMs: 1, retryLastMs: 5, ...bounds },
      }),
    checkpoint: (view = 'v') => store.lanes.get(nameOf(view))?.checkpoint ?? null,
    states: (view = 'v') => store.lanes.get(nameOf(view))?.states ?? new Map(),
    put(view, checkpoint) {
      const lane = store.lanes.get(nameOf(view));
      if (lane === undefined) throw new Error(`nothing is stored of ${view}`);
      store.lanes = new Map(store.lanes).set(nameOf(view), {
        ...lane,
        checkpoint: { ...lane.checkpoint, ...checkpoint },
      });
    },
  };
}

function laneNameOf(view: ViewDefinition | undefined): string {
  if (view === undefined) throw new Error('no such view');
  const shard = { source: view.source.name, entityKey: view.keyColumns.join(','), partition: 0 };
  return laneName(shard, view.stateFingerprint);
}

/** Polls, since drivers run by themselves; bounded, and says what it saw last. */
export async function until(what: string, holds: () => boolean, seen: () => unknown = () => null): Promise<void> {
  for (const deadline = performance.now() + WAIT_MS; !holds(); ) {
    if (performance.now() > deadline) throw new Error(`waited for: ${what}; seen: ${JSON.stringify(seen(), null, 2)}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
  }
}

export function sourceStatus(status: MaterializerStatus): SourceStatus {
  return status.sources[0] as SourceStatus;
}

export function viewStatus(materializer: Materializer, view = 'v@1'): ViewStatus | undefined {
  return sourceStatus(materializer.status()).views.find(({ views }) => views.includes(view));
}

export function laneOf(materializer: Materializer, view = 'v@1'): LaneStatus | undefined {
  return viewStatus(materializer, view)?.partitions[0];
}

/** Until the view's lane has committed everything below `position`. */
export async function applied(materializer: Materializer, position: number, view = 'v@1'): Promise<void> {
  await until(
    `${view} to apply ${position} records`,
    () => (laneOf(materializer, view)?.position ?? -1) >= position,
    () => materializer.status(),
  );
}
