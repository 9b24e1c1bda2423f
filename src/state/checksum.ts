/**
 * CRC-32 (IEEE 802.3, reflected). Records are some fifty bytes, for which a table beats the call into zlib; tiles are
 * kilobytes, for which zlib wins.
 */
import { crc32 as zlibCrc32 } from 'node:zlib';

/** What a checksum takes where it is stored. */
export const CHECKSUM_BYTES = 4;

/** From this many bytes on zlib is faster (measured: about equal at 192). */
const ZLIB_FROM_BYTES = 192;

/** Of a byte, and of that byte with one, two and three zeros after it: four bytes are taken at a time. */
const TABLE = new Int32Array(4 * 256);
for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  TABLE[byte] = value;
}
for (let at = 256; at < TABLE.length; at++) {
  const before = TABLE[at - 256] as number;
  TABLE[at] = (before >>> 8) ^ (TABLE[before & 0xff] as number);
}

/** Of `bytes[from, to)`, continuing from the checksum of what came before (0 at the beginning). Unsigned. */
export function crc32(bytes: Uint8Array, from: number, to: number, before: number): number {
  if (to - from >= ZLIB_FROM_BYTES) return zlibCrc32(bytes.subarray(from, to), before);
  let crc = ~before;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    crc ^= wordAt(bytes, at);
    crc =
      (TABLE[768 + (crc & 0xff)] as number) ^
      (TABLE[512 + ((crc >>> 8) & 0xff)] as number) ^
      (TABLE[256 + ((crc >>> 16) & 0xff)] as number) ^
      (TABLE[crc >>> 24] as number);
  }
  for (; at < to; at++) crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[at] as number)) & 0xff] as number);
  return ~crc >>> 0;
}

/** The checksum that ends a stored value, as a writer's `u32` puts it there; null: none ends so early. */
export function endChecksum(bytes: Uint8Array): number | null {
  const at = bytes.length - CHECKSUM_BYTES;
  return at < 0 ? null : wordAt(bytes, at) >>> 0;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}
