/** Reads checkpoints and puts lanes where these say: owned, standby or failed. */
import { assertNever } from '../core/assert.ts';
import type { PartitionRange } from '../log/log.ts';
import type { Checkpoint } from '../store/store.ts';
import { changeState, type Lane, type LaneState } from './lane.ts';
import { decideOpening, type Opening } from './opening.ts';
import { untilReachable } from './retry.ts';
import type { ShardContext } from './shard-context.ts';

export interface Occasion {
  /** The log has just given the partition to this process. */
  readonly assigned: boolean;
  /** The lanes' owner was seen to be gone before, and a batch has come since. */
  readonly confirmed: boolean;
}

/** Waits while the log or the store is away. */
export async function openLanes(context: ShardContext, lanes: readonly Lane[], occasion: Occasion): Promise<void> {
  const { id, retry, source, clock, owner, bounds } = context;
  for (const lane of lanes) if (lane.state.mode !== 'standby') changeState(lane, { mode: 'opening' });
  // The checkpoints first: whatever is committed after them, the log reaches at least as far.
  const checkpoints = await readCheckpoints(context, lanes, id.partition);
  const firsts = await readFirsts(context, lanes, checkpoints);
  const { range, partitions, sourceEnds } = await untilReachable(retry, () => context.extent());
  for (const [index, lane] of lanes.entries()) {
    const checkpoint = checkpoints[index] ?? null;
    const built = firsts.get(lane)?.partitions ?? partitions;
    if (built !== partitions) {
      changeState(lane, partitionCountChanged(source.topic, built, partitions));
      continue;
    }
    const opening = decideOpening(checkpoint, {
      source,
      range,
      partitions,
      sourceEnds,
      nowMs: clock.nowMs(),
      takeoverMs: bounds.takeoverMs,
      owner,
      ...occasion,
      rebuild: lane.corrupt !== null,
      statesExpire: lane.plan.stateTtlMs !== null,
      epoch: lane.epoch,
    });
    const state = stateOf(opening, context, range, checkpoint);
    changeState(lane, state);
    // Another owner finds out for itself.
    if (state.mode === 'standby') lane.corrupt = null;
  }
}

async function readCheckpoints(
  { store, id, retry }: ShardContext,
  lanes: readonly Lane[],
  partition: number,
): Promise<readonly (Checkpoint | null)[]> {
  if (lanes.length === 0) return [];
  const sections = lanes.map(({ plan }) => ({ fingerprint: plan.fingerprint, entities: [] }));
  const reads = await untilReachable(retry, () => store.read({ ...id, partition }, sections));
  return lanes.map((_lane, index) => reads[index]?.checkpoint ?? null);
}

/** A new partition has no checkpoints: those of the first one say of how many partitions the states were built. */
async function readFirsts(
  context: ShardContext,
  lanes: readonly Lane[],
  checkpoints: readonly (Checkpoint | null)[],
): Promise<ReadonlyMap<Lane, Checkpoint | null>> {
  if (context.id.partition === 0) return new Map();
  const unbuilt = lanes.filter((_lane, index) => checkpoints[index] === null);
  const found = await readCheckpoints(context, unbuilt, 0);
  return new Map(unbuilt.map((lane, index) => [lane, found[index] ?? null]));
}

function stateOf(
  opening: Opening,
  { source, id, clock, bounds }: ShardContext,
  range: PartitionRange,
  checkpoint: Checkpoint | null,
): LaneState {
  switch (opening.kind) {
    case 'own':
      return { mode: 'owned', ownership: opening.ownership };
    case 'standby': {
      const { owner, heartbeatMs, suspect } = opening;
      const nowMs = clock.nowMs();
      const tooOldAtMs = heartbeatMs + bounds.takeoverMs + 1;
      const askAgainAtMs = suspect ? nowMs : Math.min(tooOldAtMs, nowMs + bounds.standbyAskMs);
      return { mode: 'standby', owner, suspect, askAgainAtMs };
    }
    case 'partition_count_changed':
      return partitionCountChanged(source.topic, opening.built, opening.partitions);
    case 'log_gap': {
      const message =
        `the checkpoint of ${checkpoint?.owner ?? 'nobody'} is at offset ${opening.position}, and the topic that is read (of source ${source.name}) holds ` +
        `${range.startOffset} to ${range.endOffset} of partition ${id.partition}: records would be skipped`;
      return { mode: 'failed', code: 'log_gap', message };
    }
    default:
      return assertNever(opening);
  }
}

/** `built`: of how many partitions the states were built. */
export function partitionCountChanged(
  topic: string,
  built: number,
  partitions: number,
): LaneState & { readonly mode: 'failed' } {
  const message =
    `topic ${topic} had ${built} partitions when its states were built and has ${partitions}, so entities are in other partitions now; ` +
    'give the deployment another --namespace, which builds beside this one, and prune this one afterwards';
  return { mode: 'failed', code: 'partition_count_changed', message };
}
