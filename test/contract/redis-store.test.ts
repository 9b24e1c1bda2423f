import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { parseRedisUrl } from '../../src/store/redis-location.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import { describeWith } from '../services/available.ts';
import { type RedisService, startRedis } from '../services/redis.ts';
import { describeStoreContract } from './store-contract.ts';

describeWith(['redis'], 'a real Redis', () => {
  let redis: RedisService;
  let prefix = '';
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  beforeEach(() => {
    prefix = randomUUID();
  });

  describeStoreContract('Redis', (namespace) =>
    openRedisStore({ location: parseRedisUrl(redis.url), namespace: `${prefix}-${namespace}` }),
  );
});
