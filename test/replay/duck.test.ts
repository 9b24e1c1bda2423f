/** Rows into DuckDB and out of it by the memory of columns: what comes out is what went in, and what the library reads. */
import { DuckDBBlobValue, DuckDBInstance, type DuckDBValue, listValue } from '@duckdb/node-api';
import { expect, onTestFinished, test } from 'vitest';
import { type Duck, openDuck } from '../../src/replay/duck.ts';
import { type Random, createRandom } from '../oracle/random.ts';
import { folderForTest } from './support.ts';

async function duckForTest(): Promise<Duck> {
  const duck = await openDuck(folderForTest(), 64 * 1_048_576, 2);
  onTestFinished(() => duck.close());
  return duck;
}

/** By SQL type: values that its column may hold. */
const VALUES: Readonly<Record<string, readonly DuckDBValue[]>> = {
  DOUBLE: [0, -1.5, 1e300, 2 ** -1074, 2 ** 53, null],
  INTEGER: [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), null],
  UTINYINT: [0, 1, 255, null],
  BOOLEAN: [true, false, null],
  BIGINT: [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 32n, null],
  VARCHAR: ['', 'twelve bytes', 'thirteen byte', 'größer', 'ü', '🙂'.repeat(20), 'a\0b', null],
  BLOB: [blob(0), blob(1), blob(12), blob(13), blob(300), null],
  'INTEGER[]': [listValue([1, 2]), listValue([]), null],
};
const TYPES = Object.keys(VALUES);
/** More than two chunks, the last of which is not full. */
const ROWS = 4_500;

function blob(length: number): DuckDBBlobValue {
  return new DuckDBBlobValue(Uint8Array.from({ length }, (_none, index) => (index * 37) & 0xff));
}

function rowsOf(random: Random): readonly (readonly DuckDBValue[])[] {
  return Array.from({ length: ROWS }, () => TYPES.map((type) => random.pick(VALUES[type] as readonly DuckDBValue[])));
}

/** The library's are buffers. */
function asArray(value: DuckDBValue): DuckDBValue {
  return value instanceof DuckDBBlobValue ? new DuckDBBlobValue(new Uint8Array(value.bytes)) : value;
}

async function fill(duck: Duck, rows: readonly (readonly DuckDBValue[])[]): Promise<string> {
  const table = await duck.table([
    { name: 'number', type: 'DOUBLE' },
    ...TYPES.map((type, index) => ({ name: `c${index}`, type })),
  ]);
  // The same array again and again: a table keeps nothing of it.
  const cells: DuckDBValue[] = [];
  for (const [number, row] of rows.entries()) {
    for (const [index, value] of [number, ...row].entries()) cells[index] = value;
    table.push(cells);
  }
  table.end();
  return table.name;
}

test.for([1, 2, 3])('values of every type come out as they went in, seed %i', async (seed) => {
  const duck = await duckForTest();
  const rows = rowsOf(createRandom(seed));
  const name = await fill(duck, rows);
  const read: (readonly DuckDBValue[])[] = [];
  for await (const some of duck.stream(`SELECT * FROM ${name} ORDER BY number`)) read.push(...some);
  const byLibrary = (await duck.rows(`SELECT * FROM ${name} ORDER BY number`)).map((row) => row.map(asArray));
  expect(read.length).toBe(ROWS);
  // One by one: all differences at once take longer to write than to find.
  for (const [number, row] of rows.entries()) {
    expect(read[number]).toEqual([number, ...row]);
    expect(byLibrary[number]).toEqual([number, ...row]);
  }
});

test('short texts that are remembered are not taken for one another', async () => {
  const duck = await duckForTest();
  const query = `SELECT 'shared ' || lpad((n % 20000)::VARCHAR, 5, '0') AS text, (n % 20000)::DOUBLE AS n FROM range(60000) AS of(n)`;
  for await (const chunk of duck.chunks(query)) {
    const [texts, numbers] = [chunk.reader(0), chunk.doubles(1)];
    for (let row = 0; row < chunk.rows; row++) {
      if (texts(row) !== `shared ${String(numbers[row]).padStart(5, '0')}`)
        throw new Error(`row ${row}: ${String(texts(row))}`);
    }
  }
});

test('integers within ±(2^53−1) go into 64 bits as numbers', async () => {
  const duck = await duckForTest();
  const table = await duck.table([{ name: 'n', type: 'BIGINT' }]);
  const numbers = [0, 1, -1, 2 ** 32, -(2 ** 32), 2 ** 32 - 1, -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53) + 1];
  for (const number of numbers) table.push([number]);
  table.end();
  expect((await duck.rows(`SELECT * FROM ${table.name}`)).flat()).toEqual(numbers.map(BigInt));
});

test('a database closes while queries are under way, and streams that nobody reads to their end', async () => {
  const duck = await openDuck(folderForTest(), 64 * 1_048_576, 2);
  const beside = duck.runBeside('CREATE TABLE many AS SELECT range AS n FROM range(3000000) ORDER BY hash(n)');
  const stream = duck.stream('SELECT range FROM range(1000000) ORDER BY hash(range)');
  await stream.next();
  await duck.close();
  await beside;
});

test('a timestamp has its milliseconds, cut off toward the past, whatever wrote it', async () => {
  const instance = await DuckDBInstance.create();
  onTestFinished(() => instance.closeSync());
  const duck = await duckForTest();
  const query = `SELECT t, epoch_us(t) // 1000 - CASE WHEN epoch_us(t) % 1000 < 0 THEN 1 ELSE 0 END AS ms FROM
    (SELECT make_timestamp((hash(n) % 9000000000000000)::BIGINT - 4500000000000000) AS t FROM range(20000) AS of(n))`;
  for await (const chunk of duck.chunks(query)) {
    const [times, expected] = [chunk.timestamps(0), chunk.reader(1)];
    for (let row = 0; row < chunk.rows; row++) expect(times?.(row)).toBe(Number(expected(row)));
  }
});
