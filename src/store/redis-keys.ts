/**
 * Names of keys. All keys of a shard share the hash tag `{<namespace>/<source>/<entity key>/<partition>~<suffix>}`, so
 * that one script is atomic over them on a Redis Cluster, too. The suffix steers the tag to a slot such that partitions
 * 0, 1, 2, … of a source lie evenly over the cluster, however many there are: their slots follow van der Corput's
 * sequence (J. G. van der Corput, 1935: the bits of the number, reversed), turned by where the source begins.
 *
 *   <tag>c:<fingerprint>            the checkpoint
 *   <tag>d:<fingerprint>            the checkpoint of what is being dropped, until its states are gone
 *   <tag>h:<fingerprint>:<entity>   build, version and head of a state
 *   <tag>t:<fingerprint>:<entity>   build and tiles of a state
 *   <tag>i                          the channel on which commits are told
 */
import type { ShardId } from './store.ts';

const SLOT_BITS = 14;
const SLOTS = 1 << SLOT_BITS;
/** How near to the wanted slot is near enough: found after some 512 attempts. */
const SLOTS_NEAR = 32;

export interface RedisKeys {
  tag(shard: ShardId): string;
  /** Matches the checkpoints of the namespace, those of what is being dropped, too. */
  readonly checkpointPattern: string;
  /** The shard and fingerprint of such a key; null if it is not one. */
  parseCheckpoint(key: string): { readonly shard: ShardId; readonly fingerprint: string } | null;
}

export function createRedisKeys(namespace: string): RedisKeys {
  const tags = new Map<string, string>();
  return {
    tag(shard) {
      const name = nameOf(namespace, shard);
      let tag = tags.get(name);
      if (tag === undefined) {
        tag = `{${name}~${suffixOf(name, shard.partition)}}`;
        tags.set(name, tag);
      }
      return tag;
    },
    checkpointPattern: `{${escapePattern(encode(namespace))}/*}[cd]:*`,
    parseCheckpoint(key) {
      const [, name, source, entityKey, partition, fingerprint] =
        /^\{([^/]+)\/([^/]+)\/([^/]+)\/(\d+)~[^}]*\}[cd]:(.+)$/.exec(key) ?? [];
      if (name !== encode(namespace) || source === undefined || entityKey === undefined) return null;
      if (fingerprint === undefined) return null;
      const shard = { source: decode(source), entityKey: decode(entityKey), partition: Number(partition) };
      return { shard, fingerprint };
    },
  };
}

/** For `SCAN`: matches `text` alone. */
export function escapePattern(text: string): string {
  return text.replaceAll(/[*?[\]\\]/g, (character) => `\\${character}`);
}

function nameOf(namespace: string, { source, entityKey, partition }: ShardId): string {
  return `${encode(namespace)}/${encode(source)}/${encode(entityKey)}/${partition}`;
}

/** Names of columns are anything: braces and slashes must not end a tag or a part of it. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll('~', '%7E');
}

function decode(text: string): string {
  return decodeURIComponent(text);
}

function suffixOf(name: string, partition: number): string {
  const start = slotOf(name.slice(0, name.lastIndexOf('/')));
  const wanted = (start + reverseBits(partition)) % SLOTS;
  const crc = continueCrc(0, `${name}~`);
  for (let attempt = 0; ; attempt++) {
    const suffix = attempt.toString(36);
    const distance = ((continueCrc(crc, suffix) % SLOTS) - wanted + SLOTS) % SLOTS;
    if (distance < SLOTS_NEAR) return suffix;
  }
}

function reverseBits(value: number): number {
  let reversed = 0;
  for (let bit = 0; bit < SLOT_BITS; bit++) if ((value >> bit) & 1) reversed |= 1 << (SLOT_BITS - 1 - bit);
  return reversed;
}

/** The slot of a tag with this content, as the Redis Cluster specification has it. */
export function slotOf(text: string): number {
  return continueCrc(0, text) % SLOTS;
}

/** CRC-16/XMODEM of what `crc` is of, followed by `text`. */
function continueCrc(crc: number, text: string): number {
  let next = crc;
  for (const byte of Buffer.from(text)) {
    next ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) next = next & 0x80_00 ? ((next << 1) ^ 0x10_21) & 0xff_ff : (next << 1) & 0xff_ff;
  }
  return next;
}
