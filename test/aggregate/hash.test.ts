/** The pinned hash: published verification of MurmurHash3_x86_128, and what may share a hash. */
import { expect, test } from 'vitest';
import { compileHash, murmur3 } from '../../src/aggregate/hash.ts';

function hashBytes(bytes: Uint8Array, seed: number): Uint8Array {
  const padded = new Uint8Array(bytes.length + 16);
  padded.set(bytes);
  const lanes = new Uint32Array(4);
  murmur3(padded, bytes.length, seed, lanes);
  const view = new DataView(new ArrayBuffer(16));
  for (const [index, lane] of lanes.entries()) view.setUint32(index * 4, lane, true);
  return new Uint8Array(view.buffer);
}

test('murmur3 gives SMHasher’s verification value for MurmurHash3_x86_128', () => {
  // KeysetTest.cpp: keys {}, {0}, {0,1}, … hashed with seeds 256, 255, …; then the hashes, hashed with seed 0.
  const hashes = new Uint8Array(256 * 16);
  for (let length = 0; length < 256; length++) {
    const key = Uint8Array.from({ length }, (_, index) => index);
    hashes.set(hashBytes(key, 256 - length), length * 16);
  }
  const verification = new DataView(hashBytes(hashes, 0).buffer).getUint32(0, true);
  expect(verification).toBe(0xb3ece62a);
});

test('murmur3 gives the published hash of a sentence', () => {
  const sentence = new TextEncoder().encode("I will not buy this tobacconist's, it is scratched.");
  const view = new DataView(hashBytes(sentence, 0).buffer);
  const hex = [0, 4, 8, 12].map((at) => view.getUint32(at, true).toString(16).padStart(8, '0')).join('');
  expect(hex).toBe('9b5b7ba2ef3f7866889adeaf00f3f98e');
});

function hashOf(kind: Parameters<typeof compileHash>[0], value: string | number | bigint | boolean): string {
  const words = { first: 0, second: 0 };
  compileHash(kind)(value, words);
  return `${words.first.toString(16).padStart(8, '0')}${words.second.toString(16).padStart(8, '0')}`;
}

test('equal numbers hash alike as int and double; other types do not share hashes', () => {
  expect(hashOf('int', 5)).toBe(hashOf('double', 5));
  const hashes = [
    hashOf('int', 1),
    hashOf('int64', 1n),
    hashOf('bool', true),
    hashOf('timestamp', 1),
    hashOf('string', '1'),
    hashOf('string', ''),
    hashOf('string', '\u{1}'),
  ];
  expect(new Set(hashes).size).toBe(hashes.length);
});

test('a hash does not depend on what was hashed before, nor on which buffer held the text', () => {
  const short = hashOf('string', 'ab');
  hashOf('string', 'x'.repeat(300));
  hashOf('double', 1e300);
  expect(hashOf('string', 'ab')).toBe(short);
  for (const length of [327, 335, 336, 337, 400, 5_000]) {
    const text = 'é'.repeat(length);
    const bytes = new TextEncoder().encode(`\u{2}${text}`);
    const view = new DataView(hashBytes(bytes, 0).buffer);
    const expected = [0, 4].map((at) => view.getUint32(at, true).toString(16).padStart(8, '0')).join('');
    expect(hashOf('string', text)).toBe(expected);
  }
});

test('hashes are pinned: these may never change, for stored sketches hold them', () => {
  expect([
    hashOf('string', ''),
    hashOf('string', 'JFK'),
    hashOf('string', '𝄞'),
    hashOf('double', 0.1),
    hashOf('int', -7),
    hashOf('int64', 2n ** 63n - 1n),
    hashOf('timestamp', 1_359_651_600_000),
    hashOf('bool', false),
  ]).toMatchInlineSnapshot(`
    [
      "73f4101587c9b13b",
      "3fed1fce8960e2ec",
      "257d4ccfcada6651",
      "0229ca558fbe6b5d",
      "58fb6eb1d254b4af",
      "d9aa3d80ff6453df",
      "b60bfbf5e2aa1837",
      "7da1262c3b71b17e",
    ]
  `);
});
