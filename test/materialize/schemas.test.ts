import { expect, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { SkewlessError } from '../../src/core/errors.ts';
import { createMaterializer } from '../../src/materialize/materializer.ts';
import { framed, memoryRegistry, writeAvro } from '../event/schemas-support.ts';
import { load, NOW_MS, settingOf, sourceStatus, until } from './support.ts';

const DEFINITIONS = load(`
sources: [{ name: s, format: avro, key: { fields: [k], encoding: avro }, event_time: at, fields: { at: timestamp, k: string, x: int64 } }]
entities: [{ name: e, keys: { k: string } }]
views: [{ name: v, entity: e, source: s, features: [{ name: n, agg: count }, { name: x, agg: last, of: x }] }]
`);
const SCHEMA = {
  type: 'record',
  name: 'r',
  fields: [
    { name: 'at', type: 'long' },
    { name: 'k', type: 'string' },
    { name: 'x', type: 'long' },
  ],
};
const AWAY = new SkewlessError('registry_unavailable', 'the registry is away', { retryable: true });

/** A topic of so many partitions, with keys in Avro, so that entities are moved where it is more than one. */
async function folded(partitions: number): Promise<void> {
  const registry = memoryRegistry();
  const [value, key] = [registry.register(SCHEMA), registry.register('string')];
  const setting = settingOf(DEFINITIONS);
  await setting.log.ensureTopic('s', partitions);
  const events = Array.from({ length: 60 }, (_none, index) => ({
    key: framed(key, writeAvro('string', `k${index % 7}`)),
    value: framed(value, writeAvro(SCHEMA, { at: BigInt(NOW_MS + index), k: `k${index % 7}`, x: 2n ** 60n })),
    timestampMs: NOW_MS,
    partition: index % partitions,
  }));
  const unknown = { ...events[0], key: null, value: framed(99, new Uint8Array()), timestampMs: NOW_MS, partition: 0 };
  await setting.log.append('s', [...events, unknown]);
  registry.fail(8, AWAY);
  const { definitions, log, store, clock } = setting;
  const common = { definitions, aggregations: AGGREGATIONS, log, store, clock, schemas: registry };
  const materializer = createMaterializer({
    ...common,
    namespace: 'test',
    owner: 'one',
    bounds: { retryFirstMs: 20, retryLastMs: 40 },
  });
  await materializer.start();
  const status = () => sourceStatus(materializer.status());
  await until('it waits for the registry', () => status().waitingFor?.code === 'registry_unavailable', status);
  expect(status().deadLetters).toBe(0);
  const counters = () => status().views[0]?.counters;
  await until('all is folded', () => counters()?.folded === 60 && status().deadLetters === 1, status);
  expect(counters()?.rejected).toEqual({ unknown_schema: 1 });
  expect(status().waitingFor).toBeNull();
  await materializer.stop();
}

test('a registry that is away is waited for: nothing is rejected meanwhile, and what names no schema is, once', () =>
  folded(1));

test('so it is where records are moved to their entities: by whoever moves them, and whoever folds them', () =>
  folded(3));
