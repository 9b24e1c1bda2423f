/**
 * A degraded answer: a node of the store is away, and values of its shards come from this process's memory. They are
 * as exact as ever for the positions that the receipt names, and those are at most the tier's staleness bound behind. Beyond
 * the bound nothing is served from memory, and values are `UNAVAILABLE`. It is said in a header, so that it is
 * said in every format.
 */
import type { FastifyReply } from 'fastify';
import type { Serving } from '../../dependencies.ts';
import type { ShardOutcome } from '../../shard-reads.ts';

export const DEGRADED_HEADER = 'x-skewless-degraded';

export function isDegraded({ circuits }: Serving, outcomes: ReadonlyMap<string, ShardOutcome>): boolean {
  for (const outcome of outcomes.values()) {
    // Circuits open after several failures; what is kept may be older than the bound by then.
    if (outcome.kind === 'read' && (outcome.isAway || circuits?.isAway(outcome.id) === true)) return true;
  }
  return false;
}

export function flagDegraded(reply: FastifyReply): void {
  void reply.header(DEGRADED_HEADER, 'store');
}
