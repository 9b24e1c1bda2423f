/**
 * Compressed batches that kafkajs cannot read by itself: Snappy, LZ4 and ZSTD, as Kafka's Java clients write them.
 * kafkajs keeps its codecs in one table for the process.
 */
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs from 'kafkajs';
import { compressFrame, decompressFrame } from 'lz4-napi';
import { compress, uncompress } from 'snappy';

/** Frames of the Java library `snappy-java`: this magic, two versions, then blocks, each after its length. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

interface Encoder {
  readonly buffer: Buffer;
}

const { CompressionCodecs, CompressionTypes } = kafkajs;

export function registerCodecs(): void {
  const zstd = promisify(zstdCompress);
  const unzstd = promisify(zstdDecompress);
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: async ({ buffer }: Encoder) => compress(buffer),
    decompress: uncompressSnappy,
  });
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: async ({ buffer }: Encoder) => compressFrame(buffer),
    decompress: async (bytes: Buffer) => decompressFrame(bytes),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async ({ buffer }: Encoder) => zstd(buffer),
    decompress: async (bytes: Buffer) => unzstd(bytes),
  });
}

async function uncompressSnappy(bytes: Buffer): Promise<Buffer> {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return uncompressBlock(bytes);
  const blocks: Promise<Buffer>[] = [];
  let at = XERIAL_HEADER_BYTES;
  while (at < bytes.length) {
    const length = bytes.readUInt32BE(at);
    at += 4;
    blocks.push(uncompressBlock(bytes.subarray(at, at + length)));
    at += length;
  }
  return Buffer.concat(await Promise.all(blocks));
}

async function uncompressBlock(bytes: Buffer): Promise<Buffer> {
  return (await uncompress(bytes, { asBuffer: true })) as Buffer;
}
