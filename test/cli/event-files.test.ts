/** Files of events as a replay reads them: by column where that is possible, and always what their records would give. */
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { openEventFiles } from '../../src/cli/event-files.ts';
import { compileSourceDecoder } from '../../src/event/decode.ts';
import type { ViewOutcome } from '../../src/event/event.ts';
import { type TableRows, compileTableDecoder } from '../../src/event/table-rows.ts';
import { validateEvent } from '../../src/event/validate.ts';
import type { EventBatch } from '../../src/replay/event-reader.ts';
import { load, sourceOf, viewsOf } from '../event/support.ts';
import { allRecords, temporaryDirectory } from '../log/support.ts';
import { type Random, createRandom } from '../oracle/random.ts';

const DEFINITIONS = load(`
sources:
  - name: orders
    key: [id, account]
    event_time: at
    event_id: id
    fields:
      id: string
      at: timestamp
      amount: double?
      items: "int?"
      account: "int64?"
      paid: "bool?"
      seen: "timestamp?"
      customer: { type: string, nullable: true, path: buyer }
      tags: "string[]?"
    derive: { twice: "amount * 2" }
entities:
  - { name: customer, keys: { customer: string } }
  - { name: account, keys: { account: int64 } }
views:
  - name: of_customer
    entity: customer
    source: orders
    where: "items > 1 OR items IS NULL"
    features:
      - { name: spent, agg: sum, of: twice, windows: [1h] }
      - { name: paid, agg: count, where: paid, windows: [1h] }
      - { name: seen, agg: last, of: seen, windows: [1h] }
      - { name: logs, agg: sum, of: "ln(amount)", windows: [1h] }
  - name: of_account
    entity: account
    source: orders
    features:
      - { name: spread, agg: variance, of: amount, windows: [1h] }
      - { name: recent, agg: last_n, n: 3, of: { id: id, tags: tags }, windows: [1h] }
`);
const SOURCE = sourceOf(DEFINITIONS);
const VIEWS = viewsOf(DEFINITIONS);
const STARTED_MS = Date.UTC(2024, 0, 1);
const ROWS = 300;

/** With what may be in it, what is sound first. */
type ColumnType = readonly [type: string, values: readonly string[]];

/** SQL types that a field's column may have. */
const COLUMNS: Readonly<Record<string, readonly ColumnType[]>> = {
  id: [
    ['VARCHAR', [`'a'`, `'twelve bytes'`, `'a text that is longer than that'`, `'größer'`, `''`, `'🙂'`]],
    ['INTEGER', ['1', '2']],
  ],
  at: [
    ['TIMESTAMP', times('TIMESTAMP')],
    ['TIMESTAMPTZ', times('TIMESTAMPTZ')],
    ['TIMESTAMP_NS', [`'2023-05-01 10:00:00.123456789'`, 'NULL']],
    ['TIMESTAMP_S', [`'2023-05-01 10:00:00'`, `'1969-12-31 23:59:59'`]],
    ['BIGINT', ['1682935200123', '-1', '9007199254740993', '8640000000000001', 'NULL']],
    ['VARCHAR', [`'2023-05-01T10:00:00.5+02:00'`, `'yesterday'`, `'1682935200123'`]],
    ['DATE', [`'2023-05-01'`]],
  ],
  amount: [
    ['DOUBLE', ['1.5', '-0.0', `'NaN'`, `'Infinity'`, '1e200', '1e300', '1e-200', 'NULL', '-3']],
    ['FLOAT', ['0.1', 'NULL']],
    ['BIGINT', ['3', '9007199254740993', 'NULL']],
    ['DECIMAL(9, 2)', ['12.34', 'NULL']],
    ['VARCHAR', [`'12'`]],
  ],
  items: [
    ['INTEGER', ['0', '1', '2', 'NULL']],
    ['BIGINT', ['2', '9007199254740993', 'NULL']],
    ['DOUBLE', ['2', '2.5', '-0.0']],
    ['UTINYINT', ['1', '255']],
  ],
  account: [
    ['BIGINT', ['7', `'-9223372036854775808'`, '9007199254740993', 'NULL']],
    ['HUGEINT', ['7', '170141183460469231731687303715884105727']],
    ['VARCHAR', [`'9223372036854775807'`, `'9223372036854775808'`, `'07'`]],
  ],
  paid: [
    ['BOOLEAN', ['true', 'false', 'NULL']],
    ['VARCHAR', [`'true'`]],
  ],
  seen: [
    ['TIMESTAMP', times('TIMESTAMP')],
    ['TIMESTAMPTZ', times('TIMESTAMPTZ')],
  ],
  customer: [['VARCHAR', [`'x'`, `'y'`, `'${'k'.repeat(1_100)}'`, 'NULL', `''`]]],
  tags: [['VARCHAR', ['NULL', `'["a"]'`]]],
};
const SOUND: typeof COLUMNS = Object.fromEntries(
  Object.entries(COLUMNS).map(([name, types]) => [name, types.slice(0, 1)]),
);
const WITH_LISTS: (typeof COLUMNS)[string] = [['VARCHAR[]', [`['a', 'b']`, `[NULL]`, 'NULL', '[]']]];

function times(type: string): readonly string[] {
  const texts = [
    '2023-05-01 10:00:00.123999',
    '1969-12-31 23:59:59.999999',
    '0001-01-01 00:00:00',
    '9999-12-31 23:59:59',
  ];
  return [...texts, '12024-01-01 00:00:00', '2300-01-01 00:00:00.000001', '2024-01-01 00:05:00.001', 'infinity']
    .map((text) => `'${text}'::${type}`)
    .concat('NULL');
}

async function parquetOf(random: Random, columns: typeof COLUMNS, extra = '', count = ROWS): Promise<string> {
  const chosen = Object.entries(columns).map(
    ([name, types]) => [name, random.chance(0.7) ? (types[0] as ColumnType) : random.pick(types)] as const,
  );
  // Mostly sound, so that more than the first fault of a row is looked at.
  const cell = ([, [type, values]]: (typeof chosen)[number]): string =>
    `${random.chance(0.8) ? (values[0] as string) : random.pick(values)}::${type}`;
  const rows = Array.from({ length: count }, () => `(${chosen.map(cell).join(', ')})`);
  const path = join(temporaryDirectory(), 'orders.parquet');
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  await connection.run(`SET TimeZone = 'UTC'; COPY (SELECT *${extra} FROM (VALUES ${rows.join(', ')})
    AS orders(${chosen.map(([name]) => `"${name}"`).join(', ')})) TO '${path}' (FORMAT parquet)`);
  instance.closeSync();
  return path;
}

type Decoded = readonly ViewOutcome[] | string;

interface Read {
  /** By offset; or the code of what was refused. */
  readonly decoded: ReadonlyMap<number, Decoded>;
  readonly refused: readonly string[];
  readonly next: number;
  /** Whether some of it was read by column. */
  readonly byColumn: boolean;
}

async function readEvents(path: string, arrival: string | null, from = 1): Promise<Read> {
  const reader = await openEventFiles(SOURCE, [path], arrival);
  const [records, tables] = [compileSourceDecoder(SOURCE, VIEWS), compileTableDecoder(SOURCE, VIEWS)];
  const decoded = new Map<number, Decoded>();
  const refused: string[] = [];
  let [next, byColumn] = [from, false];

  function takeRows(table: TableRows): void {
    byColumn = true;
    for (let row = table.from; row < table.to; row++) {
      const place = { partition: 0, offset: table.offset + row, timestampMs: table.timestampMs(row) };
      const outcome = tables.decode(table, row, place);
      if (typeof outcome === 'string') refused.push(outcome);
      else decoded.set(place.offset, outcome);
    }
  }

  function take({ records: some, rejected, table, nextOffset }: EventBatch): Promise<void> {
    for (const record of some) decoded.set(record.offset, records.decode(record));
    refused.push(...rejected);
    if (table !== undefined) takeRows(table);
    next = nextOffset;
    return Promise.resolve();
  }

  const range = { partition: 0, from, next: null, startTimestampMs: null };
  await reader.read([range], take, { signal: new AbortController().signal, startedMs: STARTED_MS });
  return { decoded, refused, next, byColumn };
}

/** As ingest would have it, and then the live driver. */
async function expectedOf(path: string, arrivals: ReadonlyMap<number, number>): Promise<Omit<Read, 'byColumn'>> {
  const decoder = compileSourceDecoder(SOURCE, VIEWS);
  const decoded = new Map<number, Decoded>();
  const refused: string[] = [];
  let next = 1;
  for (const { number, content } of await allRecords(path, SOURCE)) {
    next = number + 1;
    const checked = validateEvent(SOURCE, content.ok ? content.json : null);
    if (!checked.ok) {
      refused.push(checked.code);
      continue;
    }
    const { key, value } = checked;
    const timestampMs = arrivals.get(number) ?? STARTED_MS;
    decoded.set(number, decoder.decode({ partition: 0, offset: number, timestampMs, key, value }));
  }
  return { decoded, refused, next };
}

test.for(Array.from({ length: 30 }, (_none, seed) => seed + 1))(
  'a file read by column gives the events and refusals that its records would, seed %i',
  async (seed) => {
    const path = await parquetOf(createRandom(seed), COLUMNS);
    const { byColumn, ...read } = await readEvents(path, null);
    expect(byColumn).toBe(true);
    expect(read).toEqual(await expectedOf(path, new Map()));
  },
);

test('by column, records are as early or late as their arrival column says', async () => {
  const path = await parquetOf(
    createRandom(1),
    { ...SOUND, at: [['TIMESTAMP', [`'2024-01-01 00:00:00'`]]] },
    `,
    TIMESTAMP '2023-12-31 23:54:00' + to_minutes((row_number() OVER () % 3)::BIGINT) AS arrived`,
  );
  const { byColumn, ...read } = await readEvents(path, 'arrived');
  const arrivals = new Map(
    (await allRecords(path, SOURCE)).map(({ number }) => [number, Date.UTC(2023, 11, 31, 23, 54 + (number % 3))]),
  );
  expect(byColumn).toBe(true);
  expect(read).toEqual(await expectedOf(path, arrivals));
  const codes = [...read.decoded.values()].flat().map((outcome) => (outcome as { code?: string }).code);
  expect(codes).toContain('too_far_ahead');
});

test('what was read up to a row goes on with the next', async () => {
  const path = await parquetOf(createRandom(2), COLUMNS);
  const [whole, rest] = [await readEvents(path, null), await readEvents(path, null, 200)];
  expect(rest.next).toBe(whole.next);
  expect([...rest.decoded]).toEqual([...whole.decoded].filter(([offset]) => offset >= 200));
});

test('a column of lists, and a text of which nobody knows whether a record holds it, are read as records', async () => {
  const lists = await parquetOf(createRandom(3), { ...SOUND, tags: WITH_LISTS });
  const large = await parquetOf(createRandom(4), SOUND, `, repeat('x', 1048500) AS carried`, 10);
  for (const path of [lists, large]) {
    const { byColumn, ...read } = await readEvents(path, null);
    expect(byColumn).toBe(false);
    expect(read).toEqual(await expectedOf(path, new Map()));
  }
  expect((await readEvents(large, null)).refused).toContain('record_too_large');
});
