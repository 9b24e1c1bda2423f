import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { createKeyRing } from '../../../src/serve/access/key-ring.ts';
import { createKey, sha256Of } from '../../../src/serve/access/key-text.ts';
import { keyWith } from './fixture.ts';

const calls = vi.hoisted(() => ({ compared: 0, hashed: 0 }));

vi.mock(import('node:crypto'), async (original) => {
  const real = await original();
  const timingSafeEqual: typeof real.timingSafeEqual = (one, other) => {
    calls.compared++;
    return real.timingSafeEqual(one, other);
  };
  const hash = ((...args: Parameters<typeof real.hash>) => {
    calls.hashed++;
    return real.hash(...args);
  }) as typeof real.hash;
  return { ...real, timingSafeEqual, hash };
});

test('the right key, a wrong secret and an unknown id each cost one hash and one comparison in constant time', () => {
  const key = keyWith(['admin']);
  const ring = createKeyRing([key.key]);
  const cases = [key.text, `${key.text.slice(0, -2)}--`, createKey().text];
  const kinds = cases.map((text) => {
    calls.compared = 0;
    calls.hashed = 0;
    const { kind } = ring.authenticate(text, 0);
    expect(calls).toEqual({ compared: 1, hashed: 1 });
    return kind;
  });
  expect(kinds).toEqual(['known', 'unknown', 'unknown']);
});

test('what has not the form of a key is refused unhashed, however long', () => {
  const ring = createKeyRing([keyWith(['admin']).key]);
  calls.hashed = 0;
  expect(ring.authenticate('x'.repeat(16_000), 0)).toEqual({ kind: 'unknown' });
  expect(ring.authenticate('', 0)).toEqual({ kind: 'unknown' });
  expect(calls.hashed).toBe(0);
});

test('a key is known by its own text and by no other', () => {
  const keys = Array.from({ length: 20 }, () => keyWith(['admin']));
  const ring = createKeyRing(keys.map(({ key }) => key));
  const edited = fc
    .tuple(fc.constantFrom(...keys), fc.nat(), fc.string({ minLength: 1, maxLength: 1 }))
    .map(([{ text }, at, letter]) => text.slice(0, at % text.length) + letter + text.slice((at % text.length) + 1));
  fc.assert(
    fc.property(edited, (text) => {
      const owner = keys.find((key) => key.text === text);
      const found = ring.authenticate(text, 0);
      expect(found.kind).toBe(owner === undefined ? 'unknown' : 'known');
      if (found.kind === 'known') expect(found.key).toBe(owner?.key);
    }),
    { numRuns: 2_000 },
  );
});

test('keys are of 256 random bits under an id of their own, and only their digest finds them', () => {
  const made = Array.from({ length: 500 }, () => createKey());
  expect(new Set(made.map(({ id }) => id)).size).toBe(500);
  for (const { id, text } of made) {
    const [, idInText, secret = ''] = /^skw_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/.exec(text) ?? [];
    expect(idInText).toBe(id);
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
    expect(sha256Of(text)).toMatch(/^[0-9a-f]{64}$/);
  }
});
