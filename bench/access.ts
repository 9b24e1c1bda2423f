/** What it costs to know who calls: a key of a ring of 10,000, right or not, against one SHA-256 of its text, which it takes. */
import { KEYS_MAX } from '../src/serve/access/key-file.ts';
import { createKeyRing } from '../src/serve/access/key-ring.ts';
import { createKey, sha256Of } from '../src/serve/access/key-text.ts';
import { measure } from './measure.ts';

const CALLS = 20_000;

export interface AccessFigures {
  readonly keys: number;
  readonly sha256_ns: number;
  readonly known_ns: number;
  readonly unknown_ns: number;
  readonly known_over_sha256: number;
}

export function benchAccess(rounds: number): AccessFigures {
  const made = Array.from({ length: KEYS_MAX }, createKey);
  const unknown = Array.from({ length: KEYS_MAX }, createKey);
  const ring = createKeyRing(
    made.map(({ id, text }) => ({
      id,
      name: id,
      sha256: sha256Of(text),
      scopes: [],
      createdMs: null,
      expiresMs: null,
      rate: null,
    })),
  );
  /** Each key in turn, so that none is answered from what the one before left in a cache. */
  const callsOf = (keys: typeof made, call: (text: string) => unknown) => (): number => {
    for (let at = 0; at < CALLS; at++) call(keys[at % keys.length]?.text ?? '');
    return CALLS;
  };
  const medians = measure(
    [
      { name: 'sha256', run: callsOf(made, sha256Of) },
      { name: 'known', run: callsOf(made, (text) => ring.authenticate(text, 0)) },
      { name: 'unknown', run: callsOf(unknown, (text) => ring.authenticate(text, 0)) },
    ],
    rounds,
  );
  const nsOf = (name: string): number => medians.get(name) ?? Number.NaN;
  return {
    keys: KEYS_MAX,
    sha256_ns: nsOf('sha256'),
    known_ns: nsOf('known'),
    unknown_ns: nsOf('unknown'),
    known_over_sha256: nsOf('known') / nsOf('sha256'),
  };
}
