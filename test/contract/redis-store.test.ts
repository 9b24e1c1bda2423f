import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { type RedisTls } from '../../src/store/redis-client.ts';
import { parseRedisUrl } from '../../src/store/redis-location.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import type { Store } from '../../src/store/store.ts';
import { describeWith } from '../services/available.ts';
import { makeCertificates } from '../services/certificates.ts';
import { freePorts } from '../services/child.ts';
import { startRedisCluster } from '../services/redis-cluster.ts';
import { startRedisSentinel } from '../services/redis-sentinel.ts';
import { startOwnRedis, startRedis } from '../services/redis.ts';
import { ACL_RULES } from '../store/redis-support.ts';
import { describeStoreContract } from './store-contract.ts';

interface Place {
  readonly url: string;
  readonly tls?: RedisTls;
  stop(): Promise<void>;
}

/** Mutual TLS, and a user who may do what docs/redis.md says and nothing else. */
async function startGuarded(): Promise<Place> {
  const { ca, cert, key, caFile, certFile, keyFile, remove } = makeCertificates();
  const [port] = (await freePorts(1)) as [number];
  const files = ['--tls-ca-cert-file', caFile, '--tls-cert-file', certFile, '--tls-key-file', keyFile];
  const redis = await startOwnRedis(['--tls-port', `${port}`, ...files]);
  await redis.command('acl', 'setuser', 'skewless', 'reset', 'on', '>p@ss/word', ...ACL_RULES, '~{*', '&{*');
  await redis.command('acl', 'setuser', 'default', 'nocommands', '+acl', '+hello', '+info', '+client');
  return {
    url: `rediss://skewless:p%40ss%2Fword@localhost:${port}`,
    tls: { ca, cert, key },
    async stop() {
      await redis.stop();
      remove();
    },
  };
}

const places: readonly (readonly [string, () => Promise<Place>])[] = [
  ['Redis', startRedis],
  ['Redis with TLS and a user of few rights', startGuarded],
  ['Redis Sentinel', startRedisSentinel],
  ['Redis Cluster', startRedisCluster],
];

for (const [name, start] of places) {
  describeWith(['redis'], `a real ${name}`, () => {
    let place: Place;
    let prefix = '';
    beforeAll(async () => {
      place = await start();
    });
    afterAll(() => place.stop());
    beforeEach(() => {
      prefix = randomUUID();
    });

    const open = (namespace: string): Promise<Store> =>
      openRedisStore({
        location: parseRedisUrl(place.url),
        tls: place.tls ?? null,
        namespace: `${prefix}-${namespace}`,
      });
    describeStoreContract(name, open);
  });
}
