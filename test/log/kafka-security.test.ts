/** Each way to reach a Kafka that asks who is there, and what is said where it does not let us in. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { type KafkaSasl, type KafkaTls } from '../../src/log/kafka-security.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { describeWith } from '../services/available.ts';
import { makeCertificates } from '../services/certificates.ts';
import { FRIEND, STRANGER, type SecureKafka, startSecureKafka } from '../services/kafka-secure.ts';

describeWith(['own-kafka', 'certificates'], 'a Kafka that asks who is there', () => {
  let kafka: SecureKafka;
  let trusting: KafkaTls;
  let log: Log | null = null;
  const warnings: string[] = [];
  beforeAll(async () => {
    kafka = await startSecureKafka();
    trusting = { ca: kafka.certificates.ca, cert: null, key: null };
  });
  afterAll(() => kafka.stop());
  afterEach(() => log?.close());

  async function open(brokers: readonly string[], tls: KafkaTls, sasl: KafkaSasl | null): Promise<Log> {
    warnings.length = 0;
    log = await openKafkaLog({
      brokers,
      clientId: 'test',
      clock: systemClock,
      security: { tls, sasl },
      onWarning: (message) => void warnings.push(message),
    });
    return log;
  }

  async function expectUsable(opened: Log): Promise<void> {
    const topic = `secure-${randomUUID()}`;
    await opened.ensureTopic(topic, 1);
    await opened.append(topic, [{ key: Buffer.from('k'), value: Buffer.from('v'), timestampMs: 1 }]);
    const [record] = await opened.read(topic, 0, 0, 10);
    expect(Buffer.from(record?.value ?? []).toString()).toBe('v');
  }

  test('an authority that is trusted lets TLS through', async () => {
    await expectUsable(await open(kafka.tls, trusting, null));
  });

  test('a certificate of ours lets mutual TLS through', async () => {
    const { ca, cert, key } = kafka.certificates;
    await expectUsable(await open(kafka.mutualTls, { ca, cert, key }, null));
  });

  test.for(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('a login by %s is taken', async (mechanism) => {
    await expectUsable(await open(kafka.login, trusting, { mechanism, ...FRIEND }));
  });

  test('a token is taken as a login by oauthbearer', async () => {
    const { tokenFile } = kafka;
    await expectUsable(await open(kafka.login, trusting, { mechanism: 'oauthbearer', tokenFile }));
  });

  test('brokers of an authority that is not trusted are not talked to, and a warning says why', async () => {
    const other = makeCertificates();
    const opened = await open(kafka.tls, { ...trusting, ca: other.ca }, null);
    await expect(opened.ranges('any')).rejects.toMatchObject({ code: 'log_unavailable', retryable: true });
    expect(warnings.join()).toContain('certificate');
    other.remove();
  });

  test('without the certificate that a broker asks for there is no connection', async () => {
    const opened = await open(kafka.mutualTls, trusting, null);
    await expect(opened.ranges('any')).rejects.toMatchObject({ code: 'log_unavailable' });
  });

  test.for(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'a wrong password for %s is said to be refused, is not worth a retry, and is not repeated',
    async (mechanism) => {
      const opened = await open(kafka.login, trusting, { mechanism, ...FRIEND, password: 'not-this-one' });
      const fault = await opened.ranges('any').catch((error: unknown) => error);
      expect(fault).toMatchObject({ code: 'log_login_refused', retryable: false });
      expect(`${String(fault)} ${warnings.join()}`).not.toContain('not-this-one');
    },
  );

  test('a user without rights is told which is missing, whatever is asked', async () => {
    const topic = `forbidden-${randomUUID()}`;
    await (await open(kafka.tls, trusting, null)).ensureTopic(topic, 1);
    await log?.close();
    const opened = await open(kafka.login, trusting, { mechanism: 'plain', ...STRANGER });
    const forbidden = { code: 'log_forbidden', retryable: false };
    await expect(opened.ensureTopic(`another-${topic}`, 1)).rejects.toMatchObject(forbidden);
    await expect(opened.ranges(topic)).rejects.toMatchObject(forbidden);
    const record = { key: null, value: Buffer.from('v'), timestampMs: 1 };
    await expect(opened.append(topic, [record])).rejects.toMatchObject(forbidden);
  });

  test('a topic that Kafka does not make is refused for good, with its name', async () => {
    const opened = await open(kafka.tls, trusting, null);
    await expect(opened.ensureTopic('no topic', 1)).rejects.toMatchObject({ code: 'log_refused', retryable: false });
  });
});
