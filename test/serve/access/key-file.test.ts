import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseKeyFile } from '../../../src/serve/access/key-file.ts';
import { createKey } from '../../../src/serve/access/key-text.ts';

const SHA = 'a'.repeat(64);
const GOOD = `# whose they are
keys:
  - id: 0123456789ab
    name: scoring
    sha256: ${SHA}
    scopes: [read:departure_delay, "read:*", "ingest:*", ingest:departures, admin]
    created: 2026-01-01T00:00:00Z
    expires: 2027-01-01T00:00:00+01:00
    rate: 6000/m
  - { id: "123456789012", name: two, sha256: ${SHA}, scopes: [admin] }
`;

function problemsOf(text: string): readonly string[] {
  const parsed = parseKeyFile('keys.yaml', text);
  return parsed.ok ? [] : parsed.problems;
}

test('a file of keys is read as it is written', () => {
  expect(parseKeyFile('keys.yaml', GOOD)).toEqual({
    ok: true,
    keys: [
      {
        id: '0123456789ab',
        name: 'scoring',
        sha256: SHA,
        scopes: [
          { kind: 'read', name: 'departure_delay' },
          { kind: 'read', name: '*' },
          { kind: 'ingest', name: '*' },
          { kind: 'ingest', name: 'departures' },
          { kind: 'admin' },
        ],
        createdMs: Date.UTC(2026, 0, 1),
        expiresMs: Date.UTC(2026, 11, 31, 23),
        rate: { requests: 6_000, windowMs: 60_000 },
      },
      {
        id: '123456789012',
        name: 'two',
        sha256: SHA,
        scopes: [{ kind: 'admin' }],
        createdMs: null,
        expiresMs: null,
        rate: null,
      },
    ],
  });
  expect(parseKeyFile('keys.yaml', 'keys: []')).toEqual({ ok: true, keys: [] });
});

test('everything that is wrong is told at once, with its line', () => {
  const text = `
keys:
  - id: 123456789012
    name: ""
    sha256: skw_0123456789ab_secret
    scopes: [read:Departure, write:x, "read:departure_delay@2", admin]
    expires: tomorrow
    rate: fast
    owner: me
  - just text
  - { id: abcdefabcdef, name: a, sha256: ${SHA}, scopes: [] }
  - { id: abcdefabcdef, name: b, sha256: ${SHA}, scopes: [admin], expires: null }
other: 1
`;
  expect(problemsOf(text)).toEqual(
    [
      'keys.yaml:2:1: 1 unknown field here; known: keys',
      'keys.yaml:3:5: 1 unknown field here; known: id, name, sha256, scopes, created, expires, rate',
      'keys.yaml:3:9: id must be 12 hexadecimal digits, in quotes if they are all decimal',
      'keys.yaml:4:11: name must be 1 to 128 characters',
      'keys.yaml:5:13: sha256 must be the SHA-256 of the key, 64 hexadecimal digits: never the key itself',
      'keys.yaml:6:14: not a scope; expected read:<service>, read:*, ingest:<source>, ingest:* or admin',
      'keys.yaml:6:30: not a scope; expected read:<service>, read:*, ingest:<source>, ingest:* or admin',
      'keys.yaml:6:39: not a scope; expected read:<service>, read:*, ingest:<source>, ingest:* or admin',
      'keys.yaml:7:14: expires must be RFC 3339 with an offset, such as 2026-12-31T00:00:00Z',
      'keys.yaml:8:11: rate must be a number of requests and s, m or h, such as 100/s or 6000/m',
      'keys.yaml:10:5: a key is a mapping of id, name, sha256, scopes, created, expires, rate',
      'keys.yaml:11:63: scopes must be a list of at least one of read:<service>, read:*, ingest:<source>, ingest:* or admin',
      'keys.yaml:12:81: expires must be RFC 3339 with an offset, such as 2026-12-31T00:00:00Z',
      'keys.yaml:12:11: keys[2] has this id already',
    ].map((line) =>
      expect.stringMatching(
        new RegExp(`^${line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\d+: /, ':\\d+: ')}$`),
      ),
    ),
  );
});

test('a file that was cut off, or is none, is broken: never one without keys', () => {
  for (const text of ['', '# only a comment', 'keys:', 'keys: {}', '[]', 'keys: [', '\0', GOOD.slice(0, -60)]) {
    expect(problemsOf(text).length, JSON.stringify(text)).toBeGreaterThan(0);
  }
});

test('more keys than are kept are refused', () => {
  const entry = (at: number) =>
    `{ id: "${at.toString(16).padStart(12, '0')}", name: k, sha256: ${SHA}, scopes: [admin] }`;
  const file = (count: number) => `keys:\n${Array.from({ length: count }, (_, at) => `  - ${entry(at)}\n`).join('')}`;
  expect(problemsOf(file(10_000))).toEqual([]);
  expect(problemsOf(file(10_001))).toEqual([expect.stringContaining('there are 10001 keys, and at most 10000')]);
}, 60_000);

test('no problem repeats a key that somebody put into the file, wherever', () => {
  const { text: key } = createKey();
  const secret = key.slice(17);
  fc.assert(
    fc.property(fc.nat(GOOD.length), fc.nat(40), fc.constantFrom('', '\n', ' ', ': ', '- ', '"'), (at, cut, mark) => {
      const text = `${GOOD.slice(0, at)}${mark}${key}${mark}${GOOD.slice(at + cut)}`;
      for (const problem of problemsOf(text)) {
        expect(problem).toMatch(/^keys\.yaml:\d+:\d+: /);
        for (let start = 0; start + 8 <= secret.length; start++)
          expect(problem).not.toContain(secret.slice(start, start + 8));
      }
    }),
    { numRuns: 1_000 },
  );
});
