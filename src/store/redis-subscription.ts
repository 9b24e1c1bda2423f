/**
 * Commits as they are told on shards' channels, over connections of their own: one to the primary, or one to each node of
 * a cluster that a followed shard lies on (sharded channels: a message stays on its node). ioredis would subscribe again by
 * itself after a connection was lost or a slot has moved, and say nothing; here each channel is subscribed to anew by us, and
 * the listener is told where its commits begin to be heard again.
 *
 * A channel is `waiting` (nobody listens: tried at once, then with growing pauses) or `heard` over a line. It waits again when the
 * line ends, when Redis says that some channel of the line has moved, and when the slot is found on another node.
 * A line that hangs says nothing, as a quiet one does, so each is asked for an answer now and then.
 */
import type { Cluster, Redis } from 'ioredis';
import { messageOf } from '../core/errors.ts';
import type { RedisBounds } from './redis-client.ts';
import { type RedisKeys, slotOf } from './redis-keys.ts';
import type { RedisNode } from './redis-location.ts';
import { parseNotice } from './redis-notices.ts';
import type { CommitListener, ShardId, Subscription } from './store.ts';

export interface RedisSubscriptionOptions {
  /** Says which node a channel is on; null: there is one. */
  readonly cluster: Cluster | null;
  connect(node: RedisNode | null): Redis;
  /** Resolves when the cluster's slots are known, as far as it can be reached. */
  prepare(): Promise<unknown>;
  readonly keys: RedisKeys;
  readonly bounds: RedisBounds;
  readonly onWarning: (message: string) => void;
  readonly listener: CommitListener;
}

interface Line {
  readonly node: string;
  readonly client: Redis;
}

interface Channel {
  readonly name: string;
  readonly shard: ShardId;
  state: { readonly kind: 'waiting' } | { readonly kind: 'asking' | 'heard'; readonly line: Line };
}

/** The name of the only node where there is no cluster. */
const PRIMARY = 'primary';
const FIRST_PAUSE_MS = 25;
const WAITING = { kind: 'waiting' } as const;

export function subscribeTo(options: RedisSubscriptionOptions): Subscription {
  const { cluster, keys, bounds, listener, onWarning } = options;
  const channels = new Map<string, Channel>();
  const lines = new Map<string, Line>();
  let attempts = 0;
  let retry: NodeJS.Timeout | null = null;
  let warned = false;
  let closed = false;

  /** Null where the cluster is not known yet. */
  function nodeOf(channel: string): string | null {
    if (cluster === null) return PRIMARY;
    return cluster.slots[slotOf(channel.slice(1, channel.lastIndexOf('}')))]?.[0] ?? null;
  }

  function lineTo(node: string): Line {
    const existing = lines.get(node);
    if (existing !== undefined) return existing;
    const line: Line = { node, client: options.connect(addressOf(node)) };
    lines.set(node, line);
    line.client.on('error', () => undefined);
    line.client.on('end', () => end(line));
    line.client.on('moved', () => {
      wait(line);
      cluster?.refreshSlotsCache();
      later();
    });
    for (const event of ['message', 'smessage']) {
      line.client.on(event, (name: string, text: string) => hear(line, name, text));
    }
    return line;
  }

  function hear(line: Line, name: string, text: string): void {
    const channel = channels.get(name);
    if (channel === undefined || channel.state.kind === 'waiting' || channel.state.line !== line) return;
    const notice = parseNotice(text);
    // It may have been a commit: from the next one on they are told.
    if (notice === null) listener.onBegin(channel.shard);
    else listener.onCommit({ ...notice, shard: channel.shard });
  }

  /** All channels of the line: which of them is concerned, Redis tells and ioredis does not. */
  function wait(line: Line): void {
    for (const channel of channels.values()) {
      if (channel.state.kind !== 'waiting' && channel.state.line === line) channel.state = WAITING;
    }
  }

  function end(line: Line): void {
    if (lines.get(line.node) === line) lines.delete(line.node);
    line.client.disconnect();
    wait(line);
    later();
  }

  function later(): void {
    if (closed || retry !== null) return;
    retry = setTimeout(() => {
      retry = null;
      attempts++;
      listenAll();
    }, pauseMs()).unref();
  }

  const pauseMs = (): number => Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempts, 10), bounds.reconnectMs);

  function listenAll(): void {
    for (const channel of channels.values()) if (channel.state.kind === 'waiting') void listen(channel);
  }

  async function listen(channel: Channel): Promise<void> {
    const node = nodeOf(channel.name);
    if (node === null) return void options.prepare().then(later, later);
    const line = lineTo(node);
    const asking = { kind: 'asking', line } as const;
    channel.state = asking;
    try {
      // One at a time: those of a cluster's node need not share a slot. They share the round trip.
      await (cluster === null ? line.client.subscribe(channel.name) : line.client.ssubscribe(channel.name));
      attempts = 0;
      if (!channels.has(channel.name)) return leave(line, channel.name);
      if (channel.state !== asking) return;
      channel.state = { kind: 'heard', line };
      listener.onBegin(channel.shard);
    } catch (error) {
      if (channel.state === asking) channel.state = WAITING;
      failed(error);
    }
  }

  function failed(error: unknown): void {
    const text = messageOf(error);
    if (text.startsWith('MOVED')) cluster?.refreshSlotsCache();
    if (text.startsWith('NOPERM') && !warned) {
      warned = true;
      onWarning(`Redis does not let our user hear of commits, so that caches learn of them late: ${text}`);
    }
    later();
  }

  const patrol = setInterval(() => {
    for (const line of lines.values()) void line.client.ping().catch(() => end(line));
    for (const channel of channels.values()) {
      if (channel.state.kind === 'heard' && channel.state.line.node !== nodeOf(channel.name)) channel.state = WAITING;
    }
    listenAll();
  }, bounds.silenceMs).unref();

  function unfollow(name: string): void {
    const channel = channels.get(name);
    if (channel === undefined) return;
    channels.delete(name);
    if (channel.state.kind !== 'waiting') leave(channel.state.line, name);
  }

  function leave({ client }: Line, name: string): void {
    void (cluster === null ? client.unsubscribe(name) : client.sunsubscribe(name)).catch(() => undefined);
  }

  return {
    follow(shard) {
      const name = `${keys.tag(shard)}i`;
      if (closed || channels.has(name)) return;
      const channel: Channel = { name, shard, state: WAITING };
      channels.set(name, channel);
      void listen(channel);
    },
    unfollow: (shard) => unfollow(`${keys.tag(shard)}i`),
    close() {
      closed = true;
      clearInterval(patrol);
      if (retry !== null) clearTimeout(retry);
      channels.clear();
      for (const line of lines.values()) line.client.disconnect();
      lines.clear();
      return Promise.resolve();
    },
  };
}

/** `host:port`, as ioredis names nodes. */
function addressOf(node: string): RedisNode | null {
  if (node === PRIMARY) return null;
  const colon = node.lastIndexOf(':');
  return { host: node.slice(0, colon), port: Number(node.slice(colon + 1)) };
}
