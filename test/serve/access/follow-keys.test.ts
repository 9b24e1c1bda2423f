/** The file changes while it is followed. `refresh` is what the poll does; one test leaves it to the poll. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type FollowedKeys, followKeyFile } from '../../../src/serve/access/follow-keys.ts';
import { formatScope } from '../../../src/serve/access/scope.ts';
import { type TestKey, keyWith, startGuarded } from './fixture.ts';

interface Line {
  readonly level: 'info' | 'error';
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

function textOf(keys: readonly TestKey[]): string {
  return `keys: ${JSON.stringify(
    keys.map(({ key }) => ({
      id: key.id,
      name: key.name,
      sha256: key.sha256,
      scopes: key.scopes.map(formatScope),
    })),
  )}\n`;
}

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-keys-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'keys.yaml');
}

const NEVER_MS = 1_000_000;

async function follow(file: string, pollMs = NEVER_MS): Promise<{ keys: FollowedKeys; lines: Line[] }> {
  const lines: Line[] = [];
  const write = (level: Line['level']) => (details: unknown, message?: string) =>
    void lines.push({ level, details: details as Line['details'], message: message ?? '' });
  const keys = await followKeyFile(file, { info: write('info'), error: write('error') } as never, pollMs);
  onTestFinished(() => keys.close());
  return { keys, lines };
}

const knows = ({ ring }: FollowedKeys, { text }: TestKey): boolean => ring.authenticate(text, 0).kind === 'known';

test('keys are added, changed and revoked without a restart, and the log says who, but no secret', async () => {
  const [one, two] = [keyWith(['read:departure_delay']), keyWith(['admin'])];
  const file = temporaryFile();
  writeFileSync(file, textOf([one]));
  const { keys, lines } = await follow(file);
  expect([knows(keys, one), knows(keys, two)]).toEqual([true, false]);
  writeFileSync(file, textOf([one, two]));
  await keys.refresh();
  expect([knows(keys, one), knows(keys, two)]).toEqual([true, true]);
  writeFileSync(file, textOf([{ ...two, key: { ...two.key, name: 'renamed' } }]));
  await keys.refresh();
  expect([knows(keys, one), knows(keys, two)]).toEqual([false, true]);
  await keys.refresh();
  expect(lines.slice(1).map(({ message, details }) => [message, details['key_id'], details['scopes']])).toEqual([
    ['a key was added', two.key.id, ['admin']],
    ['a key was changed', two.key.id, ['admin']],
    ['a key was revoked', one.key.id, ['read:departure_delay']],
  ]);
  const logged = JSON.stringify(lines);
  for (const { key, text } of [one, two]) {
    expect(logged).not.toContain(text.slice(17));
    expect(logged).not.toContain(key.sha256);
  }
});

test('a broken or missing file leaves the last good keys in force, says where it is wrong, once, and is mended', async () => {
  const [one, two] = [keyWith(['admin']), keyWith(['admin'])];
  const file = temporaryFile();
  writeFileSync(file, textOf([one]));
  const { keys, lines } = await follow(file);
  const errors = () => lines.filter(({ level }) => level === 'error').map(({ details }) => String(details['problem']));
  const breaks: readonly [() => void, RegExp][] = [
    [() => truncateSync(file), /keys\.yaml:1:1: a file of keys holds/],
    [() => writeFileSync(file, `keys:\n  - { id: nonsense, name: x }\n`), /keys\.yaml:2:11: id must be/],
    [() => rmSync(file), /cannot be read: ENOENT/],
    [() => mkdirSync(file), /cannot be read: EISDIR/],
  ];
  for (const [at, [damage, complaint]] of breaks.entries()) {
    damage();
    await keys.refresh();
    await keys.refresh();
    expect(knows(keys, one)).toBe(true);
    expect(errors()).toHaveLength(at + 1);
    expect(errors().at(-1)).toMatch(complaint);
  }
  rmSync(file, { recursive: true });
  writeFileSync(file, textOf([two]));
  await keys.refresh();
  expect([knows(keys, one), knows(keys, two)]).toEqual([false, true]);
});

test('a file that is too large is not read', async () => {
  const one = keyWith(['admin']);
  const file = temporaryFile();
  writeFileSync(file, textOf([one]));
  const { keys, lines } = await follow(file);
  writeFileSync(file, `${textOf([])}${'#'.repeat(4_194_304)}`);
  await keys.refresh();
  expect(knows(keys, one)).toBe(true);
  expect(lines.at(-1)?.details['problem']).toMatch(/larger than 4194304 bytes/);
});

test('a mounted secret, whose link is turned to another folder, is seen', async () => {
  const [one, two] = [keyWith(['admin']), keyWith(['admin'])];
  const folder = join(temporaryFile(), '..');
  for (const [name, key] of [
    ['v1', one],
    ['v2', two],
  ] as const) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'keys.yaml'), textOf([key]));
  }
  symlinkSync('v1', join(folder, 'data'));
  const { keys } = await follow(join(folder, 'data', 'keys.yaml'));
  expect(knows(keys, one)).toBe(true);
  symlinkSync('v2', join(folder, 'next'));
  renameSync(join(folder, 'next'), join(folder, 'data'));
  await keys.refresh();
  expect([knows(keys, one), knows(keys, two)]).toEqual([false, true]);
});

test('a file that is no good at the start is an error with all of its problems', async () => {
  const file = temporaryFile();
  await expect(follow(file)).rejects.toMatchObject({
    code: 'key_file',
    message: expect.stringContaining('ENOENT') as string,
  });
  writeFileSync(file, 'keys:\n  - 1\n  - 2\n');
  await expect(follow(file)).rejects.toMatchObject({ message: expect.stringMatching(/:2:5: .*\n.*:3:5: /) as string });
});

test('keys are rotated while requests are served: the old one and the new one overlap, and no request of either fails', async () => {
  const [old, next] = [keyWith(['read:departure_delay']), keyWith(['read:departure_delay'])];
  const file = temporaryFile();
  writeFileSync(file, textOf([old]));
  const { keys } = await follow(file, 5);
  const { call } = await startGuarded([], { keys });
  const status = async ({ headers }: TestKey) => (await call({ url: '/v1/feature-services', headers })).status;
  const statuses: number[] = [];
  const until = async (key: TestKey, wanted: number, meanwhile: TestKey): Promise<void> => {
    await expect
      .poll(
        async () => {
          statuses.push(await status(meanwhile));
          return status(key);
        },
        { timeout: 10_000, interval: 1 },
      )
      .toBe(wanted);
  };
  expect([await status(old), await status(next)]).toEqual([200, 401]);
  writeFileSync(`${file}.new`, textOf([old, next]));
  renameSync(`${file}.new`, file);
  await until(next, 200, old);
  writeFileSync(`${file}.new`, textOf([next]));
  renameSync(`${file}.new`, file);
  await until(old, 401, next);
  expect(new Set(statuses)).toEqual(new Set([200]));
});
