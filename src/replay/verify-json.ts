/** What was verified as JSON, for the command and for REST alike. */
import { formatTimestamp } from '../core/time.ts';
import type { Json } from '../vector/render.ts';
import type { Receipt } from '../vector/receipt.ts';
import type { Verified, VerifyOutcome } from './verify.ts';

export interface VerifiedJson {
  readonly result: VerifyOutcome;
  readonly reason: string | null;
  readonly service: string;
  readonly version: number;
  readonly fingerprint: string;
  readonly as_of: string;
  readonly entity: Readonly<Record<string, unknown>>;
  readonly differences: readonly {
    readonly feature: string;
    readonly served: unknown;
    readonly replayed: Json;
    readonly served_status: string | null;
    readonly replayed_status: string;
    readonly event_count: number;
    readonly events: readonly {
      readonly source: string;
      readonly partition: number;
      readonly offset: number;
      readonly ts: string;
    }[];
  }[];
  readonly replayed: Readonly<Record<string, Json>> | null;
}

export function verifiedJson(receipt: Receipt, { result, reason, differences, replayed }: Verified): VerifiedJson {
  const { service, version, fingerprint, asOfMs, entity } = receipt;
  return {
    result,
    reason,
    service,
    version,
    fingerprint,
    as_of: formatTimestamp(asOfMs),
    entity,
    differences: differences.map(({ feature, served, replayed: again, servedStatus, replayedStatus, ...from }) => ({
      feature,
      served,
      replayed: again,
      served_status: servedStatus,
      replayed_status: replayedStatus,
      event_count: from.eventCount,
      events: from.events.map(({ source, partition, offset, tsMs }) => ({
        source,
        partition,
        offset,
        ts: formatTimestamp(tsMs),
      })),
    })),
    replayed,
  };
}
