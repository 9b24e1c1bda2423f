/** The airport with keys, and beside it things that most keys may not know of. */
import { type ApiKey, createKeyRing } from '../../../src/serve/access/key-ring.ts';
import { createKey, sha256Of } from '../../../src/serve/access/key-text.ts';
import { type Scope, parseScope } from '../../../src/serve/access/scope.ts';
import type { Answer, Harness, HarnessOptions } from '../harness.ts';
import { DEFINITIONS, EVENTS, startAirport } from '../vectors/fixture.ts';

/**
 * `DEFINITIONS` and what is behind them: a service with a view and a source that nothing else reads, another service over a
 * view that is known, and a view of a source that is known.
 */
export const WITH_SECRETS = DEFINITIONS.replace(
  'entities:',
  `  - name: salaries
    topic: salaries
    format: json
    key: [person]
    event_time: paid_at
    fields: { person: string, paid_at: timestamp, amount: double }
entities:
  - { name: person, keys: { person: string } }`,
)
  .replace(
    'views:',
    `views:
  - name: earnings
    entity: person
    source: salaries
    features: [{ name: earned, agg: sum, of: amount, windows: [30d] }]
  - name: calm
    entity: airport
    source: weather
    features: [{ name: calm, agg: count, where: "wind < 5", windows: [24h] }]`,
  )
  .replace(
    'services:',
    `services:
  - { name: departure_bonus, features: [delays.*, calm.*] }
  - { name: departure_pay, features: [earnings.*] }`,
  );

export interface TestKey {
  readonly text: string;
  readonly key: ApiKey;
  readonly headers: { readonly authorization: string };
}

export function keyWith(scopes: readonly string[], more: Partial<ApiKey> = {}): TestKey {
  const { id, text } = createKey();
  const key: ApiKey = {
    id,
    name: scopes.join(' '),
    sha256: sha256Of(text),
    scopes: scopes.map((scope) => parseScope(scope) as Scope),
    createdMs: null,
    expiresMs: null,
    rate: null,
    ...more,
  };
  return { text, key, headers: { authorization: `Bearer ${text}` } };
}

export function startGuarded(keys: readonly TestKey[], options: Partial<HarnessOptions> = {}): Promise<Harness> {
  return startAirport({
    definitions: WITH_SECRETS,
    events: { ...EVENTS, salaries: [{ person: 'a', paid_at: '2024-01-01T00:00:00Z', amount: 1 }] },
    keys: { ring: createKeyRing(keys.map(({ key }) => key)) },
    ...options,
  });
}

/** Status and code of an answer. */
export function told({ status, json }: Answer): readonly [number, string | undefined] {
  return [status, (json as { code?: string } | null)?.code];
}
