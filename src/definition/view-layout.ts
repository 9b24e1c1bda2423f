/**
 * A checked view → the definition the engine works on: distinct columns and filters in canonical order, so that
 * neither the names nor the order of features shows in stored state.
 */
import type { CompiledExpression } from '../expression/expression.ts';
import { columnsBehind } from './columns-behind.ts';
import type { FeatureDefinition, Magnitude, SourceDefinition, ViewColumn, ViewDefinition } from './definition.ts';
import type { FeatureDraft, FeatureMeaning } from './feature.ts';
import { fingerprintView } from './fingerprint.ts';
import { featureNameOf } from './window.ts';

type LaidOut = 'id' | 'filters' | 'columns' | 'features' | 'usedColumns' | 'stateFingerprint' | 'readFingerprint';
export type ViewParts = Omit<ViewDefinition, LaidOut> & { readonly features: readonly FeatureDraft[] };

/** Null when a feature rests on something that was reported elsewhere. */
export function layOutView({ features: drafts, ...parts }: ViewParts): ViewDefinition | null {
  const meanings = drafts.map((draft) => draft.meaning).filter((meaning) => meaning !== null);
  if (meanings.length < drafts.length) return null;
  const columns = distinctColumns(meanings);
  const filters = distinctFilters(meanings);
  const features = drafts.flatMap((draft) => outputsOf(draft, columns, filters));
  const usedColumns = usedColumnsOf(parts.source, parts.keyColumns, [
    ...(parts.where === null ? [] : [parts.where]),
    ...filters,
    ...columns.flatMap((column) => column.members.map((member) => member.expression)),
  ]);
  const laidOut = { ...parts, id: `${parts.name}@${parts.version}`, columns, filters, features, usedColumns };
  return { ...laidOut, ...fingerprintView(laidOut) };
}

const MAGNITUDE_RANK: Readonly<Record<Magnitude, number>> = { any: 0, sum: 1, square: 2 };

function distinctColumns(meanings: readonly FeatureMeaning[]): readonly ViewColumn[] {
  const columns = new Map<string, ViewColumn>();
  for (const { input, rules } of meanings) {
    if (input === null) continue;
    const earlier = columns.get(input.canonical);
    const stricter = earlier === undefined || MAGNITUDE_RANK[rules.magnitude] > MAGNITUDE_RANK[earlier.magnitude];
    if (stricter) columns.set(input.canonical, { ...input, magnitude: rules.magnitude });
  }
  return [...columns.values()].sort(byCanonical);
}

function distinctFilters(meanings: readonly FeatureMeaning[]): readonly CompiledExpression[] {
  const filters = new Map<string, CompiledExpression>();
  for (const { filter } of meanings) {
    if (filter !== null && !filters.has(filter.canonical)) filters.set(filter.canonical, filter);
  }
  return [...filters.values()].sort(byCanonical);
}

function byCanonical(a: { readonly canonical: string }, b: { readonly canonical: string }): number {
  return a.canonical < b.canonical ? -1 : a.canonical > b.canonical ? 1 : 0;
}

function outputsOf(
  { baseName, description, windows, meaning }: FeatureDraft,
  columns: readonly ViewColumn[],
  filters: readonly CompiledExpression[],
): readonly FeatureDefinition[] {
  if (meaning === null) return [];
  const { rules, params, input, filter, defaultValue, type } = meaning;
  const shared = {
    baseName,
    ...type,
    aggregation: rules.name,
    params,
    column: columns.findIndex((column) => column.canonical === input?.canonical),
    filter: filters.findIndex((candidate) => candidate.canonical === filter?.canonical),
    defaultValue,
    description,
  };
  return windows
    .filter((named) => named !== null)
    .map(({ window, suffix }) => ({ ...shared, name: featureNameOf(baseName, suffix), window }));
}

/** Source columns behind the expressions, the keys, the event time and id; through derived columns; in slot order. */
function usedColumnsOf(
  source: SourceDefinition,
  keyColumns: readonly string[],
  expressions: readonly CompiledExpression[],
): readonly string[] {
  const used = [...keyColumns, source.eventTime, ...expressions.flatMap((expression) => expression.columns)];
  return columnsBehind(source, source.eventId === null ? used : [...used, source.eventId]);
}
