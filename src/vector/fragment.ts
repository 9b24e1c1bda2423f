/**
 * What one view gives to the rows of a selection, as text, for one state and an interval of `as_of`. Immutable, so that
 * whoever holds the state may keep it: what depends on the row (derived features, the time since an event) is not in it.
 */
import { LAST_ORDINARY, STATUSES, type Status, isOrdinary, statusRank } from '../core/status.ts';
import { ownText } from '../core/text.ts';
import type { Value } from '../core/value.ts';
import type { Evaluation } from '../state/state.ts';
import type { ViewFeaturePlan } from './feature-plan.ts';
import type { ViewPart } from './row-plan.ts';
import { timestampText } from './text.ts';

export interface Fragment {
  /** The `as_of` interval `[fromMs, untilMs)` in which it holds. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** What it was made for besides: the shard's facts. */
  readonly stale: boolean;
  readonly completeFromMs: number | null;
  /** By piece: texts joined with commas; a number is an event time, to be subtracted from `as_of`. */
  readonly values: readonly (string | number)[];
  /** The row as an item of an answer, with the comma before it, where the part is whole and says nothing beside its values; else null. */
  readonly row: string | null;
  /** By piece: `"name":"STATUS"` of each that is not ordinary, joined. Null: all are ordinary. */
  readonly issues: readonly string[] | null;
  /** Which of the values are of which status, but for those that are `PRESENT`. Null: all are. */
  readonly otherStatuses: readonly StatusPlaces[] | null;
  /** Aligned with the part's inputs. */
  readonly inputs: readonly InputCell[];
  /** By piece; null where nobody asked for it. */
  readonly statuses: readonly string[] | null;
  readonly eventTimes: readonly string[] | null;
  /** Whether all of its texts are ASCII. */
  readonly isAscii: boolean;
  /** Memory that it takes, roughly. */
  readonly bytes: number;
}

/** One whose part is all of a row, of which nothing has to be said beside its values. */
export type ReadyFragment = Fragment & { readonly row: string };

export function isReady(fragment: Fragment): fragment is ReadyFragment {
  return fragment.row !== null;
}

/** What of a shard's facts shows in values and statuses. */
export interface ViewFacts {
  readonly stale: boolean;
  readonly completeFromMs: number | null;
}

/** Metadata that a request may include. */
export interface Metadata {
  readonly status: boolean;
  readonly eventTime: boolean;
}

export interface StatusPlaces {
  readonly rank: number;
  /** In the service's features. */
  readonly places: readonly number[];
  /** For whoever counts rows with it (record-answer.ts): the answer that is being written, and how many of its rows have been. */
  answer: object | null;
  rows: number;
}

export interface InputCell {
  /** An event time where `isEventTime`, to be subtracted from `as_of`. */
  readonly value: Value;
  readonly isEventTime: boolean;
  readonly rank: number;
  readonly eventTimeMs: number | null;
}

/** Objects, arrays and headers of strings, and what each text costs beside its characters. */
const FRAGMENT_BYTES = 300;
const TEXT_BYTES = 32;
const INPUT_BYTES = 80;
const STATUS_BYTES = 64;
const PLACE_BYTES = 8;
/** What fragments of a part may have in common. */
const OTHERS_MAX = 1_024;

export function renderFragment(part: ViewPart, evaluation: Evaluation, facts: ViewFacts, metadata: Metadata): Fragment {
  const statusOf = (feature: ViewFeaturePlan): Status => shownStatus(evaluation, feature, facts.stale);
  const joined = (write: (feature: ViewFeaturePlan) => string): readonly string[] =>
    part.pieces.map((features) => features.map(write).join(','));
  const texts = part.pieces.map((features, piece) => valuesText(features, evaluation, part.isNative[piece] as boolean));
  const otherStatuses = othersOf(part, statusOf);
  const isIssue = (feature: ViewFeaturePlan): boolean => !isOrdinary(statusOf(feature));
  const issues = otherStatuses?.some(({ rank }) => rank > LAST_ORDINARY)
    ? part.pieces.map((features) =>
        features
          .filter(isIssue)
          .map((feature) => `${feature.label}"${statusOf(feature)}"`)
          .join(','),
      )
    : null;
  const statuses = metadata.status ? joined((feature) => `"${statusOf(feature)}"`) : null;
  const eventTimes = metadata.eventTime
    ? joined(({ feature }) => timestampText(evaluation.eventTimesMs[feature] ?? null))
    : null;
  const inputs = part.inputs.map((feature) => inputOf(feature, evaluation, statusOf(feature)));
  const isAsciiPart = part.isAscii || texts.every((text) => typeof text === 'number' || isAscii(text));
  const row = part.isWhole && issues === null ? rowText(texts, isAsciiPart) : null;
  // One text in memory for both.
  const values =
    row === null
      ? texts.map((text, piece) => (part.isNative[piece] === true ? ownText(text as string, true) : text))
      : [row.slice(ROW_BEFORE.length, -ROW_AFTER.length)];
  return {
    fromMs: evaluation.fromMs,
    untilMs: evaluation.untilMs,
    stale: facts.stale,
    completeFromMs: facts.completeFromMs,
    values,
    row,
    issues,
    otherStatuses,
    inputs,
    statuses,
    eventTimes,
    isAscii: isAsciiPart,
    bytes:
      FRAGMENT_BYTES +
      othersBytes(otherStatuses) +
      inputs.length * INPUT_BYTES +
      [values, issues, statuses, eventTimes].reduce((sum, texts) => sum + bytesOf(texts ?? []), 0),
  };
}

function othersOf(
  { pieces, others }: ViewPart,
  statusOf: (feature: ViewFeaturePlan) => Status,
): Fragment['otherStatuses'] {
  let byRank: number[][] | null = null;
  let hash = 0;
  for (const features of pieces) {
    for (const feature of features) {
      const status = statusOf(feature);
      // Most are.
      if (status === 'PRESENT') continue;
      byRank ??= STATUSES.map(() => []);
      const rank = statusRank(status);
      byRank[rank]?.push(feature.place);
      hash = (Math.imul(hash, 31) + feature.place * STATUSES.length + rank) | 0;
    }
  }
  if (byRank === null) return null;
  const made = byRank.flatMap((places, rank): readonly StatusPlaces[] =>
    places.length === 0 ? [] : [{ rank, places, answer: null, rows: 0 }],
  );
  return shared(others, hash, made);
}

/** The same object for all fragments that are alike in it, as most are: so it takes no memory of its own, and is counted at once. */
function shared(known: ViewPart['others'], hash: number, made: readonly StatusPlaces[]): readonly StatusPlaces[] {
  const found = known.get(hash);
  if (found !== undefined && isSame(found, made)) return found;
  if (known.size >= OTHERS_MAX) known.clear();
  known.set(hash, made);
  return made;
}

function isSame(one: readonly StatusPlaces[], other: readonly StatusPlaces[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ rank, places }, index) => {
      const there = other[index] as StatusPlaces;
      return (
        rank === there.rank && places.length === there.places.length && places.every((at, i) => at === there.places[i])
      );
    })
  );
}

function othersBytes(others: Fragment['otherStatuses']): number {
  let bytes = 0;
  for (const { places } of others ?? []) bytes += STATUS_BYTES + places.length * PLACE_BYTES;
  return bytes;
}

/** What is around the values of a row that says nothing else. */
export const ROW_BEFORE = ',{"values":[';
export const ROW_AFTER = ']}';

/** In one piece, so that an answer of many rows becomes one text at once. */
function rowText([values]: readonly (string | number)[], isAsciiText: boolean): string | null {
  return typeof values === 'string' ? ownText(`${ROW_BEFORE}${values}${ROW_AFTER}`, isAsciiText) : null;
}

/** In ASCII alone do characters and bytes of UTF-8 agree in number. */
function isAscii(text: string): boolean {
  return Buffer.byteLength(text, 'utf8') === text.length;
}

/** One byte a character, as most texts take: what JSON says in others is the strings of the events. */
function bytesOf(texts: readonly (string | number)[]): number {
  let bytes = 0;
  for (const text of texts) bytes += TEXT_BYTES + (typeof text === 'string' ? text.length : 0);
  return bytes;
}

/** ASCII that is cut out of a longer text, where `isNative`. */
function valuesText(features: readonly ViewFeaturePlan[], evaluation: Evaluation, isNative: boolean): string | number {
  const { values } = evaluation;
  if (isNative) return JSON.stringify(features.map(({ feature }) => values[feature] ?? null)).slice(1, -1);
  const [first] = features;
  if (first !== undefined && isEventTime(first, evaluation)) return values[first.feature] as number;
  return features.map((feature) => feature.write(values[feature.feature] ?? null)).join(',');
}

function inputOf(feature: ViewFeaturePlan, evaluation: Evaluation, status: Status): InputCell {
  return {
    value: evaluation.values[feature.feature] ?? null,
    isEventTime: isEventTime(feature, evaluation),
    rank: statusRank(status),
    eventTimeMs: evaluation.eventTimesMs[feature.feature] ?? null,
  };
}

/** A stale shard's ordinary values are served, and flagged. */
export function shownStatus({ statuses }: Evaluation, { feature }: ViewFeaturePlan, stale: boolean): Status {
  const status = statuses[feature] ?? 'ERROR';
  return stale && isOrdinary(status) ? 'STALE' : status;
}

/** A default is a duration already. With `incomplete: serve` the status hides whether the value is one. */
export function isEventTime(
  { feature, relativeToAsOf, defaultValue }: ViewFeaturePlan,
  { values, statuses }: Pick<Evaluation, 'values' | 'statuses'>,
): boolean {
  const value = values[feature] ?? null;
  if (!relativeToAsOf || value === null) return false;
  const status = statuses[feature];
  if (status === 'NULL_VALUE' || status === 'NOT_FOUND') return false;
  return !(status === 'INCOMPLETE' && value === defaultValue);
}

const NO_FACTS: ViewFacts = Object.freeze({ stale: false, completeFromMs: null });
export const NO_METADATA: Metadata = Object.freeze({ status: false, eventTime: false });
const ALL_METADATA: Metadata = Object.freeze({ status: true, eventTime: true });

/** All of the view's values are withheld, for one reason. */
export function withheldFragment(part: ViewPart, status: Status): Fragment {
  const known = part.withheld.get(status);
  if (known !== undefined) return known;
  const always = { fromMs: -Infinity, untilMs: Infinity };
  const features = [...part.pieces.flat(), ...part.inputs];
  const count = Math.max(-1, ...features.map(({ feature }) => feature)) + 1;
  const statuses = Array.from({ length: count }, () => status);
  const nulls = statuses.map(() => null);
  const evaluation: Evaluation = { values: nulls, statuses, eventTimesMs: nulls, ...always };
  const fragment = renderFragment(part, evaluation, NO_FACTS, ALL_METADATA);
  part.withheld.set(status, fragment);
  return fragment;
}

/** Whether a fragment that was kept says what a new one would. */
export function holds(fragment: Fragment, asOfMs: number, facts: ViewFacts, metadata: Metadata): boolean {
  return (
    asOfMs >= fragment.fromMs &&
    asOfMs < fragment.untilMs &&
    fragment.stale === facts.stale &&
    fragment.completeFromMs === facts.completeFromMs &&
    (!metadata.status || fragment.statuses !== null) &&
    (!metadata.eventTime || fragment.eventTimes !== null)
  );
}

/** What it was made with. */
export function metadataOf({ statuses, eventTimes }: Fragment): Metadata {
  return { status: statuses !== null, eventTime: eventTimes !== null };
}
