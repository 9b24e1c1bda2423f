/** What a key may do. Scopes do not imply one another: a key that scrapes metrics (`admin`) reads no vectors. */

export type Scope = { readonly kind: 'read' | 'ingest'; readonly name: string } | { readonly kind: 'admin' };

/** Stands for every service, or every source. */
export const ALL = '*';
export const SCOPE_FORMS = 'read:<service>, read:*, ingest:<source>, ingest:* or admin';

const SCOPE = /^(?:admin|(read|ingest):(\*|[a-z][a-z0-9]*(?:_[a-z0-9]+)*))$/;
const NAME_LENGTH_MAX = 63;

/** Null: not a scope. A service is named without its version: a key reads all versions of it. */
export function parseScope(text: string): Scope | null {
  const match = SCOPE.exec(text);
  if (match === null) return null;
  const [, kind, name = ''] = match;
  if (kind === undefined) return { kind: 'admin' };
  return name.length > NAME_LENGTH_MAX ? null : { kind: kind as 'read' | 'ingest', name };
}

export function formatScope(scope: Scope): string {
  return scope.kind === 'admin' ? 'admin' : `${scope.kind}:${scope.name}`;
}
