/** What is before and after a node of the lineage. */
import type { Lineage, LineageEdge } from './lineage.ts';

export const DIRECTIONS = ['upstream', 'downstream', 'both'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** `depth`: edges away at most. The node itself is part of what it answers. */
export function walk(lineage: Lineage, id: string, direction: Direction, depth: number): Lineage {
  const reached = new Set<string>();
  const edges = new Set<LineageEdge>();
  for (const one of ['upstream', 'downstream'] as const) {
    if (direction !== 'both' && direction !== one) continue;
    const found = reach(lineage, id, one, depth);
    for (const each of found) reached.add(each);
    for (const edge of lineage.edges) if (found.has(edge.from) && found.has(edge.to)) edges.add(edge);
  }
  return {
    nodes: new Map([...lineage.nodes].filter(([each]) => reached.has(each))),
    edges: [...edges],
  };
}

function reach(lineage: Lineage, id: string, direction: Exclude<Direction, 'both'>, depth: number): Set<string> {
  const [here, there] = direction === 'upstream' ? (['to', 'from'] as const) : (['from', 'to'] as const);
  const next = new Map<string, string[]>();
  for (const edge of lineage.edges) {
    const known = next.get(edge[here]);
    if (known === undefined) next.set(edge[here], [edge[there]]);
    else known.push(edge[there]);
  }
  const found = new Set([id]);
  let rim = [id];
  for (let step = 0; step < depth && rim.length > 0; step++) {
    rim = rim.flatMap((each) => next.get(each) ?? []).filter((each) => !found.has(each));
    for (const each of rim) found.add(each);
  }
  return found;
}
