/** Feature views: what they read, their features, and the layout the engine works on. */
import { nearestName } from '../core/suggest.ts';
import { formatType } from '../core/value.ts';
import type { FieldType } from '../core/value.ts';
import { readCatalogTexts } from './catalog-texts.ts';
import { child, entries, hasBroken, isWhole, items, numberAt, report, textAt } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import type { AggregationCatalog, SourceClock, ViewDefinition } from './definition.ts';
import { checkReplacement, readDeprecation } from './deprecation.ts';
import { durationAt } from './duration.ts';
import type { EntityDraft } from './entity.ts';
import { compileCondition } from './expression-text.ts';
import type { Columns } from './expression-text.ts';
import { readFeature } from './feature.ts';
import type { FeatureDraft } from './feature.ts';
import type { SourceDraft } from './source.ts';
import { checkUpsertView } from './upsert-view.ts';
import { layOutView } from './view-layout.ts';
import { checkHopsNest, featureNameOf } from './window.ts';

const HISTORY_MS = 60_000;
const HEAD_MAX = 256;
const HEAD_LIMIT = 4_096;
const FILTERS_MAX = 31;
const OUTPUTS_MAX = 2_000;

/** One output as services see it; its type is null when that could not be settled. */
export interface FeatureOutline {
  readonly name: string;
  readonly baseName: string;
  readonly type: FieldType | null;
}

/** A view as services check against it. */
export interface ViewDraft {
  readonly cursor: Cursor;
  readonly name: string;
  readonly version: number;
  readonly entity: EntityDraft | null;
  readonly clock: SourceClock | null;
  readonly outlines: readonly FeatureOutline[];
  /** False when it may have features that could not even be named. */
  readonly complete: boolean;
  /** Null when anything about it is wrong. */
  readonly definition: ViewDefinition | null;
}

/** What views refer to. `complete` is false when a file could not be read, so that names may be missing. */
export interface ViewContext {
  readonly sources: ReadonlyMap<string, SourceDraft>;
  readonly entities: ReadonlyMap<string, EntityDraft>;
  readonly catalog: AggregationCatalog;
  readonly complete: boolean;
}

const NO_COLUMNS: Columns = { scope: new Map(), broken: new Set(), complete: false };

export function readView(cursor: Cursor, context: ViewContext): ViewDraft {
  const problemsBefore = cursor.file.problems.length;
  const name = textAt(cursor, 'name') ?? '';
  const version = numberAt(cursor, 'version', 1);
  const source = resolve(cursor, 'source', context.sources, context.complete);
  const entity = resolve(cursor, 'entity', context.entities, context.complete);
  const columns = source?.columns ?? NO_COLUMNS;
  const keyColumns = readKeyColumns(cursor, entity, columns);
  const whereCursor = child(cursor, 'where');
  const where = whereCursor ? compileCondition(whereCursor, columns) : null;
  const features = items(child(cursor, 'features')).map((at) => readFeature(at, columns, context.catalog));
  const outlines = outlinesOf(features);
  checkFeatures(cursor, features);
  if (source?.definition.mode === 'upsert') {
    checkUpsertView(cursor, source.definition, keyColumns, features, context.catalog);
  }
  const settings = readSettings(cursor);
  const sound =
    cursor.file.problems.length === problemsBefore &&
    !hasBroken(cursor) &&
    keyColumns !== null &&
    (whereCursor === undefined || where !== null);
  const definition =
    sound && source !== null && entity !== null
      ? layOutView({
          name,
          version,
          source: source.definition,
          entity: entity.definition,
          keyColumns,
          where,
          features,
          ...settings,
        })
      : null;
  return {
    cursor,
    name,
    version,
    entity,
    clock: source?.definition.clock ?? null,
    outlines,
    complete: features.every(isNamed) && isWhole(child(cursor, 'features')),
    definition,
  };
}

function resolve<T>(cursor: Cursor, key: string, known: ReadonlyMap<string, T>, complete: boolean): T | null {
  const at = child(cursor, key);
  if (!at || typeof at.value !== 'string') return null;
  const found = known.get(at.value);
  if (found === undefined && complete) {
    report(at, 'unknown_reference', `there is no ${key} of this name`, {
      expected: known.size === 0 ? null : `one of ${[...known.keys()].join(', ')}`,
      found: at.value,
      suggestion: nearestName(at.value, known.keys()),
    });
  }
  return found ?? null;
}

function readSettings(cursor: Cursor) {
  const headMax = numberAt(cursor, 'head_max', HEAD_MAX);
  const headLimit = numberAt(cursor, 'head_limit', Math.max(HEAD_LIMIT, headMax));
  const limitCursor = child(cursor, 'head_limit');
  if (limitCursor && headLimit < headMax) {
    const found = String(headLimit);
    report(limitCursor, 'bad_value', 'head_limit is less than head_max', { expected: `at least ${headMax}`, found });
  }
  return {
    maxAgeMs: durationAt(cursor, 'max_age', null, 1),
    historyMs: durationAt(cursor, 'history', HISTORY_MS),
    incomplete: (textAt(cursor, 'incomplete') as 'withhold' | 'serve' | null) ?? 'withhold',
    headMax,
    headLimit,
    deprecated: readDeprecation(cursor),
    ...readCatalogTexts(cursor),
  };
}

/** The source column behind each entity key, in the entity's order; null if any could not be settled. */
function readKeyColumns(cursor: Cursor, entity: EntityDraft | null, columns: Columns): readonly string[] | null {
  const mapping = new Map(entries(child(cursor, 'keys')));
  if (entity === null) return null;
  const keys = entity.definition.keys;
  const keyNames = keys.map((key) => key.name);
  let sound = entity.complete && child(cursor, 'keys') !== null;
  for (const [name, at] of mapping) {
    if (keyNames.includes(name)) continue;
    sound = false;
    if (!entity.complete) continue;
    const suggestion = nearestName(name, keyNames);
    const message = `${name} is no key of ${entity.definition.name}`;
    report(at, 'unknown_reference', message, { expected: keyNames.join(', '), suggestion }, 'key');
  }
  const chosen = keys.map((key) => {
    const at = mapping.get(key.name);
    const column = at === undefined ? key.name : String(at.value);
    return checkKeyColumn(at ?? child(cursor, 'entity') ?? cursor, key, column, columns) ? column : null;
  });
  return sound && chosen.every((column) => column !== null) ? chosen : null;
}

function checkKeyColumn(
  at: Cursor,
  key: EntityDraft['definition']['keys'][number],
  name: string,
  columns: Columns,
): boolean {
  const column = columns.scope.get(name);
  if (column === undefined) {
    if (columns.broken.has(name) || !columns.complete) return false;
    const near = nearestName(name, columns.scope.keys());
    report(at, 'unknown_reference', `the source has no column for the entity key ${key.name}`, {
      expected: `a column of type ${key.type}`,
      found: name,
      suggestion: near ?? `keys: { ${key.name}: … }`,
    });
    return false;
  }
  if (column.type.kind === key.type) return true;
  report(at, 'type_mismatch', `column ${name} is not of the type of the entity key ${key.name}`, {
    expected: key.type,
    found: formatType(column.type, column.nullable),
  });
  return false;
}

function isNamed(feature: FeatureDraft): boolean {
  return feature.baseName !== '' && feature.windows.every((window) => window !== null);
}

function outlinesOf(features: readonly FeatureDraft[]): readonly FeatureOutline[] {
  return features.flatMap(({ baseName, windows, meaning }) =>
    windows
      .filter((named) => named !== null && baseName !== '')
      .map((named) => ({
        name: featureNameOf(baseName, named?.suffix ?? ''),
        baseName,
        type: meaning?.type ?? null,
      })),
  );
}

/** What holds between the features of a view: names, hops, how many filters and outputs there are. */
function checkFeatures(cursor: Cursor, features: readonly FeatureDraft[]): void {
  const baseNames = new Set<string>();
  const outputs = new Map<string, FeatureDraft>();
  for (const feature of features) {
    const nameCursor = child(feature.cursor, 'name') ?? feature.cursor;
    if (feature.baseName === '') continue;
    if (baseNames.has(feature.baseName)) {
      const details = { found: feature.baseName, suggestion: 'one feature with all windows, or another name' };
      report(nameCursor, 'duplicate_name', 'the view has a feature of this name already', details);
      continue;
    }
    baseNames.add(feature.baseName);
    const names = features.map((other) => other.baseName);
    checkReplacement(feature.cursor, 'feature of the view', [feature.baseName], names);
    for (const name of new Set(
      feature.windows.map((named) => named && featureNameOf(feature.baseName, named.suffix)),
    )) {
      if (name === null) continue;
      const earlier = outputs.get(name);
      if (earlier === undefined) outputs.set(name, feature);
      else report(nameCursor, 'name_clash', `${feature.baseName} and ${earlier.baseName} both give ${name}`);
    }
  }
  checkHopsNest(features.flatMap((feature) => feature.windows.filter((window) => window !== null)));
  const at = child(cursor, 'features') ?? cursor;
  if (outputs.size > OUTPUTS_MAX) {
    report(at, 'over_limit', 'the view has too many outputs', {
      expected: `at most ${OUTPUTS_MAX}`,
      found: String(outputs.size),
    });
  }
  const filters = new Set(features.flatMap(({ meaning }) => meaning?.filter?.canonical ?? []));
  if (filters.size > FILTERS_MAX) {
    report(at, 'over_limit', 'the features have too many different conditions', {
      expected: `at most ${FILTERS_MAX}`,
      found: String(filters.size),
      suggestion: 'a derived column, or a second view',
    });
  }
}
