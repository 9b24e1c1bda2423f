/** Keys from their making to their end, with the program as a user runs it. */
import { chmodSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeDefinitions } from './definitions.ts';
import { type Finished, run, start, temporaryFolder } from './run.ts';

const CREATE = ['keys', 'create', '--keys', 'keys.yaml'];
const codeAndSaid = ({ code, stderr }: Finished) => [code, stderr.trim()];

async function create(directory: string, ...more: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run([...CREATE, ...more], directory);
  expect([code, stderr]).toEqual([0, expect.stringContaining('it is shown this once')]);
  return stdout.trim();
}

async function statusOf(url: string, key: string | null): Promise<number> {
  const headers = key === null ? {} : { authorization: `Bearer ${key}` };
  return (await fetch(url, { headers })).status;
}

test('a key is printed once, alone on standard output; the file keeps its hash, for its owner alone to read', async () => {
  const directory = temporaryFolder();
  const key = await create(directory, '--name', 'scoring', '--scope', 'read:scoring', '--scope', 'ingest:orders');
  expect(key).toMatch(/^skw_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/);
  const file = join(directory, 'keys.yaml');
  const text = readFileSync(file, 'utf8');
  expect(text).toContain('name: scoring');
  expect(text).not.toContain(key.slice(17));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const list = await run(['keys', 'list', '--keys', 'keys.yaml'], directory);
  expect(list.stdout).toMatch(/^id .*\n[0-9a-f]{12} +scoring +read:scoring ingest:orders +\S+ +never\n$/);
  expect(list.stdout).not.toContain(key.slice(17));
});

test('what was written by hand stays, as do the mode of the file and a link to it', async () => {
  const directory = temporaryFolder();
  await create(directory, '--name', 'one', '--scope', 'admin');
  const file = join(directory, 'keys.yaml');
  renameSync(file, join(directory, 'real.yaml'));
  symlinkSync('real.yaml', file);
  writeFileSync(file, readFileSync(file, 'utf8').replace('name: one', 'name: one # of Ann'));
  chmodSync(file, 0o644);
  await create(directory, '--name', 'two', '--scope', 'read:*', '--rate', '100/s', '--expires', '2999-01-01T00:00:00Z');
  const text = readFileSync(join(directory, 'real.yaml'), 'utf8');
  expect(text).toContain('name: one # of Ann');
  expect(text).toMatch(/expires: 2999-01-01T00:00:00\.000Z\n +rate: 100\/s/);
  expect(statSync(join(directory, 'real.yaml')).mode & 0o777).toBe(0o644);
});

test('keys made at the same time are all in the file, or were not made', async () => {
  const directory = temporaryFolder();
  const made = await Promise.all(
    Array.from({ length: 4 }, (_, at) => run([...CREATE, '--name', `k${at}`, '--scope', 'admin', '--json'], directory)),
  );
  const ids = made.filter(({ code }) => code === 0).map(({ stdout }) => (JSON.parse(stdout) as { id: string }).id);
  for (const { code, stderr } of made) if (code !== 0) expect(stderr).toContain('another skewless keys is changing');
  const listed = await run(['keys', 'list', '--keys', 'keys.yaml', '--json'], directory);
  const { keys } = JSON.parse(listed.stdout) as { keys: { id: string }[] };
  expect(ids.length).toBeGreaterThan(0);
  expect(new Set(keys.map(({ id }) => id))).toEqual(new Set(ids));
});

test('revoke takes an id, a name, or a key that leaked; none of them is repeated where it is not known', async () => {
  const directory = temporaryFolder();
  const keys = [
    await create(directory, '--name', 'a', '--scope', 'admin'),
    await create(directory, '--name', 'b', '--scope', 'admin'),
    await create(directory, '--name', 'same', '--scope', 'admin'),
    await create(directory, '--name', 'same', '--scope', 'admin'),
  ];
  const revoke = async (which: string) => run(['keys', 'revoke', '--keys', 'keys.yaml', which], directory);
  const unknown = await revoke(`${keys[0]?.slice(0, -1)}`);
  expect(codeAndSaid(unknown)).toEqual([1, 'skewless: there is no such key; skewless keys list shows all']);
  const both = await revoke('same');
  expect(codeAndSaid(both)).toEqual([
    2,
    expect.stringMatching(/2 keys have this name; say which: [0-9a-f]{12}, [0-9a-f]{12}$/),
  ]);
  const leaked = await revoke(keys[0] ?? '');
  expect([leaked.code, leaked.stdout]).toEqual([0, `Revoked key ${keys[0]?.slice(4, 16)} (a): admin.\n`]);
  expect((await revoke('b')).code).toBe(0);
  expect((await revoke(keys[2]?.slice(4, 16) ?? '')).code).toBe(0);
  expect((await revoke('same')).code).toBe(0);
  expect((await run(['keys', 'list', '--keys', 'keys.yaml'], directory)).stdout).toBe('There are no keys.\n');
});

test('what is wrong with a command is said, with exit code 2, and nothing is made', async () => {
  const directory = temporaryFolder();
  const failed = async (...args: string[]) => codeAndSaid(await run(args, directory));
  const good = ['--name', 'x', '--scope', 'admin'];
  expect(await failed('keys', 'create', ...good)).toEqual([2, expect.stringContaining('--keys FILE is missing')]);
  expect(await failed(...CREATE, '--scope', 'admin')).toEqual([2, expect.stringContaining('--name is missing')]);
  expect(await failed(...CREATE, '--name', 'x')).toEqual([2, expect.stringContaining('--scope is missing')]);
  expect(await failed(...CREATE, ...good, '--scope', 'raed:x')).toEqual([
    2,
    expect.stringContaining('expected read:<service>'),
  ]);
  expect(await failed(...CREATE, ...good, '--expires', '2001-01-01T00:00:00Z')).toEqual([
    2,
    expect.stringContaining('is not a time to come'),
  ]);
  expect(await failed(...CREATE, ...good, '--expires', '900000000d')).toEqual([
    2,
    expect.stringContaining('not a time'),
  ]);
  expect(await failed(...CREATE, ...good, '--rate', 'fast')).toEqual([2, expect.stringContaining('is not a rate')]);
  expect(await failed(...CREATE, ...good, '--bogus')).toEqual([2, expect.stringContaining('unknown option')]);
  expect(await failed('keys', 'list', '--keys', 'keys.yaml')).toEqual([1, expect.stringContaining('there is no file')]);
  expect(await failed('keys', 'revoke', '--keys', 'keys.yaml', 'x')).toEqual([
    1,
    expect.stringContaining('there is no file'),
  ]);
});

test('a broken file is left as it is', async () => {
  const directory = temporaryFolder();
  const file = join(directory, 'keys.yaml');
  writeFileSync(file, 'keys:\n  - id: 1\n');
  const { code, stderr } = await run([...CREATE, '--name', 'x', '--scope', 'admin'], directory);
  expect([code, stderr]).toEqual([1, expect.stringContaining('keys.yaml:2:9: id must be 12 hexadecimal digits')]);
  expect(readFileSync(file, 'utf8')).toBe('keys:\n  - id: 1\n');
});

test.for([
  [['--host', '0.0.0.0'], 2, /--auth keys and --keys FILE .* or say --auth none/],
  [['--host', '0.0.0.0', '--auth', 'keys'], 2, /--auth keys needs --keys FILE/],
  [['--host', '0.0.0.0', '--keys', 'keys.yaml'], 2, /--auth keys/],
  [['--auth', 'password'], 2, /Allowed choices are none, keys/],
  [['--admin-port', '0', '--admin-host', '0.0.0.0'], 2, /--admin-host 0\.0\.0\.0 is reachable/],
  [['--rate-limit', 'much'], 2, /is not a rate/],
  [['--auth', 'keys', '--keys', 'nowhere.yaml'], 1, /cannot be read: ENOENT/],
] as const)('start %j ends with %d', async ([args, expected, complaint]) => {
  const directory = temporaryFolder();
  const { code, stderr } = await run(
    ['start', '--definitions', writeDefinitions(directory), '--port', '0', ...args],
    directory,
  );
  expect(stderr).toMatch(complaint);
  expect(code).toBe(expected);
});

test('a server asks for keys, sees new and revoked ones while it runs, moves its metrics, and logs no key', async () => {
  const directory = temporaryFolder();
  const reader = await create(directory, '--name', 'reader', '--scope', 'read:scoring');
  const environment = { SKEWLESS_KEYS: 'keys.yaml', SKEWLESS_AUTH: 'keys' };
  const args = ['--definitions', writeDefinitions(directory), '--host', '0.0.0.0', '--admin-port', '0'];
  const server = await start(args, directory, environment);
  const admin = await server.said(/Documentation: (\S+)\/docs/);
  const url = server.url.replace('0.0.0.0', '127.0.0.1');
  const service = `${url}/v1/feature-services/scoring`;
  expect([await statusOf(service, null), await statusOf(service, reader)]).toEqual([401, 200]);
  expect(await statusOf(`${url}/livez`, null)).toBe(200);
  expect([await statusOf(`${url}/metrics`, null), await statusOf(`${url}/metrics`, reader)]).toEqual([401, 404]);
  expect([await statusOf(`${admin}/metrics`, null), await statusOf(`${admin}/docs`, null)]).toEqual([200, 200]);

  const next = await create(directory, '--name', 'next', '--scope', 'read:scoring');
  await expect.poll(() => statusOf(service, next), { timeout: 20_000 }).toBe(200);
  expect(await statusOf(service, reader)).toBe(200);
  expect((await run(['keys', 'revoke', '--keys', 'keys.yaml', 'reader'], directory)).code).toBe(0);
  await expect.poll(() => statusOf(service, reader), { timeout: 20_000 }).toBe(401);
  expect(await statusOf(service, next)).toBe(200);

  const { code, stderr, stdout } = await server.stop();
  expect(code).toBe(0);
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string; key_name?: string });
  const changes = lines
    .filter(({ key_name: name }) => name !== undefined)
    .map(({ msg, key_name: name }) => [msg, name]);
  expect(changes).toEqual([
    ['a key was added', 'next'],
    ['a key was revoked', 'reader'],
  ]);
  for (const key of [reader, next]) expect(stderr + stdout).not.toContain(key.slice(17));
  await expect(fetch(`${admin}/metrics`)).rejects.toThrow();
});

test('doctor says of the file of keys what is broken, expired, writable by others, or names nothing', async () => {
  const directory = temporaryFolder();
  const folder = writeDefinitions(directory);
  await create(directory, '--name', 'good', '--scope', 'read:scoring', '--scope', 'ingest:orders', '--scope', 'read:*');
  const doctor = async () => {
    const { stdout } = await run(['doctor', '--definitions', folder, '--keys', 'keys.yaml', '--json'], directory);
    const { findings } = JSON.parse(stdout) as {
      findings: { level: string; what: string; message: string; mend: string }[];
    };
    return findings
      .filter(({ what }) => what.startsWith('key'))
      .map(({ level, message, mend }) => [level, message, mend]);
  };
  expect(await doctor()).toEqual([['ok', 'keys.yaml: 1 key', null]]);
  await create(directory, '--name', 'typo', '--scope', 'read:scorign', '--expires', '1s');
  chmodSync(join(directory, 'keys.yaml'), 0o664);
  await expect.poll(async () => (await doctor()).length, { timeout: 20_000 }).toBe(4);
  expect(await doctor()).toEqual([
    ['ok', 'keys.yaml: 2 keys', null],
    ['warn', expect.stringContaining('can be written by others'), 'chmod go-w keys.yaml'],
    ['warn', 'has expired, and is refused', expect.stringMatching(/skewless keys revoke [0-9a-f]{12}$/)],
    ['warn', 'read:scorign names nothing that is defined', 'did you mean scoring?'],
  ]);
  writeFileSync(join(directory, 'keys.yaml'), 'keys: 1');
  expect(await doctor()).toEqual([['fail', expect.stringContaining('keys.yaml:1:7: '), 'see the message']]);
});
