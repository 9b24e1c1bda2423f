/**
 * The running app and a training set over the same log: keyed and repartitioned views, a table with deletions, duplicates,
 * late, misplaced and rejected records, an erased entity, a log that lacks its head. Every value and status must be the same.
 */
import { expect, test } from 'vitest';
import { createLogReader } from '../../src/replay/log-events.ts';
import { createRandom } from '../oracle/random.ts';
import { randomAsk, startLife } from './life.ts';
import { jsonOf, serviceOf, trainFor } from './support.ts';

test.each([
  ['whole', 1, false],
  ['that lacks the head of a partition', 2, true],
] as const)(
  'over a log %s, a training set holds what the app answers',
  async (_what, seed, truncate) => {
    const { vectors, definitions, log, materializer } = await startLife(seed, truncate);
    const random = createRandom(seed + 1_000);
    const labels = Array.from({ length: 150 }, () => randomAsk(random));
    const served: { values: unknown[]; status: string[] }[] = [];
    for (const { timestamp, ...entity } of labels) {
      const answer = await vectors('scoring', { entities: [entity], as_of: timestamp, include: ['status'] });
      served.push(answer.json.vectors[0]);
    }
    const service = serviceOf(definitions);
    const readers = new Map(
      [...definitions.sources.keys()].map((name) => [name, createLogReader(log, name, 'sqlite:test')]),
    );
    const { rows, manifest } = await trainFor({
      service,
      readers,
      labels,
      bounds: { chunkEvents: 100, partRows: 300 },
    });
    const names = service.features.map(({ name }) => name);
    for (const [index, row] of rows.entries()) {
      const values = names.map((name) => jsonOf(row[name] ?? null));
      const status = names.map((name) => String(row[`${name}__status`]));
      expect([index, labels[index], values, status]).toEqual([
        index,
        labels[index],
        served[index]?.values,
        served[index]?.status,
      ]);
    }
    // That all of it was there: else the test shows less than it says.
    const statuses = new Set(served.flatMap(({ status }) => status));
    expect(statuses).toContain(truncate ? 'INCOMPLETE' : 'NOT_FOUND');
    expect(statuses).not.toContain('OUT_OF_HISTORY');
    expect(manifest.events.duplicates).toBeGreaterThan(0);
    if (!truncate) expect(manifest.events.erased).toBeGreaterThan(0);
    const lanes = materializer.status().sources.flatMap(({ views }) => views.flatMap(({ partitions }) => partitions));
    expect(lanes.every(({ state }) => state === 'live')).toBe(true);
    const [payments] = manifest.sources;
    expect(payments?.views.map(({ rejected }) => Object.keys(rejected).toSorted())).toEqual([
      ['misplaced', 'too_far_ahead', 'wrong_type'],
      ['too_far_ahead', 'wrong_type'],
    ]);
  },
  60_000,
);
