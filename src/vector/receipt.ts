/**
 * A receipt: what it takes to reproduce one vector, and to tell whether values are those that were served. Opaque to clients:
 * base64url of JSON with its fields in the order below. The fingerprint of the service covers those of all its views; a
 * position, the records of a source that count; everything that depends on the moment of serving and not on the log
 * (what was withheld, a shard that was stale) is said.
 */
import { hash } from 'node:crypto';
import type { Status } from '../core/status.ts';
import { formatTimestamp, parseTimestampMs } from '../core/time.ts';
import type { Position } from '../store/store.ts';
import { timestampText } from './text.ts';

/** Format 1 named no moment: what was withheld for one could not be told from what was not there. */
const RECEIPT_FORMAT = 2;
/** Longer texts are none of ours. */
const RECEIPT_CHARS_MAX = 262_144;
const DIGEST_BYTES = 12;

/** A shard as it was when it was read. */
export interface ReceiptShard {
  readonly source: string;
  /** Key columns of the source, joined with `,`. */
  readonly entityKey: string;
  readonly partition: number;
  /** Partition of the source → next offset: what counts lies below. */
  readonly position: Position;
  /** Event time before which history may be missing, ms; null: it is complete. */
  readonly completeFromMs: number | null;
  /** Its owner had not confirmed reaching the log's end: values were served as `STALE`. */
  readonly stale: boolean;
}

/** What one appearance of a view was answered from. */
export type ReceiptRead =
  /** Index into `shards`. */
  | number
  /** No event can have the key: a null, or a key that is too long. */
  | null
  /** Withheld, for what the log does not tell, or `ERROR`, for the key's expression failed: one of `WITHHELD`. */
  | Status;

const WITHHELD: ReadonlySet<unknown> = new Set<Status>([
  'REBUILDING',
  'OUT_OF_HISTORY',
  'TIMED_OUT',
  'UNAVAILABLE',
  'ERROR',
]);

export interface Receipt {
  readonly service: string;
  readonly version: number;
  readonly fingerprint: string;
  readonly asOfMs: number;
  /** Entity keys and request inputs by name, as in a request. */
  readonly entity: Readonly<Record<string, unknown>>;
  /** Places of the features that were served, in their order; null: all of the service. */
  readonly features: readonly number[] | null;
  readonly shards: readonly ReceiptShard[];
  /** By appearances that these features need, ascending. */
  readonly reads: readonly ReceiptRead[];
  /** `valuesDigest` of what was served. */
  readonly digest: string;
}

export type ParsedReceipt =
  | { readonly ok: true; readonly receipt: Receipt }
  | { readonly ok: false; readonly problem: string };

/** What all receipts of one selection begin with; `features` as in `Receipt`. */
export function receiptHead(
  {
    name: service,
    version,
    fingerprint,
  }: { readonly name: string; readonly version: number; readonly fingerprint: string },
  features: readonly number[] | null,
): string {
  const head = { format: RECEIPT_FORMAT, service, version, fingerprint, ...(features === null ? {} : { features }) };
  return JSON.stringify(head).slice(0, -1);
}

export function receiptShardText({
  source,
  entityKey,
  partition,
  position,
  completeFromMs,
  stale,
}: ReceiptShard): string {
  return JSON.stringify({
    source,
    entity_key: entityKey,
    partition,
    position,
    ...(completeFromMs === null ? {} : { complete_from: formatTimestamp(completeFromMs) }),
    ...(stale ? { stale } : {}),
  });
}

/** The parts of a receipt as JSON text: `entity` without braces, the others one text each. */
export interface ReceiptTexts {
  readonly head: string;
  readonly asOfMs: number;
  readonly entity: string;
  readonly shards: Iterable<string>;
  readonly reads: readonly ReceiptRead[];
  /** As an array, as it is served. */
  readonly values: string;
}

export function formatReceipt({ head, asOfMs, entity, shards, reads, values }: ReceiptTexts): string {
  const text =
    `${head},"as_of":${timestampText(asOfMs)},"entity":{${entity}},"shards":[${[...shards].join(',')}],` +
    `"reads":${JSON.stringify(reads)},"digest":"${valuesDigest(values)}"}`;
  return Buffer.from(text, 'utf8').toString('base64url');
}

/** Of the JSON text of a row's values, without spaces. */
export function valuesDigest(values: string): string {
  return hash('sha256', values, 'buffer').subarray(0, DIGEST_BYTES).toString('base64url');
}

/** Trusts nothing; says what is wrong. */
export function parseReceipt(text: string): ParsedReceipt {
  if (text.length > RECEIPT_CHARS_MAX) return wrong(`it has ${text.length} characters, and receipts have fewer`);
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return wrong('it is not base64url, in which receipts are written');
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return wrong('it holds no JSON: it may have been cut off');
  }
  if (!isObject(json)) return wrong('it holds no JSON object');
  if (json['format'] !== RECEIPT_FORMAT) {
    return wrong(`its format is ${JSON.stringify(json['format'])}, and this version reads format ${RECEIPT_FORMAT}`);
  }
  const fault = faultIn(json);
  return fault === null ? { ok: true, receipt: receiptFrom(json) } : wrong(`its "${fault}" is missing or damaged`);
}

function wrong(problem: string): ParsedReceipt {
  return { ok: false, problem };
}

type Json = Readonly<Record<string, unknown>>;

const IS_SOUND: Readonly<Record<string, (value: unknown, json: Json) => boolean>> = {
  service: isText,
  version: isCount,
  fingerprint: isText,
  as_of: isTime,
  entity: isObject,
  features: (value) => value === undefined || (Array.isArray(value) && value.length > 0 && value.every(isCount)),
  shards: (value) => Array.isArray(value) && value.every(isShard),
  reads: (value, { shards }) =>
    Array.isArray(value) && value.every((read) => isRead(read, shards as readonly unknown[])),
  digest: isText,
};

/** Name of the first field that is not as it must be; null: all are. */
function faultIn(json: Json): string | null {
  for (const [name, isSound] of Object.entries(IS_SOUND)) if (!isSound(json[name], json)) return name;
  return null;
}

function isShard(value: unknown): boolean {
  if (!isObject(value)) return false;
  const {
    position,
    complete_from: completeFrom,
    stale,
  } = value as { position: unknown; complete_from: unknown; stale: unknown };
  return (
    isText(value['source']) &&
    isText(value['entity_key']) &&
    isCount(value['partition']) &&
    isObject(position) &&
    Object.entries(position).every(([partition, next]) => /^\d+$/.test(partition) && isCount(next)) &&
    (completeFrom === undefined || isTime(completeFrom)) &&
    (stale === undefined || stale === true)
  );
}

function isRead(value: unknown, shards: readonly unknown[]): boolean {
  if (typeof value === 'number') return isCount(value) && value < shards.length;
  return value === null || WITHHELD.has(value);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && parseTimestampMs(value) !== null;
}

interface SoundShard {
  readonly source: string;
  readonly entity_key: string;
  readonly partition: number;
  readonly position: Position;
  readonly complete_from?: string;
  readonly stale?: true;
}

function receiptFrom(sound: Json): Receipt {
  const {
    as_of: asOf,
    features = null,
    shards,
    ...rest
  } = sound as unknown as Omit<Receipt, 'shards' | 'asOfMs' | 'features'> & {
    readonly as_of: string;
    readonly features?: readonly number[];
    readonly shards: readonly SoundShard[];
  };
  return {
    service: rest.service,
    version: rest.version,
    fingerprint: rest.fingerprint,
    asOfMs: parseTimestampMs(asOf) as number,
    entity: rest.entity,
    features: features ?? null,
    shards: shards.map(
      ({ source, entity_key: entityKey, partition, position, complete_from: completeFrom, stale }) => ({
        source,
        entityKey,
        partition,
        position,
        completeFromMs: completeFrom === undefined ? null : parseTimestampMs(completeFrom),
        stale: stale === true,
      }),
    ),
    reads: rest.reads,
    digest: rest.digest,
  };
}
