/**
 * Consumers of the embedded log. Those of one group in this process share a topic's partitions; a consumer that joins
 * takes its share once the others have revoked it, and one that leaves gives its share back. Consumers in other
 * processes are not known here, so each process sees every partition: the store's fence keeps their writes apart.
 *
 * A consumer is one loop: settle who holds what, hand over one batch of each partition, await the handler, again. At the
 * end it waits to be woken: by an append in this process at once, by its timer every `idleMs`, which is how records of
 * other processes are found.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../core/assert.ts';
import { gap, isGap } from './gap.ts';
import type { ConsumeOptions, LogConsumer, LogHandler } from './log.ts';
import { type Fetched, unknownTopic } from './sqlite-records.ts';

export interface ConsumerSource {
  /** Empty when the topic does not exist. */
  partitions(topic: string): readonly number[];
  fetch(topic: string, partition: number, fromOffset: number, recordsMax: number, bytesMax: number): Fetched;
}

export interface Consumers {
  /** Throws `unknown_topic`. */
  open(options: ConsumeOptions, handler: LogHandler): LogConsumer;
  /** New records are in the topic. */
  wake(topic: string): void;
  close(): Promise<void>;
}

/** A partition that a consumer holds. */
interface Held {
  position: number;
  paused: boolean;
  /** The handler knows that the end was reached, or is about to hear of records. */
  endConfirmed: boolean;
}

interface Member {
  readonly options: ConsumeOptions;
  readonly handler: LogHandler;
  readonly held: Map<number, Held>;
  /** Partitions it should hold: the loop revokes and assigns until it does. */
  wanted: readonly number[];
  closing: boolean;
  /** Something may have changed since the loop last looked. */
  woken: boolean;
  /** `idleMs` have passed: ends are to be confirmed again. */
  idled: boolean;
  wake: () => void;
  loop: Promise<void>;
}

export function createConsumers(source: ConsumerSource): Consumers {
  const members = new Set<Member>();

  const membersOf = ({ topic, group }: ConsumeOptions): Member[] =>
    [...members].filter((member) => member.options.topic === topic && member.options.group === group);

  function share(options: ConsumeOptions, partitions: readonly number[]): void {
    const sharing = membersOf(options);
    const staying = sharing.filter(({ closing }) => !closing);
    for (const [index, member] of staying.entries()) {
      member.wanted = partitions.filter((_partition, at) => at % staying.length === index);
    }
    for (const member of sharing) notify(member);
  }

  async function settle(member: Member): Promise<void> {
    const { held, handler, options } = member;
    const isLost = (partition: number): boolean => member.closing || !member.wanted.includes(partition);
    const lost = [...held.keys()].filter(isLost);
    if (lost.length > 0) {
      await handler.revoked(lost);
      for (const partition of lost) held.delete(partition);
      for (const other of membersOf(options)) notify(other);
    }
    const others = membersOf(options).filter((other) => other !== member);
    const free = member.closing
      ? []
      : member.wanted.filter((partition) => ![member, ...others].some((each) => each.held.has(partition)));
    if (free.length === 0) return;
    // Held from here on: nobody else may be assigned them while the handler looks up where to start.
    for (const partition of free) held.set(partition, { position: -1, paused: false, endConfirmed: false });
    const starts = await handler.assigned(free);
    for (const partition of free) {
      const start = starts.get(partition);
      assert(start !== undefined, 'the handler answers a position for each partition');
      (held.get(partition) as Held).position = start;
    }
  }

  async function run(member: Member, partitions: readonly number[]): Promise<void> {
    const timer = setInterval(() => {
      member.idled = true;
      notify(member);
    }, member.options.idleMs);
    try {
      while (!member.closing) {
        member.woken = false;
        await settle(member);
        // The turn is for everybody else in the process: handlers and fetches need not ever leave it by themselves.
        if (await deliver(source, member)) await nextTurn();
        else await untilWoken(member);
      }
      await settle(member);
    } catch (error) {
      member.closing = true;
      member.handler.failed(error);
      await settle(member).catch(() => undefined);
    }
    clearInterval(timer);
    members.delete(member);
    share(member.options, partitions);
  }

  return {
    open(options, handler) {
      const partitions = source.partitions(options.topic);
      if (partitions.length === 0) throw unknownTopic(options.topic, null);
      const member = createMember(options, handler);
      members.add(member);
      share(options, partitions);
      // Not before the caller has the consumer.
      member.loop = nextTurn().then(() => run(member, partitions));
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
    held: new Map(),
    wanted: [],
    closing: false,
    woken: false,
    idled: false,
    wake: () => undefined,
    loop: Promise.resolve(),
  };
}

function consumerOf(member: Member): LogConsumer {
  function change(partitions: readonly number[], to: Partial<Held>): void {
    for (const partition of partitions) {
      const held = member.held.get(partition);
      if (held !== undefined) Object.assign(held, to);
    }
    notify(member);
  }
  return {
    seek: (partition, position) => change([partition], { position, endConfirmed: false }),
    pause: (partitions) => change(partitions, { paused: true }),
    resume: (partitions) => change(partitions, { paused: false, endConfirmed: false }),
    async close() {
      member.closing = true;
      notify(member);
      await member.loop;
    },
  };
}

/** One batch of each partition that has records or whose end is to be confirmed; whether any had records. Throws `log_gap`. */
async function deliver(source: ConsumerSource, member: Member): Promise<boolean> {
  const { topic, batchRecordsMax, batchBytesMax } = member.options;
  const confirmEnds = member.idled;
  member.idled = false;
  let found = false;
  for (const [partition, held] of member.held) {
    if (member.closing) break;
    if (held.paused) continue;
    const fetchPosition = held.position;
    const fetched = source.fetch(topic, partition, fetchPosition, batchRecordsMax, batchBytesMax);
    if (isGap(fetchPosition, fetched)) throw gap(topic, partition, fetchPosition, fetched);
    const { records, endOffset } = fetched;
    if (records.length === 0 && held.endConfirmed && !confirmEnds) continue;
    const nextPosition = fetchPosition + records.length;
    found ||= records.length > 0;
    // Before the call: a seek from within the handler is to a position of its own, and stands.
    held.position = nextPosition;
    held.endConfirmed = true;
    await member.handler.batch({
      partition,
      fetchPosition,
      records,
      nextPosition,
      endOffset,
      reachedEnd: nextPosition >= endOffset,
    });
  }
  return found;
}

function notify(member: Member): void {
  member.woken = true;
  member.wake();
}

async function untilWoken(member: Member): Promise<void> {
  if (member.woken) return;
  await new Promise<void>((resolve) => {
    member.wake = resolve;
  });
  member.wake = () => undefined;
}
