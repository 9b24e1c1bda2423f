/**
 * Consumers of the embedded log. Those of one group in this process share a topic's partitions, newest first come
 * last served: a new one takes its share from the others, after their handlers agreed to the revocation. Other processes
 * are not coordinated with; the store's fence keeps them apart.
 *
 * Each consumer is one loop: fetch, hand over, await, fetch again; at the end of the log it waits for an append in this
 * process or for `idleMs`, which is how appends of other processes are seen.
 */
import { SkewlessError } from '../core/errors.ts';
import type { LogRecord } from '../event/event.ts';
import type { ConsumeOptions, LogConsumer, LogHandler } from './log.ts';

export interface Fetched {
  readonly records: readonly LogRecord[];
  readonly startOffset: number;
  readonly endOffset: number;
}

export interface ConsumerSource {
  fetch(topic: string, partition: number, fromOffset: number, recordsMax: number, bytesMax: number): Fetched;
  partitions(topic: string): readonly number[];
}

export interface Consumers {
  open(options: ConsumeOptions, handler: LogHandler): LogConsumer;
  /** New records are in the topic. */
  wake(topic: string): void;
  close(): Promise<void>;
}

interface Member {
  readonly options: ConsumeOptions;
  readonly handler: LogHandler;
  /** Position per partition it holds. */
  readonly positions: Map<number, number>;
  readonly paused: Set<number>;
  /** Partitions it should hold; the loop revokes and assigns until it does. */
  wanted: readonly number[];
  closing: boolean;
  wake: () => void;
  woken: boolean;
  loop: Promise<void>;
}

export function createConsumers(source: ConsumerSource): Consumers {
  const members = new Set<Member>();
  /** Partitions held in each group, so that one is assigned only after it was revoked elsewhere. */
  const held = new Map<string, Member>();

  function share(topic: string, group: string): void {
    const sharing = [...members].filter(
      ({ options, closing }) => options.topic === topic && options.group === group && !closing,
    );
    const partitions = source.partitions(topic);
    for (const [index, member] of sharing.entries()) {
      member.wanted = partitions.filter((_partition, at) => at % sharing.length === index);
    }
    for (const member of members) if (member.options.topic === topic && member.options.group === group) notify(member);
  }

  const heldKey = ({ options }: Member, partition: number): string =>
    JSON.stringify([options.group, options.topic, partition]);

  /** Revokes what is no longer wanted, then takes what is wanted and free. */
  async function rebalance(member: Member): Promise<void> {
    const lost = [...member.positions.keys()].filter(
      (partition) => member.closing || !member.wanted.includes(partition),
    );
    if (lost.length > 0) {
      await member.handler.revoked(lost);
      for (const partition of lost) {
        member.positions.delete(partition);
        held.delete(heldKey(member, partition));
      }
      for (const other of members) if (other !== member) notify(other);
    }
    const free = member.closing ? [] : member.wanted.filter((partition) => !held.has(heldKey(member, partition)));
    if (free.length === 0) return;
    for (const partition of free) held.set(heldKey(member, partition), member);
    const starts = await member.handler.assigned(free);
    for (const partition of free) member.positions.set(partition, starts.get(partition) ?? 0);
  }

  async function run(member: Member): Promise<void> {
    try {
      while (!member.closing) {
        member.woken = false;
        await rebalance(member);
        if (!(await deliver(source, member))) await sleep(member);
      }
    } catch (error) {
      member.closing = true;
      member.handler.failed(error);
    }
    await rebalance(member).catch((error: unknown) => member.handler.failed(error));
    members.delete(member);
    for (const [key, holder] of held) if (holder === member) held.delete(key);
    share(member.options.topic, member.options.group);
  }

  return {
    open(options, handler) {
      const member = createMember(options, handler);
      members.add(member);
      member.loop = Promise.resolve().then(() => run(member));
      share(options.topic, options.group);
      return consumerOf(member);
    },
    wake(topic) {
      for (const member of members) if (member.options.topic === topic) notify(member);
    },
    async close() {
      await Promise.all([...members].map((member) => consumerOf(member).close()));
    },
  };
}

function createMember(options: ConsumeOptions, handler: LogHandler): Member {
  return {
    options,
    handler,
    positions: new Map(),
    paused: new Set(),
    wanted: [],
    closing: false,
    wake: () => undefined,
    woken: false,
    loop: Promise.resolve(),
  };
}

function consumerOf(member: Member): LogConsumer {
  return {
    seek(partition, position) {
      if (member.positions.has(partition)) member.positions.set(partition, position);
      notify(member);
    },
    pause(partitions) {
      for (const partition of partitions) member.paused.add(partition);
    },
    resume(partitions) {
      for (const partition of partitions) member.paused.delete(partition);
      notify(member);
    },
    async close() {
      member.closing = true;
      notify(member);
      await member.loop;
    },
  };
}

/** One batch of each partition; whether any had records. Throws `log_gap`. */
async function deliver(source: ConsumerSource, member: Member): Promise<boolean> {
  const { topic, batchRecordsMax, batchBytesMax } = member.options;
  let found = false;
  for (const partition of member.positions.keys()) {
    const position = member.positions.get(partition);
    if (position === undefined || member.closing || member.paused.has(partition)) continue;
    const { records, startOffset, endOffset } = source.fetch(
      topic,
      partition,
      position,
      batchRecordsMax,
      batchBytesMax,
    );
    if (position < startOffset || position > endOffset) throw gap(topic, partition, position, startOffset, endOffset);
    const last = records.at(-1);
    const nextPosition = last === undefined ? position : last.offset + 1;
    found ||= records.length > 0;
    member.positions.set(partition, nextPosition);
    // A seek from within the handler is to a position of its own, and stands.
    await member.handler.batch({ partition, fetchPosition: position, records, nextPosition, endOffset });
  }
  return found;
}

function gap(
  topic: string,
  partition: number,
  position: number,
  startOffset: number,
  endOffset: number,
): SkewlessError {
  const where = `partition ${partition} of topic ${topic}`;
  const message =
    position < startOffset
      ? `${where} begins at offset ${startOffset}, and offset ${position} is wanted: records in between are gone`
      : `${where} ends at offset ${endOffset}, and offset ${position} is wanted: the log is not the one that was read before`;
  return new SkewlessError('log_gap', message);
}

function notify(member: Member): void {
  member.woken = true;
  member.wake();
}

/** Until woken, or for `idleMs`. */
async function sleep(member: Member): Promise<void> {
  if (member.woken || member.closing) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, member.options.idleMs);
    member.wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  member.wake = () => undefined;
}
