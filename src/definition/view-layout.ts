/**
 * A checked view → the definition the engine works on: distinct columns and filters in canonical order, so that
 * neither the names nor the order of features shows in stored state.
 */
import type { ValueType } from '../core/value.ts';
import type { CompiledExpression } from '../expression/expression.ts';
import { columnsBehind } from './columns-behind.ts';
import type {
  FeatureDefinition,
  Magnitude,
  RowMember,
  SourceDefinition,
  ViewColumn,
  ViewDefinition,
} from './definition.ts';
import type { FeatureDraft, FeatureInput, FeatureMeaning } from './feature.ts';
import { fingerprintView } from './fingerprint.ts';
import { featureNameOf } from './window.ts';

type Layout = Pick<ViewDefinition, 'filters' | 'columns' | 'row'>;
type LaidOut = keyof Layout | 'id' | 'features' | 'usedColumns' | 'stateFingerprint' | 'readFingerprint';
export type ViewParts = Omit<ViewDefinition, LaidOut> & { readonly features: readonly FeatureDraft[] };

/** Null when a feature rests on something that was reported elsewhere. */
export function layOutView({ features: drafts, ...parts }: ViewParts): ViewDefinition | null {
  const meanings = drafts.map((draft) => draft.meaning).filter((meaning) => meaning !== null);
  if (meanings.length < drafts.length) return null;
  const layout = parts.source.mode === 'upsert' ? layOutRow(meanings) : layOutColumns(meanings);
  const features = drafts.flatMap((draft) => outputsOf(draft, layout));
  const usedColumns = usedColumnsOf(parts.source, parts.keyColumns, [
    ...(parts.where === null ? [] : [parts.where]),
    ...meanings.flatMap(({ filter }) => filter ?? []),
    ...meanings.flatMap(({ input }) => input?.members.map((member) => member.expression) ?? []),
  ]);
  const laidOut = { ...parts, id: `${parts.name}@${parts.version}`, ...layout, features, usedColumns };
  return { ...laidOut, ...fingerprintView(laidOut) };
}

function layOutColumns(meanings: readonly FeatureMeaning[]): Layout {
  return { columns: distinctColumns(meanings), filters: distinctFilters(meanings), row: null };
}

/** All of a row in one column, so that its values come and go together. */
function layOutRow(meanings: readonly FeatureMeaning[]): Layout {
  const row = distinctMembers(meanings);
  const values: ValueType = { kind: 'struct', fields: row.map(({ name, type }) => ({ name, type, nullable: true })) };
  const type: ValueType = { kind: 'struct', fields: [{ name: 'row', type: values, nullable: true }] };
  const column: ViewColumn = { type, nullable: false, canonical: 'row', magnitude: 'any', members: [] };
  return { columns: [column], filters: [], row };
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

function distinctMembers(meanings: readonly FeatureMeaning[]): readonly RowMember[] {
  const members = new Map<string, Omit<RowMember, 'name'>>();
  for (const { input, filter } of meanings) {
    if (input !== null) members.set(memberKey(input, filter), { ...input, where: filter });
  }
  const sorted = [...members].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([, member], index) => ({ ...member, name: `m${index}` }));
}

function memberKey(input: FeatureInput | null, where: CompiledExpression | null): string {
  return JSON.stringify([input?.canonical, where?.canonical]);
}

function byCanonical(a: { readonly canonical: string }, b: { readonly canonical: string }): number {
  return a.canonical < b.canonical ? -1 : a.canonical > b.canonical ? 1 : 0;
}

function outputsOf(
  { baseName, description, owner, tags, deprecated, windows, meaning }: FeatureDraft,
  { columns, filters, row }: Layout,
): readonly FeatureDefinition[] {
  if (meaning === null) return [];
  const { rules, params, input, filter, defaultValue, type } = meaning;
  const shared = {
    baseName,
    ...type,
    aggregation: rules.name,
    params,
    column: row === null ? columns.findIndex((column) => column.canonical === input?.canonical) : 0,
    filter: filters.findIndex((candidate) => candidate.canonical === filter?.canonical),
    member: row?.findIndex((member) => memberKey(member, member.where) === memberKey(input, filter)) ?? -1,
    defaultValue,
    description,
    owner,
    tags,
    deprecated,
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
