/** Who a key is. One look-up by its id, one hash and one comparison a request, whether the key is right or not. */
import { timingSafeEqual } from 'node:crypto';
import type { Rate } from './rate.ts';
import type { Scope } from './scope.ts';
import { SHA256_LENGTH, keyIdOf, sha256Of } from './key-text.ts';

export interface ApiKey {
  /** 12 hexadecimal digits; in logs and lists. */
  readonly id: string;
  readonly name: string;
  /** Of its text, in lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly scopes: readonly Scope[];
  readonly createdMs: number | null;
  /** From then on it is refused; null: never. */
  readonly expiresMs: number | null;
  /** Null: that of the server, if it has one. */
  readonly rate: Rate | null;
}

/** `expired` is told to whoever has the whole key only. */
export type Authentication =
  | { readonly kind: 'known'; readonly key: ApiKey }
  | { readonly kind: 'expired'; readonly key: ApiKey }
  | { readonly kind: 'unknown' };

export interface KeyRing {
  readonly keys: readonly ApiKey[];
  authenticate(text: string, nowMs: number): Authentication;
}

const UNKNOWN: Authentication = { kind: 'unknown' };
/** Compared with where no key has the id, so that such a key costs what a wrong one costs; nothing hashes to it. */
const NO_DIGEST = Buffer.alloc(SHA256_LENGTH);

export function createKeyRing(keys: readonly ApiKey[]): KeyRing {
  const known = new Map(
    keys.map((key) => {
      const answer: Authentication = { kind: 'known', key };
      return [key.id, { key, answer, digest: Buffer.from(key.sha256, 'latin1') }];
    }),
  );
  /** Of the key at hand: no call is interrupted by another. */
  const presented = Buffer.alloc(SHA256_LENGTH);
  return {
    keys,
    authenticate(text, nowMs) {
      const id = keyIdOf(text);
      if (id === null) return UNKNOWN;
      const found = known.get(id);
      // In constant time: how much of a digest was right must not be told by how long it took to refuse.
      presented.write(sha256Of(text), 'latin1');
      const right = timingSafeEqual(presented, found?.digest ?? NO_DIGEST);
      if (!right || found === undefined) return UNKNOWN;
      const { expiresMs } = found.key;
      return expiresMs !== null && expiresMs <= nowMs ? { kind: 'expired', key: found.key } : found.answer;
    },
  };
}
