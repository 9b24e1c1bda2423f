/** `--openlineage` → where runs are told of. Pure. */
import { resolve } from 'node:path';

/** `url` is whole. */
export type OpenLineageLocation =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'kafka'; readonly brokers: readonly string[]; readonly topic: string };

/** Where servers that speak OpenLineage listen. */
const PATH = '/api/v1/lineage';
const KAFKA_PORT = 9_092;

export const OPENLINEAGE_FORMS = `file:PATH, http(s)://host, to which ${PATH} is added unless a path is given, or kafka://host:port/topic`;

/** Null: it is none of `OPENLINEAGE_FORMS`. */
export function parseOpenLineageLocation(text: string): OpenLineageLocation | null {
  const path = /^file:(.+)$/.exec(text)?.[1];
  if (path !== undefined) return { kind: 'file', path: resolve(path) };
  const [, hosts, topic] = /^kafka:\/\/([^/@?]+)\/([a-zA-Z0-9._-]{1,249})$/.exec(text) ?? [];
  if (hosts !== undefined && topic !== undefined) {
    const brokers = hosts.split(',').map((host) => (/:\d+$/.test(host) ? host : `${host}:${KAFKA_PORT}`));
    return { kind: 'kafka', brokers, topic };
  }
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.hash !== '')
    return null;
  if (url.pathname === '/') url.pathname = PATH;
  return { kind: 'http', url: url.href };
}
