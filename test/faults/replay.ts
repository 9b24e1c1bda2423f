/** The same records through the same definitions, once and in order, on the embedded log and store. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Definitions } from '../../src/definition/definition.ts';
import type { LogRecord } from '../../src/event/event.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import type { ViewCounters } from '../../src/materialize/counters.ts';
import { type Materializer, createMaterializer } from '../../src/materialize/materializer.ts';
import { buildApp } from '../../src/serve/app.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { type FoldedCounts, foldedCounts } from './accounting.ts';
import { askFor, eventually } from './ask.ts';
import { SERVICE } from './payments.ts';

export interface CleanReplay {
  /** As `ask` gives them. */
  readonly answers: readonly string[];
  /** By name of the view. */
  readonly counters: ReadonlyMap<string, ViewCounters>;
  readonly folded: FoldedCounts;
}

/** `records`: of each partition, all of them, from offset 0. */
export async function replayCleanly(
  definitions: Definitions,
  topic: string,
  records: readonly (readonly LogRecord[])[],
  nowMs: number,
): Promise<CleanReplay> {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-replay-'));
  const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });
  const store = await openSqliteStore({ file: join(folder, 'store.sqlite'), namespace: 'replay' });
  await log.ensureTopic(topic, records.length);
  for (const some of records) await log.append(topic, some);
  const materializer = createMaterializer({
    definitions,
    aggregations: AGGREGATIONS,
    log,
    store,
    clock: systemClock,
    namespace: 'replay',
    owner: 'replay',
    deadLetters: 'off',
  });
  await materializer.start();
  await eventually('the replay is through', () =>
    Promise.resolve(isThrough(materializer, definitions, records) ? true : null),
  );
  const app = await buildApp({
    definitions,
    store,
    log,
    clock: systemClock,
    logger: pino({ level: 'silent' }),
    materializerStatus: null,
    version: '0',
  });
  const url = `/v1/feature-services/${SERVICE}/vectors`;
  const answers = await askFor(async (payload) => (await app.inject({ method: 'POST', url, payload })).body, nowMs);
  await app.close();
  const folded = await foldedCounts(store, definitions, records.length);
  const views = materializer.status().sources.flatMap((source) => source.views);
  const counters = new Map(views.flatMap((view) => view.views.map((id) => [nameOf(id), view.counters] as const)));
  await materializer.stop();
  await store.close();
  await log.close();
  return { answers, counters, folded };
}

const nameOf = (id: string): string => id.split('@')[0] ?? id;

function isThrough(
  materializer: Materializer,
  { views: defined }: Definitions,
  records: readonly (readonly LogRecord[])[],
): boolean {
  const views = materializer.status().sources.flatMap((source) => source.views);
  const lanes = views.flatMap(({ partitions }) => partitions);
  const whole = records.reduce((sum, some) => sum + some.length, 0);
  return (
    lanes.length === defined.size * records.length &&
    lanes.every(
      ({ state, position, partition }) =>
        state === 'live' && (position === records[partition]?.length || position === whole),
    )
  );
}
