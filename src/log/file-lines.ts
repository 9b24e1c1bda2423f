/** JSON lines: one record a line, ended by LF or CRLF. Blank lines and a byte order mark are passed over. */
import { messageOf } from '../core/errors.ts';
import type { FileRecord } from './file.ts';
import { openBytes } from './file-bytes.ts';

/** Of one line: more is not held in memory. Beyond what any record may have. */
const LINE_BYTES_MAX = 4_194_304;
const LF = 10;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

export async function* readJsonLines(path: string, size: number): AsyncGenerator<FileRecord> {
  const { stream, progress } = openBytes(path, size);
  let number = 0;
  for await (const line of linesOf(stream)) {
    number += 1;
    const content = contentOf(line);
    if (content !== null) yield { number, content, progress: progress() };
  }
}

/** Split at LF alone: JSON strings may hold every other character that is called a line's end somewhere. Null: too long. */
async function* linesOf(chunks: AsyncIterable<unknown>): AsyncGenerator<Buffer | null> {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  const end = (): Buffer | null => {
    const line = begunBytes > LINE_BYTES_MAX ? null : begun.length === 1 ? (begun[0] as Buffer) : Buffer.concat(begun);
    begun = [];
    begunBytes = 0;
    return line;
  };
  const add = (bytes: Buffer): void => {
    begunBytes += bytes.length;
    if (begunBytes > LINE_BYTES_MAX) begun = [];
    else begun.push(bytes);
  };
  for await (const chunk of chunks as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
      add(chunk.subarray(from, at));
      yield end();
      from = at + 1;
    }
    if (from < chunk.length) add(chunk.subarray(from));
  }
  if (begunBytes > 0) yield end();
}

/** Null for a blank line. */
function contentOf(line: Buffer | null): FileRecord['content'] | null {
  if (line === null) return { ok: false, code: 'record_too_large', message: `a line over ${LINE_BYTES_MAX} bytes` };
  try {
    const text = UTF8.decode(line);
    return text.trim() === '' ? null : { ok: true, json: JSON.parse(text) as unknown };
  } catch (error) {
    return { ok: false, code: 'malformed_json', message: messageOf(error) };
  }
}
