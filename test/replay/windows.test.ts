/**
 * All flights of the month as labels, over the files of events, against DuckDB's own windows over the raw tables: every value
 * of every row, bit for bit.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DuckDBValue, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEventFiles } from '../../src/cli/event-files.ts';
import type { ServiceDefinition } from '../../src/definition/definition.ts';
import { type FlightWindows, type WindowFeature, openFlightWindows } from '../oracle/flight-windows.ts';
import { load } from '../property/engine.ts';
import type { EventReader } from '../../src/replay/event-reader.ts';
import { folderForTest, serviceOf, trainTo } from './support.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/flights');
const FLIGHTS = 27_004;

type Declared = Omit<WindowFeature, 'window'> & { readonly windows: readonly string[] };
interface View {
  readonly name: string;
  readonly entity: string;
  readonly source: 'departures' | 'arrivals' | 'weather';
  /** Columns of events, of labels. */
  readonly keys: readonly (readonly [entityKey: string, column: string, label: string])[];
  readonly where?: string;
  readonly features: readonly Declared[];
}

/** The expressions are the same text for both. */
const VIEWS: readonly View[] = [
  {
    name: 'airport_out',
    entity: 'airport',
    source: 'departures',
    keys: [['origin', 'origin', 'origin']],
    features: [
      { name: 'departures', agg: 'count', where: 'NOT cancelled', windows: ['1m', '1h', '24h', '7d'] },
      { name: 'late', agg: 'count', where: 'dep_delay > 15', windows: ['3h', '24h/7d', 'lifetime'] },
      { name: 'delay', agg: 'sum', of: 'dep_delay', windows: ['1h', '24h', '1h/7d/1h', 'lifetime'] },
      { name: 'delay_mean', agg: 'mean', of: 'dep_delay', windows: ['10m', '24h', '7d', '24h/1d'] },
      { name: 'early_mean', agg: 'mean', of: 'dep_delay', where: 'dep_delay < 0', windows: ['6h'] },
      { name: 'delay_min', agg: 'min', of: 'dep_delay', windows: ['3h', '24h'] },
      { name: 'delay_max', agg: 'max', of: 'dep_delay', windows: ['3h', '24h', '24h/7d'] },
      { name: 'dest_last', agg: 'last', of: 'dest', windows: ['1h'] },
      { name: 'delay_last', agg: 'last', of: 'dep_delay', windows: ['1h', '1h/1d'] },
      { name: 'weeks', agg: 'sum', of: 'distance / 7', numbers: 'doubles', windows: ['1h', '24h', '30d'] },
      {
        name: 'weeks_mean',
        agg: 'mean',
        of: 'distance / 7',
        numbers: 'doubles',
        windows: ['24h', '24h/7d', 'lifetime'],
      },
    ],
  },
  {
    name: 'airline',
    entity: 'carrier',
    source: 'departures',
    keys: [['carrier', 'carrier', 'carrier']],
    where: 'NOT cancelled AND distance > 500',
    features: [
      { name: 'airline_flights', agg: 'count', windows: ['1h', '7d'] },
      { name: 'airline_delay', agg: 'mean', of: 'dep_delay', windows: ['3h', '7d'] },
      { name: 'airline_miles', agg: 'max', of: 'distance', windows: ['24h'] },
      { name: 'airline_last', agg: 'last', of: 'tailnum', windows: ['24h'] },
    ],
  },
  {
    name: 'plane',
    entity: 'aircraft',
    source: 'departures',
    keys: [['tailnum', 'tailnum', 'tail']],
    features: [
      { name: 'plane_flights', agg: 'count', windows: ['24h', '7d'] },
      { name: 'plane_delay', agg: 'last', of: 'dep_delay', windows: ['24h', '7d'] },
      { name: 'plane_dest', agg: 'last', of: 'dest', windows: ['lifetime'] },
      { name: 'plane_worst', agg: 'max', of: 'dep_delay', windows: ['lifetime'] },
    ],
  },
  {
    name: 'route_in',
    entity: 'route',
    source: 'arrivals',
    keys: [
      ['origin', 'origin', 'origin'],
      ['dest', 'dest', 'dest'],
    ],
    features: [
      { name: 'route_hours', agg: 'sum', of: 'air_time / 60', numbers: 'doubles', windows: ['24h', '7d'] },
      { name: 'route_hours_mean', agg: 'mean', of: 'air_time / 60', numbers: 'doubles', windows: ['7d'] },
      { name: 'route_best', agg: 'min', of: 'arr_delay', windows: ['7d'] },
    ],
  },
  {
    name: 'airport_in',
    entity: 'airport',
    source: 'arrivals',
    keys: [['origin', 'dest', 'dest']],
    features: [
      { name: 'arrivals', agg: 'count', windows: ['1h', '24h'] },
      { name: 'arrival_delay', agg: 'mean', of: 'arr_delay', where: "carrier IN ('AA', 'UA')", windows: ['24h'] },
      { name: 'arrived_last', agg: 'last', of: 'arr_delay', windows: ['6h'] },
    ],
  },
  {
    name: 'sky',
    entity: 'airport',
    source: 'weather',
    keys: [['origin', 'origin', 'origin']],
    features: [
      { name: 'rain', agg: 'sum', of: 'precip', numbers: 'doubles', windows: ['6h', '7d'] },
      { name: 'warmth', agg: 'mean', of: 'temp', numbers: 'doubles', windows: ['24h'] },
    ],
  },
];

function windowOf(text: string) {
  const [length, offset, hop] = text.split('/');
  return offset === undefined ? text : { length, offset, ...(hop !== undefined && { hop }) };
}

/** As definitions name it. */
function nameOf(name: string, window: string): string {
  const [length, offset] = window.split('/');
  return offset === undefined ? `${name}_${length}` : `${name}_${length}_ago_${offset}`;
}

function service(): ServiceDefinition {
  const views = VIEWS.map(({ name, entity, source, keys, where, features }) => ({
    name,
    entity,
    source,
    keys: Object.fromEntries(keys.map(([key, column]) => [key, column])),
    ...(where !== undefined && { where }),
    features: features.map(({ numbers: _numbers, windows, ...feature }) => ({
      ...feature,
      windows: windows.map(windowOf),
    })),
  }));
  const appearances = VIEWS.map(({ name, keys }) => ({
    view: name,
    keys: Object.fromEntries(keys.filter(([key, , label]) => key !== label).map(([key, , label]) => [key, label])),
  }));
  const services = [{ name: 'scoring', inputs: { tail: 'string?' }, features: appearances }];
  const entities = readFileSync(join(EXAMPLE, 'definitions/views.yaml'), 'utf8').split(/^views:/m)[0] as string;
  const sources = readFileSync(join(EXAMPLE, 'definitions/sources.yaml'), 'utf8');
  return serviceOf(
    load(`${sources}\n${entities}\nviews: ${JSON.stringify(views)}\nservices: ${JSON.stringify(services)}`),
  );
}

async function readColumns(path: string): Promise<ReadonlyMap<string, readonly DuckDBValue[]>> {
  const instance = await DuckDBInstance.create();
  try {
    const connection = await instance.connect();
    return new Map(
      Object.entries((await connection.runAndReadAll(`SELECT * FROM read_parquet('${path}')`)).getColumnsObject()),
    );
  } finally {
    instance.closeSync();
  }
}

const toNumber = (value: DuckDBValue | undefined): unknown => (typeof value === 'bigint' ? Number(value) : value);

let windows: FlightWindows;
beforeAll(async () => {
  windows = await openFlightWindows(join(EXAMPLE, 'raw'));
});
afterAll(() => windows.close());

test('each of 27,004 flights has the counts, extremes and lasts of its windows, and sums and means rounded once', async () => {
  const labelsPath = join(folderForTest(), 'labels.jsonl');
  expect(await windows.writeLabels(labelsPath)).toBe(FLIGHTS);
  const definition = service();
  const readers = new Map<string, EventReader>();
  for (const source of new Set(definition.appearances.map(({ view }) => view.source))) {
    readers.set(source.name, await openEventFiles(source, [join(EXAMPLE, 'data', `${source.topic}.jsonl.gz`)], null));
  }
  const { out } = await trainTo({ service: definition, readers, labelsPath, statuses: false });
  const trained = await readColumns(out);
  const faults: string[] = [];
  let values = 0;
  for (const { source, keys, where = 'true', features } of VIEWS) {
    const flat = features.flatMap(({ windows: each, ...feature }) =>
      each.map((window) => ({ ...feature, window, name: nameOf(feature.name, window) })),
    );
    const entityOf = (columns: readonly string[]) => columns.join(" || '/' || ");
    const view = {
      table: source,
      key: entityOf(keys.map(([, column]) => column)),
      asks: entityOf(keys.map(([, , label]) => label)),
      where,
      features: flat,
    };
    for (const [name, expected] of await windows.compute(view)) {
      const found = trained.get(name) ?? [];
      expect([name, found.length]).toEqual([name, FLIGHTS]);
      const differing = expected.findIndex((value, row) => !Object.is(toNumber(found[row]), value));
      if (differing >= 0)
        faults.push(`${name}, row ${differing}: ${String(found[differing])}, not ${expected[differing]}`);
      values += expected.filter((value) => value !== null).length;
    }
  }
  expect(faults).toEqual([]);
  expect(definition.features.length).toBeGreaterThanOrEqual(30);
  // Else little was compared.
  expect(values).toBeGreaterThan(30 * FLIGHTS);
}, 300_000);
