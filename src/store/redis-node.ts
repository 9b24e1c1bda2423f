/** Which node of a Redis holds a key. */
import type { RedisClient } from './redis-client.ts';
import { slotOf } from './redis-keys.ts';
import type { RedisLocation } from './redis-location.ts';

/**
 * `host:port`; of a cluster, that of the primary which has the slot as far as is known, else the cluster's first address.
 * Behind Sentinel, the name of the primary, whoever has it. `tag` in its braces.
 */
export function nodeOfTag(client: RedisClient, location: RedisLocation, tag: string): string {
  switch (location.mode) {
    case 'standalone':
      return addressOf(location.node);
    case 'sentinel':
      return location.primary;
    case 'cluster': {
      const primary = 'slots' in client ? client.slots[slotOf(tag.slice(1, -1))]?.[0] : undefined;
      return primary ?? location.nodes.map(addressOf)[0] ?? 'cluster';
    }
    default:
      return location satisfies never;
  }
}

function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host}:${port}`;
}
