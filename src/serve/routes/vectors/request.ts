/**
 * A request for vectors, held against its service: the envelope (`as_of`, `features`, `after`, …) and every row, with
 * all problems at once. Faults of the envelope refuse the request; faults of rows only when no row is sound
 * (docs/adr/0003).
 */
import type { ErrorObject } from 'ajv';
import { nearestName } from '../../../core/suggest.ts';
import { formatTimestamp, parseTimestampMs } from '../../../core/time.ts';
import type { Value } from '../../../core/value.ts';
import type { Metadata } from '../../../vector/fragment.ts';
import { type Selection, type ServicePlan, select } from '../../../vector/service.ts';
import { type Fields, type RowProblem, unknownField } from '../../../vector/request-row.ts';
import { type SourcePositions, decodePositionToken, mergePositions } from '../../position-token.ts';
import { ERRORS_MAX, type ProblemItem, RequestError, item, pointerStep, shorten, unlisted } from '../../problem.ts';
import { itemsOf } from '../../validation.ts';

export const INCLUDES = ['status', 'event_time', 'receipt', 'explain'] as const;
export type Include = (typeof INCLUDES)[number];

export interface Included extends Metadata {
  readonly receipt: boolean;
  readonly explain: boolean;
}

export type RequestRow =
  | { readonly ok: true; readonly values: readonly Value[] }
  | { readonly ok: false; readonly problem: ProblemItem };

export interface VectorsRequest {
  readonly rows: readonly RequestRow[];
  /** Null: not given. */
  readonly asOfMs: number | null;
  readonly include: Included;
  readonly selection: Selection;
  readonly after: SourcePositions;
  readonly budgetMs: number | null;
  readonly layout: 'rows' | 'columns';
}

/** The body, or what the query of a GET says in the same shape. Fields with a schema error are not looked at. */
export interface Envelope {
  readonly entities?: readonly unknown[];
  readonly common?: Readonly<Record<string, unknown>>;
  readonly as_of?: string | number;
  readonly include?: readonly Include[];
  readonly features?: readonly string[];
  readonly fingerprint?: string;
  readonly after?: string | readonly string[];
  readonly budget_ms?: number;
  readonly layout?: 'rows' | 'columns';
}

/** What checking a request takes besides the request. */
export interface RequestContext {
  readonly plan: ServicePlan;
  readonly nowMs: number;
  /** By name: those whose position tokens are taken. */
  readonly sources: { has(name: string): boolean };
  /** Where a row's or the envelope's field was: `/entities/0/origin`, `/as_of`. */
  readonly pointers: Pointers;
}

export interface Pointers {
  envelope(field: string): string;
  row(index: number, field: string | null): string;
}

export const BODY_POINTERS: Pointers = {
  envelope: (field) => `/${field}`,
  row: (index, field) => `/entities/${index}${field === null ? '' : `/${pointerStep(field)}`}`,
};

/** The year 0000, and as far ahead as a time zone mistaken for another could put a clock. */
const AS_OF_MIN_MS = -62_167_219_200_000;
const AS_OF_AHEAD_MAX_MS = 86_400_000;
/** Names of features that a request may list; they are those of one service. Not in the schema, where a new bound breaks clients. */
const FEATURES_MAX = 10_000;
/** Names are compared with all that there are: past so many problems nobody is helped by it. */
const SUGGESTIONS_MAX = 100;
const ROW_ERROR = /^\/entities\/\d+/;

/** Throws `RequestError` when the request is wrong as a whole. */
export function checkRequest(
  body: unknown,
  schemaErrors: readonly ErrorObject[],
  context: RequestContext,
): VectorsRequest {
  const envelopeErrors = schemaErrors.filter(({ instancePath }) => !ROW_ERROR.test(instancePath));
  const problems = itemsOf(envelopeErrors, 'body').map(recode);
  const envelope = envelopeErrors.length === 0 ? (body as Envelope) : soundFields(body, envelopeErrors);
  const { plan, pointers } = context;
  const asOfMs = checkAsOf(envelope.as_of, context, problems);
  const selection = checkFeatures(envelope.features, plan, pointers, problems);
  const after = checkAfter(envelope.after, context, problems);
  const { rows, more } = checkRows(envelope, context, problems);
  if (problems.length > 0) {
    throw new RequestError(400, distinct(problems), null, more + unlisted(envelopeErrors.length));
  }
  checkFingerprint(envelope.fingerprint, plan, pointers);
  return {
    rows,
    asOfMs,
    include: includedOf(envelope.include),
    selection,
    after,
    budgetMs: envelope.budget_ms ?? null,
    layout: envelope.layout ?? 'rows',
  };
}

const NOTHING: Included = Object.freeze({ status: false, eventTime: false, receipt: false, explain: false });

function includedOf(include: readonly Include[] | undefined): Included {
  if (include === undefined) return NOTHING;
  return {
    status: include.includes('status'),
    eventTime: include.includes('event_time'),
    receipt: include.includes('receipt'),
    explain: include.includes('explain'),
  };
}

/** The fields without a schema error; none when the body itself is of the wrong type. */
function soundFields(body: unknown, errors: readonly ErrorObject[]): Envelope {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return {};
  const wrong = new Set(errors.map(({ instancePath }) => instancePath.split('/')[1] ?? ''));
  return Object.fromEntries(Object.entries(body).filter(([name]) => !wrong.has(name))) as Envelope;
}

function recode(problem: ProblemItem): ProblemItem {
  return problem.pointer === '/as_of' ? { ...problem, code: 'invalid_as_of' } : problem;
}

function checkAsOf(asOf: string | number | undefined, context: RequestContext, problems: ProblemItem[]): number | null {
  const pointer = context.pointers.envelope('as_of');
  if (asOf === undefined) {
    if (context.plan.definition.asOf === 'required') {
      problems.push(
        item('as_of_required', pointer, `${context.plan.definition.id} reads sources of both clocks: say as_of`),
      );
    }
    return null;
  }
  const ms = typeof asOf === 'number' ? asOf : parseTimestampMs(asOf);
  if (ms === null || !Number.isSafeInteger(ms) || ms < AS_OF_MIN_MS) {
    const expected = 'as_of must be RFC 3339 with an offset, such as 2013-01-31T17:00:00Z, or integer milliseconds';
    problems.push(item('invalid_as_of', pointer, expected, typeof asOf === 'string' ? repairedAsOf(asOf) : null));
    return null;
  }
  const latestMs = context.nowMs + AS_OF_AHEAD_MAX_MS;
  if (ms > latestMs) {
    const message = `as_of lies more than a day ahead of this server's clock (${formatTimestamp(context.nowMs)})`;
    problems.push(item('as_of_in_future', pointer, message));
    return null;
  }
  return ms === 0 ? 0 : ms;
}

/** A time that only lacks its offset, or lost the `+` of one to URL decoding. */
function repairedAsOf(text: string): string | null {
  const withPlus = text.replace(/ (\d{2}:\d{2})$/, '+$1');
  return [withPlus, `${text}Z`, `${text}T00:00:00Z`].find((repaired) => parseTimestampMs(repaired) !== null) ?? null;
}

function checkFeatures(
  names: readonly string[] | undefined,
  plan: ServicePlan,
  pointers: Pointers,
  problems: ProblemItem[],
): Selection {
  if (names === undefined) return plan.everything;
  if (names.length > FEATURES_MAX) {
    const message = `features has ${names.length} items, at most ${FEATURES_MAX} are allowed`;
    problems.push(item('too_many_items', pointers.envelope('features'), message));
    return plan.everything;
  }
  const places: number[] = [];
  for (const [index, name] of names.entries()) {
    const place = plan.places.get(name);
    if (place !== undefined) {
      places.push(place);
      continue;
    }
    const message = `${plan.definition.id} has no feature ${JSON.stringify(shorten(name))}`;
    const isSuggested = problems.length < SUGGESTIONS_MAX && name.length <= 200;
    const near = isSuggested ? nearestName(name, plan.places.keys()) : null;
    problems.push(item('unknown_feature', `${pointers.envelope('features')}/${index}`, message, near));
  }
  return select(plan, places);
}

const NO_POSITIONS: SourcePositions = new Map();

function checkAfter(
  after: string | readonly string[] | undefined,
  { pointers, sources }: RequestContext,
  problems: ProblemItem[],
): SourcePositions {
  if (after === undefined) return NO_POSITIONS;
  const tokens = [after].flat();
  const positions: SourcePositions[] = [];
  for (const [index, token] of tokens.entries()) {
    const pointer = typeof after === 'string' ? pointers.envelope('after') : `${pointers.envelope('after')}/${index}`;
    const decoded = decodePositionToken(token);
    const unknown = decoded === null ? undefined : [...decoded.keys()].find((source) => !sources.has(source));
    if (decoded === null) problems.push(item('invalid_position', pointer, 'not a position token that ingest answered'));
    else if (unknown !== undefined) {
      const message = `the position token is of a source that is not defined here: ${JSON.stringify(shorten(unknown))}`;
      problems.push(item('invalid_position', pointer, message));
    } else positions.push(decoded);
  }
  return mergePositions(positions);
}

function checkFingerprint(wanted: string | undefined, plan: ServicePlan, pointers: Pointers): void {
  const { fingerprint, id } = plan.definition;
  if (wanted === undefined || wanted === fingerprint) return;
  const message = `${id} has the fingerprint ${fingerprint}: its definition is not the one this client was made for`;
  throw new RequestError(409, [item('fingerprint_mismatch', pointers.envelope('fingerprint'), message)]);
}

/**
 * Adds what is wrong with rows to `problems` when the request is refused: for a fault of its own, or as no row is sound. `more`:
 * fields that are unknown, beyond those.
 */
function checkRows(
  { entities = [], common }: Envelope,
  context: RequestContext,
  problems: ProblemItem[],
): { readonly rows: readonly RequestRow[]; readonly more: number } {
  const { plan, pointers } = context;
  const rows: RequestRow[] = [];
  const wrong: ProblemItem[] = [];
  const shared = sharedOf(common, context);
  let { more } = shared;
  let soundCount = 0;
  for (const [index, row] of entities.entries()) {
    const result = plan.parseRow(row, shared.fields, Math.max(1, ERRORS_MAX - wrong.length));
    if (result.ok) {
      rows.push(result);
      soundCount++;
      continue;
    }
    const items = result.problems.map((problem) => located(problem, row, index, common, pointers));
    for (const each of items) wrong.push(each);
    more += result.more;
    rows.push({ ok: false, problem: items[0] as ProblemItem });
  }
  const noneSound = rows.length > 0 && soundCount === 0;
  if (problems.length > 0 || shared.unknown.length > 0 || noneSound) {
    for (const each of [...wrong, ...shared.unknown]) problems.push(each);
  }
  return { rows, more };
}

interface Shared {
  readonly fields: Fields | undefined;
  /** What the service does not take: said once, and not by each row. */
  readonly unknown: readonly ProblemItem[];
  /** How many more there are. */
  readonly more: number;
}

function sharedOf(common: Envelope['common'], { plan: { columnNames }, pointers }: RequestContext): Shared {
  const unknown = Object.keys(common ?? {}).filter((name) => !columnNames.has(name));
  if (common === undefined || unknown.length === 0) return { fields: common, unknown: [], more: 0 };
  return {
    fields: Object.fromEntries(Object.entries(common).filter(([name]) => columnNames.has(name))),
    unknown: unknown
      .slice(0, ERRORS_MAX)
      .map((name) => located(unknownField(name, columnNames), {}, 0, common, pointers)),
    more: unlisted(unknown.length),
  };
}

/** A field is at fault where it was written: in the row, or in `common`. */
function located(
  { code, field, message, suggestion }: RowProblem,
  row: unknown,
  index: number,
  common: Envelope['common'],
  pointers: Pointers,
): ProblemItem {
  const isCommon =
    field !== null && common !== undefined && Object.hasOwn(common, field) && !Object.hasOwn(row as object, field);
  const pointer = isCommon ? `${pointers.envelope('common')}/${pointerStep(field)}` : pointers.row(index, field);
  return { code, pointer, message, suggestion };
}

/** What is wrong in `common` is found again in every row, and said once. */
function distinct(problems: readonly ProblemItem[]): ProblemItem[] {
  return [...new Map(problems.map((problem) => [`${problem.code} ${problem.pointer}`, problem])).values()];
}
