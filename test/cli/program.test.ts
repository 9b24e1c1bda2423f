import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ORDERS, writeDefinitions } from './definitions.ts';
import { run, temporaryFolder } from './run.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/flights/definitions');

test('help lists every command and how variables go with flags', async () => {
  const { code, stdout } = await run(['--help']);
  expect(code).toBe(0);
  for (const command of ['start', 'ingest', 'check']) expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
  expect(stdout).toContain('SKEWLESS_STORE');
});

test.for(['start', 'ingest', 'check'])('help of %s says what it takes, with an example', async (command) => {
  const { code, stdout } = await run([command, '--help']);
  expect(code).toBe(0);
  expect(stdout).toContain('Example');
});

test('the version is that of the package', async () => {
  expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.for([
  ['an unknown command', ['strat'], /Did you mean start/],
  ['an unknown flag', ['start', '--stroe', 'x'], /Did you mean --store/],
  ['a malformed location', ['start', '--store', 'postgres://x'], /expected sqlite:FILE/],
  ['a malformed port', ['start', '--port', 'x'], /expected 0 to 65535/],
  ['a role that is none', ['start', '--role', 'boss'], /all, serve, materialize/],
  ['listening to everyone unasked', ['start', '--host', '0.0.0.0'], /--auth none/],
  ['ingest without a source', ['ingest', 'x.jsonl'], /--source/],
  ['a missing argument', ['check'], /dir/],
] as const)('%s is a usage error, exit code 2, that says what to do', async ([, args, message]) => {
  const { code, stderr } = await run(args);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
});

test('an unknown variable is a usage error', async () => {
  const { code, stderr } = await run(['check', EXAMPLE], temporaryFolder(), { SKEWLESS_STOER: 'x' });
  expect(stderr).toContain('did you mean SKEWLESS_STORE?');
  expect(code).toBe(2);
});

test('check of the example finds nothing and prices every view', async () => {
  const { code, stdout } = await run(['check', EXAMPLE]);
  expect(code).toBe(0);
  expect(stdout).toContain('Bytes per entity');
  expect(stdout).toMatch(/^origin_departures@1 .* (B|KiB|MiB)$/m);
  expect(stdout).toMatch(/3 sources, 8 views, 1 service: no problem found/);
});

test('check tells every problem with file and line, and exits with 1', async () => {
  const folder = writeDefinitions(
    temporaryFolder(),
    ORDERS.replace('of: amount', 'of: amuont').replace('agg: count', 'agg: cuont'),
  );
  const { code, stdout } = await run(['check', folder]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/orders\.yaml:15:\d+ views\[0\]\.features\[0\]\.agg: .*try count/);
  expect(stdout).toMatch(/orders\.yaml:16:\d+ views\[0\]\.features\[1\]\.of: .*try amount/);
  expect(stdout).toContain('2 problems');
});

test('check --json is one object for scripts', async () => {
  const good = JSON.parse((await run(['check', '--json', EXAMPLE])).stdout) as {
    ok: boolean;
    views: { view: string; bytes_max: number }[];
  };
  expect(good.ok).toBe(true);
  expect(good.views.every(({ bytes_max: bytes }) => bytes > 0)).toBe(true);
  const folder = writeDefinitions(temporaryFolder(), ORDERS.replace('of: amount', 'of: amuont'));
  const { code, stdout } = await run(['check', '--json', folder]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    problems: [{ line: 16, path: 'views[0].features[1].of', suggestion: 'amount' }],
  });
});

test('check refuses a view whose state could grow beyond what a store takes', async () => {
  const wide = ORDERS.replace(
    'windows: [1h] }\n      - { name: spent',
    'windows: [1h] }\n      - { name: q, agg: quantile, q: 0.5, of: amount, windows: [{ length: 7d, hop: 1m }] }\n      - { name: spent',
  );
  const { code, stdout } = await run(['check', writeDefinitions(temporaryFolder(), wide)]);
  expect(stdout).toMatch(/spending@1: an entity may need .* try longer hops/);
  expect(code).toBe(1);
});

test('a folder that is not there is said to be so', async () => {
  const { code, stderr } = await run(['check', 'nowhere']);
  expect(stderr).toMatch(/cannot read definitions: .*nowhere/);
  expect(code).toBe(1);
});

test('ingest appends what is valid, tells what is not, and loads a file once', async () => {
  const directory = temporaryFolder();
  writeDefinitions(directory);
  writeFileSync(join(directory, 'orders.csv'), 'customer,at,amount\na,2024-01-01T00:00:00Z,1.5\nb,soon,2\n');
  const args = [
    'ingest',
    '--definitions',
    'features',
    '--source',
    'orders',
    '--log',
    'sqlite:log.sqlite',
    'orders.csv',
  ];
  const first = await run(args, directory);
  expect(first.stdout).toMatch(/orders\.csv:3: .*at/);
  expect(first.stdout).toMatch(/1 events appended, 1 rejected/);
  expect(first.code).toBe(1);
  const again = await run([...args, '--json'], directory);
  expect(JSON.parse(again.stdout)).toMatchObject({ appended: 0, skipped: 2, rejected: 0 });
  expect(again.code).toBe(0);
});

test('ingest into a source that is none suggests one', async () => {
  const directory = temporaryFolder();
  writeDefinitions(directory);
  const { code, stderr } = await run(
    ['ingest', '--definitions', 'features', '--source', 'ordres', 'x.jsonl'],
    directory,
  );
  expect(stderr).toContain('did you mean orders?');
  expect(code).toBe(2);
});
