import { expect, test } from 'vitest';
import { createRedisKeys, escapePattern, slotOf } from '../../src/store/redis-keys.ts';
import { randomFrom } from '../contract/random.ts';

const SLOTS = 16_384;

const tagsOf = (namespace: string, source: string, entityKey: string, partitions: number): string[] => {
  const keys = createRedisKeys(namespace);
  return Array.from({ length: partitions }, (_, partition) => keys.tag({ source, entityKey, partition }));
};

test('a slot is what the Redis Cluster specification says', () => {
  expect(slotOf('123456789')).toBe(0x31c3);
  expect(slotOf('foo')).toBe(12_182);
});

// Stored keys are found by it: another tag for a shard that exists would lose it.
test('the tag of a shard stays what it was', () => {
  const keys = createRedisKeys('production');
  const tags = [0, 1, 2, 63].map((partition) => keys.tag({ source: 'flights', entityKey: 'origin', partition }));
  expect(tags).toMatchInlineSnapshot(`
    [
      "{production/flights/origin/0~4d}",
      "{production/flights/origin/1~ch}",
      "{production/flights/origin/2~c1}",
      "{production/flights/origin/63~66}",
    ]
  `);
  expect(createRedisKeys('a/b}').tag({ source: '{s', entityKey: 'k,ü ~', partition: 7 })).toMatchInlineSnapshot(
    `"{a%2Fb%7D/%7Bs/k%2C%C3%BC%20%7E/7~3w}"`,
  );
});

test('the partitions of a source are spread evenly over the slots, however many there are', () => {
  for (const [source, entityKey] of [
    ['flights', 'origin'],
    ['payments', 'card,merchant'],
  ] as const) {
    for (const partitions of [...Array.from({ length: 64 }, (_, index) => index + 1), 1_000]) {
      const tags = tagsOf('n', source, entityKey, partitions);
      const slots = tags.map((tag) => slotOf(tag.slice(1, -1))).toSorted((one, other) => one - other);
      const gaps = slots.map(
        (slot, index) => ((slots[index + 1] ?? (slots[0] ?? 0) + SLOTS) - slot) / (SLOTS / partitions),
      );
      // Van der Corput's points leave no gap above twice the mean; the search for a suffix may miss its slot by 31.
      expect(Math.max(...gaps), `${source}, ${partitions} partitions`).toBeLessThanOrEqual(
        2 + (31 * partitions) / SLOTS,
      );
    }
  }
});

test('a cluster of any few nodes gets shares that differ by a few partitions', () => {
  for (const nodes of [2, 3, 4, 5, 6, 10]) {
    const shares = Array.from({ length: nodes }, () => 0);
    for (const tag of tagsOf('n', 's', 'k', 60)) {
      const node = Math.floor((slotOf(tag.slice(1, -1)) * nodes) / SLOTS);
      shares[node] = (shares[node] ?? 0) + 1;
    }
    expect(Math.max(...shares) - Math.min(...shares), `${nodes} nodes: ${shares.join()}`).toBeLessThanOrEqual(4);
  }
});

test('no name can break out of its tag, and each is found again', () => {
  const random = randomFrom(11);
  const pieces = ['{', '}', '/', '~', ':', '*', '?', '[', ']', '\\', '%', 'c:', ' ', 'é', '\u0000', 'a', '-'];
  const text = (): string => Array.from({ length: 1 + random.int(6) }, () => random.pick(pieces)).join('');
  const seen = new Map<string, string>();
  for (let step = 0; step < 2_000; step++) {
    const [namespace, source, entityKey] = [text(), text(), text()] as const;
    const shard = { source, entityKey, partition: random.int(4) };
    const keys = createRedisKeys(namespace);
    const tag = keys.tag(shard);
    expect(tag.slice(1, -1)).not.toMatch(/[{}]/);
    expect(keys.parseCheckpoint(`${tag}c:f`)).toEqual({ shard, fingerprint: 'f' });
    const name = JSON.stringify([namespace, shard]);
    expect(seen.get(tag) ?? name, 'another shard has this tag').toBe(name);
    seen.set(tag, name);
  }
});

test('other keys are not taken for checkpoints', () => {
  const keys = createRedisKeys('n');
  const tag = keys.tag({ source: 's', entityKey: 'k', partition: 0 });
  expect(keys.parseCheckpoint(`${tag}h:f:c:x`)).toBeNull();
  expect(createRedisKeys('m').parseCheckpoint(`${tag}c:f`)).toBeNull();
});

test('a pattern matches its text alone', () => {
  expect(escapePattern('a*b?[c]\\d-e')).toBe('a\\*b\\?\\[c\\]\\\\d-e');
});
