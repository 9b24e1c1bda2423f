import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { SkewlessError, messageOf } from './errors.ts';

/** SHA-256 of a file's content, in hex: a file is known by it, whatever it is called. Throws `file_unreadable`. */
export async function contentHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  } catch (cause) {
    throw new SkewlessError('file_unreadable', `${path}: ${messageOf(cause)}`, { cause });
  }
  return hash.digest('hex');
}
