/**
 * Keys from a file that may change while the server runs. It is read every second and compared: that also sees a mounted
 * secret whose link is turned, or a file of another machine, which watchers miss. A file that cannot be read or is wrong
 * leaves the last good keys in force, and the log says what is wrong with it, once.
 */
import { readFile, stat } from 'node:fs/promises';
import { setInterval } from 'node:timers/promises';
import type { FastifyBaseLogger } from 'fastify';
import { SkewlessError, messageOf } from '../../core/errors.ts';
import { formatTimestamp } from '../../core/time.ts';
import { parseKeyFile } from './key-file.ts';
import { type ApiKey, type KeyRing, createKeyRing } from './key-ring.ts';
import { formatRate } from './rate.ts';
import { formatScope } from './scope.ts';
import type { KeySource } from './install.ts';

/** A change is in force after this long at the latest, and the time to read the file. */
const POLL_MS = 1_000;
const READ_LIMIT_MS = 5_000;
const FILE_BYTES_MAX = 4_194_304;

export interface FollowedKeys extends KeySource {
  /** Reads the file now. Never throws. */
  refresh(): Promise<void>;
  close(): void;
}

type Read = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string };

/** Throws `key_file` with every problem when the file is no good at the start. */
export async function followKeyFile(
  file: string,
  logger: Pick<FastifyBaseLogger, 'info' | 'error'>,
  pollMs = POLL_MS,
): Promise<FollowedKeys> {
  const first = await readText(file);
  if (!first.ok) throw new SkewlessError('key_file', first.problem);
  const parsed = parseKeyFile(file, first.text);
  if (!parsed.ok) throw new SkewlessError('key_file', parsed.problems.join('\n'));
  logger.info({ keys: parsed.keys.length, file }, 'API keys are asked for');
  let ring = createKeyRing(parsed.keys);
  let seen: Read = first;
  const refuse = (problem: string): void =>
    logger.error({ file, problem }, 'the file of keys is no good: the keys read before stay in force');
  const followed: FollowedKeys = {
    get ring() {
      return ring;
    },
    async refresh() {
      const read = await readText(file);
      if (isSame(read, seen)) return;
      seen = read;
      if (!read.ok) return refuse(read.problem);
      const result = parseKeyFile(file, read.text);
      if (!result.ok) return refuse(result.problems.join('\n'));
      logChanges(ring, result.keys, logger);
      ring = createKeyRing(result.keys);
    },
    close: () => stopping.abort(),
  };
  const stopping = new AbortController();
  void poll(followed, pollMs, stopping.signal);
  return followed;
}

async function poll(followed: FollowedKeys, pollMs: number, signal: AbortSignal): Promise<void> {
  try {
    for await (const _ of setInterval(pollMs, null, { signal, ref: false })) await followed.refresh();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function readText(file: string): Promise<Read> {
  try {
    const { size } = await stat(file);
    if (size > FILE_BYTES_MAX) return { ok: false, problem: `${file} is larger than ${FILE_BYTES_MAX} bytes` };
    return { ok: true, text: await readFile(file, { encoding: 'utf8', signal: AbortSignal.timeout(READ_LIMIT_MS) }) };
  } catch (error) {
    return { ok: false, problem: `the file of keys cannot be read: ${messageOf(error)}` };
  }
}

function isSame(one: Read, other: Read): boolean {
  return one.ok ? other.ok && one.text === other.text : !other.ok && one.problem === other.problem;
}

/** Who was let in and who was shut out, for whoever has to know later. */
function logChanges(before: KeyRing, keys: readonly ApiKey[], logger: Pick<FastifyBaseLogger, 'info'>): void {
  const old = new Map(before.keys.map((key) => [key.id, key]));
  for (const key of keys) {
    const known = old.get(key.id);
    old.delete(key.id);
    if (known === undefined) logger.info(describe(key), 'a key was added');
    else if (JSON.stringify(describe(known)) !== JSON.stringify(describe(key)) || known.sha256 !== key.sha256) {
      logger.info(describe(key), 'a key was changed');
    }
  }
  for (const key of old.values()) logger.info(describe(key), 'a key was revoked');
}

function describe({ id, name, scopes, expiresMs, rate }: ApiKey): object {
  return {
    key_id: id,
    key_name: name,
    scopes: scopes.map(formatScope),
    expires: expiresMs === null ? null : formatTimestamp(expiresMs),
    rate: rate === null ? null : formatRate(rate),
  };
}
