import { expect, test } from 'vitest';
import { murmur2, partitionOf } from '../../src/log/partitioner.ts';

// Vectors of Apache Kafka's own UtilsTest.testMurmur2.
test.for([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
] as const)('murmur2 of "%s" is %d, as Kafka has it', ([key, hash]) => {
  expect(murmur2(Buffer.from(key))).toBe(hash);
});

test('a partition is the positive hash modulo their number', () => {
  expect(partitionOf(Buffer.from('21'), 7, 'murmur2')).toBe((-973932308 & 0x7fffffff) % 7);
  // CRC-32 check value of the standard: "123456789" is 0xCBF43926.
  expect(partitionOf(Buffer.from('123456789'), 100, 'crc32')).toBe(0xcbf43926 % 100);
});

test('without a key, or with an unknown partitioner, the partition cannot be told', () => {
  expect(partitionOf(null, 3, 'murmur2')).toBeNull();
  expect(partitionOf(Buffer.from('a'), 3, 'unknown')).toBeNull();
});
