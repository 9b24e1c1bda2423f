/** Columns of an output and the columns of inputs behind them, read off the lineage. */
import type { EdgeKind, Lineage } from '../definition/lineage.ts';

/** How a column of an input shows in one of the output, in OpenLineage's words. */
interface Transformation {
  readonly type: 'DIRECT' | 'INDIRECT';
  readonly subtype: string;
}

export interface InputColumn {
  /** Node of the lineage: a field, or what a request carries. */
  readonly id: string;
  readonly transformations: readonly Transformation[];
}

const INDIRECT: Readonly<Partial<Record<EdgeKind, string>>> = { filter: 'FILTER', key: 'GROUP_BY', time: 'WINDOW' };

/** Fields and request columns that the node is made of, by id. */
export function inputColumnsOf(lineage: Lineage, id: string): readonly InputColumn[] {
  const into = new Map<string, { readonly from: string; readonly kind: EdgeKind }[]>();
  for (const { from, to, kind } of lineage.edges) into.set(to, [...(into.get(to) ?? []), { from, kind }]);
  const found = new Map<string, Set<string>>();
  const seen = new Set<string>();
  /** `subtype`: the first thing on the way from the output that was no value; null: values all along. */
  const visit = (at: string, subtype: string | null): void => {
    if (seen.has(`${at}\n${subtype}`)) return;
    seen.add(`${at}\n${subtype}`);
    const kind = lineage.nodes.get(at)?.kind;
    if (kind === 'field' || kind === 'request') {
      found.set(at, (found.get(at) ?? new Set()).add(subtype ?? 'VALUE'));
      return;
    }
    for (const edge of into.get(at) ?? []) {
      visit(edge.from, subtype ?? INDIRECT[edge.kind] ?? null);
    }
  };
  visit(id, null);
  const direct = id.startsWith('feature:') || id.startsWith('served:') ? 'AGGREGATION' : 'TRANSFORMATION';
  return [...found]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([each, subtypes]) => ({
      id: each,
      transformations: [...subtypes]
        .toSorted()
        .map((subtype) => (subtype === 'VALUE' ? { type: 'DIRECT', subtype: direct } : { type: 'INDIRECT', subtype })),
    }));
}
