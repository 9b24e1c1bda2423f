/**
 * Requests that need not be read. Those who ask for hot entities send the same text for the same row again and again; where
 * every row of a body is such a text, and what is around the rows is known, too, the body says what it said before: nothing of it is
 * parsed or checked anew, and each row leads to its states by one look-up.
 *
 * Why that is exact: a body is cut after each closing brace. It is learned only if it was sound, if there are as many pieces as rows, so that
 * no brace is within a key and each piece is the text of one row, and if what is around the pieces, with a 0 in their place, is JSON in
 * which that 0 is the only item of `entities`. Then whatever rows are put there, JSON says the same of each.
 */
import { RecentMap } from '../../../core/recent-map.ts';
import { ownText } from '../../../core/text.ts';
import type { ServicePlan } from '../../../vector/service.ts';
import type { Serving } from '../../dependencies.ts';
import type { ViewPlaces } from '../../entity-places.ts';
import { KnownBody } from '../../json-body.ts';
import type { RequestRow, VectorsRequest } from './request.ts';
import { type AppearanceRead, placesOf } from './row-reads.ts';

/** Rows of a service, in each of two generations, and the longest text of one. */
const ROWS_MAX = 25_000;
const ROW_LENGTH_MAX = 200;
/** What is around rows, of a service; the one that was learned first is forgotten. */
const ENVELOPES_MAX = 8;

/** A request whose body was not parsed. */
export class KnownRequest extends KnownBody {
  readonly plan: ServicePlan;
  readonly asked: VectorsRequest;
  /** Aligned with the selection's appearances, row after row. */
  readonly reads: readonly AppearanceRead[];

  constructor(plan: ServicePlan, asked: VectorsRequest, reads: readonly AppearanceRead[]) {
    super();
    this.plan = plan;
    this.asked = asked;
    this.reads = reads;
  }
}

export interface KnownRows {
  /** Null: the body must be parsed. */
  recognize(plan: ServicePlan, body: string): KnownRequest | null;
  /** After it was parsed and found sound. `reads`: of all rows, and all of them are kept. */
  learn(plan: ServicePlan, body: string, parsed: object, asked: VectorsRequest, reads: readonly AppearanceRead[]): void;
}

interface Row {
  readonly row: RequestRow;
  readonly reads: readonly AppearanceRead[];
}

/** The body up to its first row and from its last one on, and what they say. */
interface Envelope {
  readonly head: string;
  readonly tail: string;
  readonly asked: VectorsRequest;
}

interface Known {
  readonly rows: RecentMap<string, Row>;
  readonly envelopes: Envelope[];
  /** Where entities were looked for; others once a source has more partitions. */
  places: readonly ViewPlaces[];
}

export function createKnownRows(serving: Serving): KnownRows {
  const services = new Map<ServicePlan, Known>();
  return {
    recognize(plan, body) {
      const known = services.get(plan);
      if (known === undefined || !isCurrent(serving, plan, known)) return null;
      for (const envelope of known.envelopes) {
        const { head, tail } = envelope;
        if (!body.startsWith(head) || !body.endsWith(tail)) continue;
        return requestOf(plan, envelope, known.rows, body);
      }
      return null;
    },
    learn(plan, body, parsed, asked, reads) {
      // Less where a row is not sound, or some of the service's views are not asked for.
      const isAll = reads.length === asked.rows.length * plan.everything.appearances.length;
      if (!isAll || !isLearnable(plan, parsed, asked)) return;
      const pieces = cut(body);
      if (pieces?.rows.length !== asked.rows.length) return;
      let known = services.get(plan);
      if (known === undefined) {
        known = { rows: new RecentMap(ROWS_MAX, ownText), envelopes: [], places: [] };
        services.set(plan, known);
      }
      if (!isCurrent(serving, plan, known)) {
        known.rows.clear();
        known.places = placesNow(serving, plan) ?? [];
      }
      if (!learnEnvelope(known.envelopes, pieces, asked)) return;
      learnRows(known.rows, pieces.rows, asked.rows, reads);
    },
  };
}

/** Rows that tell of entities alone, of now, and all by themselves. Those with inputs hardly ever come twice. */
function isLearnable({ definition }: ServicePlan, parsed: object, asked: VectorsRequest): boolean {
  const { selection, asOfMs, after } = asked;
  if (asOfMs !== null || after.size > 0 || selection.keysUseAsOf || 'common' in parsed) return false;
  return definition.requestColumns.every(({ kind }) => kind === 'key');
}

function placesNow(serving: Serving, { everything, definition }: ServicePlan): readonly ViewPlaces[] | null {
  const counts = serving.partitions.known(everything.sources);
  return counts === null ? null : placesOf(definition, everything.appearances, serving.entityPlaces, counts);
}

function isCurrent(serving: Serving, plan: ServicePlan, { places }: Known): boolean {
  const now = placesNow(serving, plan);
  return now !== null && now.length === places.length && now.every((each, at) => each === places[at]);
}

const COMMA = 0x2c;
const SPACE = 0x20;

/**
 * Takes what stands between `from` and `end`, cut after each closing brace, piece by piece. Whether it is pieces and commas alone, and
 * all of them were taken.
 */
function takePieces(body: string, from: number, end: number, take: (piece: string) => boolean): boolean {
  for (let at = from; at < end; ) {
    const to = body.indexOf('}', at) + 1;
    if (to === 0 || to > end || !take(body.slice(at, to))) return false;
    if (to === end) return true;
    if (body.charCodeAt(to) !== COMMA) return false;
    at = body.charCodeAt(to + 1) === SPACE ? to + 2 : to + 1;
  }
  return false;
}

function requestOf(
  plan: ServicePlan,
  { head, tail, asked }: Envelope,
  known: Known['rows'],
  body: string,
): KnownRequest | null {
  const rows: RequestRow[] = [];
  const reads: AppearanceRead[] = [];
  const isKnown = takePieces(body, head.length, body.length - tail.length, (piece) => {
    const found = known.get(piece);
    if (found === undefined) return false;
    rows.push(found.row);
    for (const read of found.reads) reads.push(read);
    return true;
  });
  return isKnown ? new KnownRequest(plan, { ...asked, rows }, reads) : null;
}

interface Pieces {
  readonly head: string;
  readonly tail: string;
  readonly rows: readonly string[];
}

/** Null: it is not of the usual form. */
function cut(body: string): Pieces | null {
  const start = body.indexOf('[{') + 1;
  const end = body.lastIndexOf('}]') + 1;
  const rows: string[] = [];
  const isWhole = start > 0 && takePieces(body, start, end, (piece) => rows.push(piece) > 0);
  return isWhole ? { head: body.slice(0, start), tail: body.slice(end), rows } : null;
}

/** Whether it is known from here on. */
function learnEnvelope(envelopes: Envelope[], { head, tail }: Pieces, asked: VectorsRequest): boolean {
  if (envelopes.some((known) => known.head === head && known.tail === tail)) return true;
  // Rows are items of `entities`, and what is around them has no others.
  if (!isAround(head, tail)) return false;
  if (envelopes.length >= ENVELOPES_MAX) envelopes.shift();
  envelopes.push({ head: ownText(head), tail: ownText(tail), asked: { ...asked, rows: [] } });
  return true;
}

function learnRows(
  known: Known['rows'],
  texts: readonly string[],
  rows: readonly RequestRow[],
  reads: readonly AppearanceRead[],
): void {
  const each = reads.length / rows.length;
  for (const [index, text] of texts.entries()) {
    const row = rows[index] as RequestRow;
    if (text.length > ROW_LENGTH_MAX) continue;
    known.set(text, { row, reads: reads.slice(index * each, (index + 1) * each) });
  }
}

function isAround(head: string, tail: string): boolean {
  try {
    const { entities } = JSON.parse(`${head}0${tail}`) as { readonly entities?: unknown };
    return Array.isArray(entities) && entities.length === 1 && entities[0] === 0;
  } catch {
    return false;
  }
}
