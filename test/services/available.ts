/**
 * Tests that need real services. Where one cannot be had they are skipped, and say so; with `CI=true` they fail instead,
 * for there nothing may be left out unnoticed.
 */
import { describe, test } from 'vitest';
import { whyNoKafka } from './kafka.ts';
import { whyNoRedis } from './redis.ts';

const WHY_NOT = { kafka: whyNoKafka, redis: whyNoRedis };

export function describeWith(services: readonly (keyof typeof WHY_NOT)[], name: string, body: () => void): void {
  const missing = services.map((service) => WHY_NOT[service]()).filter((reason) => reason !== null);
  if (missing.length === 0) {
    describe(name, body);
    return;
  }
  const reason = missing.join('; ');
  if (process.env['CI'] === 'true') {
    test(name, () => {
      throw new Error(`${reason}, and with CI=true these tests may not be skipped`);
    });
    return;
  }
  process.stderr.write(`SKIPPED ${name}: ${reason}\n`);
  describe.skip(name, body);
}
