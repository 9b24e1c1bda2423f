/** Bytes of a text file, unpacked where its name ends in `.gz`, and how far reading has come. */
import { createReadStream } from 'node:fs';
import { type Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

export interface FileBytes {
  /** Fails if the file cannot be read or unpacked to its end. */
  readonly stream: Readable;
  /** Share of the file that was read, 0 to 1. */
  progress(): number;
}

export function openBytes(path: string, size: number): FileBytes {
  const file = createReadStream(path);
  const progress = (): number => (size === 0 ? 1 : Math.min(1, file.bytesRead / size));
  if (!path.toLowerCase().endsWith('.gz')) return { stream: file, progress };
  // A pipeline, so that the reader hears of either's failure; what to do about it is the reader's.
  const stream = pipeline(file, createGunzip(), () => {});
  return { stream, progress };
}

export async function checkBytes(path: string, size: number): Promise<void> {
  for await (const _chunk of openBytes(path, size).stream);
}
