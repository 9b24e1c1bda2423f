/** Boots the program with plain `node`, which runs the TypeScript as it is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RunEvent } from '../../src/openlineage/event.ts';
import { expectValid } from '../openlineage/support.ts';
import { writeDefinitions } from './definitions.ts';
import { run, start, temporaryFolder } from './run.ts';

const json = (body: unknown) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

test('events in, vector out, over a restart, and a clean end on SIGTERM', async () => {
  const directory = temporaryFolder();
  const folder = writeDefinitions(directory);
  const first = await start(['--definitions', folder], directory);
  expect((await fetch(`${first.url}/livez`)).status).toBe(200);
  const events = [10, 20, 30].map((minute) => ({
    customer: 'a',
    at: `2024-01-01T00:${minute}:00Z`,
    amount: minute / 8,
  }));
  const ingested = await fetch(`${first.url}/v1/sources/orders/events`, json({ events }));
  expect(ingested.status).toBe(200);
  const { position, accepted } = (await ingested.json()) as { position: string; accepted: number };
  expect(accepted).toBe(3);
  const request = json({
    entities: [{ customer: 'a' }],
    as_of: '2024-01-01T00:30:00Z',
    after: position,
    include: ['status'],
  });
  const expected = [{ values: [2, 3.75], status: ['PRESENT', 'PRESENT'] }];
  const vectors = async (url: string): Promise<unknown> =>
    ((await (await fetch(`${url}/v1/feature-services/scoring/vectors`, request)).json()) as { vectors: unknown })
      .vectors;
  expect(await vectors(first.url)).toEqual(expected);
  expect((await first.stop()).code).toBe(0);
  const second = await start(['--definitions', folder], directory);
  expect(await vectors(second.url)).toEqual(expected);
  expect((await second.stop('SIGINT')).code).toBe(0);
});

test('a serving process and a materializing one share log and store', async () => {
  const directory = temporaryFolder();
  const common = [
    '--definitions',
    writeDefinitions(directory),
    '--log',
    'sqlite:log.sqlite',
    '--store',
    'sqlite:store.sqlite',
  ];
  const materialize = await start(['--role', 'materialize', ...common], directory);
  const serve = await start(['--role', 'serve', ...common], directory);
  const events = [{ customer: 'b', at: '2024-01-01T00:10:00Z', amount: 1 }];
  const { position } = (await (await fetch(`${serve.url}/v1/sources/orders/events`, json({ events }))).json()) as {
    position: string;
  };
  const request = json({
    entities: [{ customer: 'b' }],
    as_of: '2024-01-01T01:00:00Z',
    after: position,
    budget_ms: 20_000,
  });
  const answer = await fetch(`${serve.url}/v1/feature-services/scoring/vectors`, request);
  expect(await answer.json()).toMatchObject({ vectors: [{ values: [1, 1] }] });
  expect((await serve.stop()).code).toBe(0);
  expect((await materialize.stop()).code).toBe(0);
});

test('definitions with problems do not start', async () => {
  const directory = temporaryFolder();
  const { code, stderr } = await run(
    ['start', '--definitions', writeDefinitions(directory, 'sources: [{ nmae: x }]')],
    directory,
  );
  expect(stderr).toMatch(/orders\.yaml:1:\d+ .*try name/);
  expect(code).toBe(1);
});

test('a port that is taken is said to be so, and nothing stays open', async () => {
  const directory = temporaryFolder();
  const folder = writeDefinitions(directory);
  const first = await start(['--definitions', folder], directory);
  const { code, stderr } = await run(
    ['start', '--definitions', folder, '--port', new URL(first.url).port],
    temporaryFolder(),
  );
  expect(stderr).toMatch(/EADDRINUSE/);
  expect(code).toBe(1);
  await first.stop();
});

test('a process that folds tells of its runs from start to end', async () => {
  const directory = temporaryFolder();
  const definitions = writeDefinitions(directory);
  const running = await start(['--definitions', definitions, '--openlineage', 'file:events.jsonl'], directory);
  expect((await running.stop()).code).toBe(0);
  const lines = readFileSync(join(directory, 'events.jsonl'), 'utf8').trimEnd().split('\n');
  const events = lines.map((line) => JSON.parse(line) as RunEvent);
  expectValid(events);
  expect(new Set(events.map(({ eventType }) => eventType))).toEqual(new Set(['START', 'COMPLETE']));
  expect(events[0]?.inputs[0]?.name).toBe(join(directory, '.skewless/log.sqlite/orders'));
});
