/** What a feature reads, wherever the layout of its view put that. */
import type { CompiledExpression } from '../expression/expression.ts';
import type { FeatureDefinition, RowMember, ViewColumn, ViewDefinition } from './definition.ts';

export interface FeatureReads {
  /** Null: events themselves. */
  readonly of: Omit<ViewColumn, 'magnitude'> | null;
  /** The feature's own condition. */
  readonly where: CompiledExpression | null;
}

export function readsOf(
  { row, columns, filters }: Pick<ViewDefinition, 'row' | 'columns' | 'filters'>,
  feature: FeatureDefinition,
): FeatureReads {
  const member: RowMember | undefined = row?.[feature.member];
  if (member !== undefined) return { of: member, where: member.where };
  return { of: columns[feature.column] ?? null, where: filters[feature.filter] ?? null };
}
