/**
 * Tests that need real services. Where one cannot be had they are skipped, and say so; with `CI=true` they fail instead,
 * for there nothing may be left out unnoticed.
 */
import { describe, test } from 'vitest';
import { whyNoK6 } from '../../load-tests/runner/k6-binary.ts';
import { whyNoCertificates } from './certificates.ts';
import { isInstalled } from './child.ts';
import { whyNoKafka, whyNoOwnKafka } from './kafka.ts';
import { whyNoOwnRedis, whyNoRedis } from './redis.ts';

const WHY_NOT = {
  /** Given by `KAFKA_BROKERS`, or started. */
  kafka: whyNoKafka,
  /** Started, whatever is given: for tests that harm it, or need it set up in their own way. */
  'own-kafka': whyNoOwnKafka,
  redis: whyNoRedis,
  'own-redis': whyNoOwnRedis,
  certificates: whyNoCertificates,
  /** Found, or built by Go, which takes minutes once. */
  k6: whyNoK6,
  /** librdkafka's producer. */
  jq: () => (isInstalled('jq') ? null : 'there is no jq (Debian: jq)'),
  kcat: () => (isInstalled('kcat') ? null : 'there is no kcat (Debian: kcat)'),
};

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
