/**
 * CRC-32 (IEEE 802.3, reflected). Records are some fifty bytes, for which a table beats the call into zlib; tiles are
 * kilobytes, for which zlib wins.
 */
import { crc32 as zlibCrc32 } from 'node:zlib';

/** From this many bytes on zlib is faster (measured: about equal at 256). */
const ZLIB_FROM_BYTES = 256;

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** Of `bytes[from, to)`, continuing from the checksum of what came before (0 at the beginning). Unsigned. */
export function crc32(bytes: Uint8Array, from: number, to: number, before: number): number {
  if (to - from >= ZLIB_FROM_BYTES) return zlibCrc32(bytes.subarray(from, to), before);
  let crc = ~before;
  for (let at = from; at < to; at++) crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[at] as number)) & 0xff] as number);
  return ~crc >>> 0;
}
