/** Readers as nodes of the lineage: keys that read a service or may, and, where no keys are asked for, everybody as one. */
import type { Lineage, LineageEdge, LineageNode } from '../../../definition/lineage.ts';
import type { ApiKey } from '../../access/key-ring.ts';
import { ALL } from '../../access/scope.ts';
import type { Serving } from '../../dependencies.ts';

/** A key sees itself alone among the readers; `admin` and, without keys, everybody sees all of them. */
export function withReaders(
  lineage: Lineage,
  { readers, definitions, clock, keys = null }: Serving,
  asking: ApiKey | null,
  isAdmin: boolean,
): Lineage {
  const edges = new Map<string, LineageEdge>();
  const add = (reader: string, service: string, kind: 'reads' | 'may_read'): void => {
    const from = `service:${service}`;
    const isSeen = isAdmin || reader === asking?.name;
    if (isSeen && lineage.nodes.has(from)) edges.set(`${from}\n${reader}`, { from, to: `reader:${reader}`, kind });
  };
  for (const key of keys?.ring.keys ?? []) {
    if (key.expiresMs !== null && key.expiresMs <= clock.nowMs()) continue;
    const names = new Set(key.scopes.flatMap((scope) => (scope.kind === 'read' ? scope.name : [])));
    for (const { id, name } of definitions.services.values()) {
      if (names.has(name) || names.has(ALL)) add(key.name, id, 'may_read');
    }
  }
  for (const { reader, service } of readers.report()) add(reader, service, 'reads');
  const nodes = new Map(lineage.nodes);
  for (const { to } of edges.values()) nodes.set(to, nodeOf(to));
  return { nodes, edges: [...lineage.edges, ...edges.values()] };
}

function nodeOf(id: string): LineageNode {
  const name = id.slice('reader:'.length);
  return { id, kind: 'reader', name, type: null, detail: null, description: '', owner: '', tags: [], deprecated: null };
}
