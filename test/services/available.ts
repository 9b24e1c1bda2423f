/**
 * Tests that need real services. Where one cannot be had they are skipped, and say so; with `CI=true` they fail instead,
 * for there nothing may be left out unnoticed.
 */
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { whyNoK6 } from '../../load-tests/runner/k6-binary.ts';
import { whyNoCertificates } from './certificates.ts';
import { isInstalled } from './child.ts';
import { whyNoKafka, whyNoOwnKafka } from './kafka.ts';
import { whyNoOasdiff } from './oasdiff.ts';
import { whyNoNpmFolder } from './npm-folder.ts';
import { FEAST, PYTHON_CLIENT, SCHEMATHESIS, whyNoPython } from './python.ts';
import { whyNoOwnRedis, whyNoRedis } from './redis.ts';
import { whyNoRegistry } from './registry.ts';

const TYPESCRIPT_CLIENT = join(import.meta.dirname, '../../examples/inference/typescript');

const WHY_NOT = {
  /** Given by `KAFKA_BROKERS`, or started. */
  kafka: whyNoKafka,
  /** Started, whatever is given: for tests that harm it, or need it set up in their own way. */
  'own-kafka': whyNoOwnKafka,
  redis: whyNoRedis,
  'own-redis': whyNoOwnRedis,
  /** Given by `SCHEMA_REGISTRY_URL`, or started. */
  registry: whyNoRegistry,
  certificates: whyNoCertificates,
  /** Found, or built by Go, which takes minutes once. */
  k6: whyNoK6,
  /** Feast's SDK, from PyPI: takes half a minute once. */
  feast: () => whyNoPython(FEAST),
  /** Generators of clients, and what the examples over them import: from PyPI and npm. */
  inference: () => whyNoNpmFolder(TYPESCRIPT_CLIENT) ?? whyNoPython(PYTHON_CLIENT),
  schemathesis: () => whyNoPython(SCHEMATHESIS),
  /** Found, or built by Go, which takes a minute or two once. */
  oasdiff: whyNoOasdiff,
  jq: () => (isInstalled('jq') ? null : 'there is no jq (Debian: jq)'),
  /** librdkafka's producer. */
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
