/** Events of runs and the audit trail in topics of a real Kafka, as the flags name them. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openReporter } from '../../src/cli/openlineage.ts';
import { openBook, openTrail } from '../../src/cli/trail-write.ts';
import { parseOpenLineage, parseTrail } from '../../src/flag-values.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import { FILES, trainJob } from '../../src/openlineage/jobs.ts';
import { plainDataset } from '../../src/openlineage/datasets.ts';
import type { EmitterReport } from '../../src/openlineage/emitter.ts';
import type { RunEvent } from '../../src/openlineage/event.ts';
import { startRun } from '../../src/openlineage/run.ts';
import { EXAMPLE, load, onlyService } from '../definition/support.ts';
import { describeWith } from '../services/available.ts';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import { expectValid } from './support.ts';

const WAIT = { timeout: 60_000, interval: 50 };
const settled = ({ sent, failed, dropped }: EmitterReport): number => sent + failed + dropped;

describeWith(['kafka'], 'topics of runs and acts', () => {
  let kafka: KafkaService;
  beforeAll(async () => {
    kafka = await startKafka();
  });
  afterAll(() => kafka.stop());
  const placeOf = (topic: string): string => `kafka://${kafka.brokers.join(',')}/${topic}`;

  test('events of runs arrive; a topic that is not there costs nothing but the events', async () => {
    const topic = `runs-${randomUUID()}`;
    const log = await openKafkaLog({ brokers: kafka.brokers, clientId: 'test', clock: systemClock });
    await log.ensureTopic(topic, 1);
    const warnings: string[] = [];
    const tell = async (place: string) => {
      const reporter = await openReporter(parseOpenLineage(place), {}, (message) => warnings.push(message));
      const labels = plainDataset(FILES, '/data/labels.csv');
      const files = { files: new Map([['flights', ['/data/flights.csv']]]) };
      startRun(reporter, trainJob(reporter.producer, files, labels, onlyService(load(EXAMPLE)))).complete();
      // Closing waits for two seconds, and a busy broker may take longer.
      await vi.waitFor(() => expect(settled(reporter.report())).toBe(2), WAIT);
      await reporter.close();
      return reporter.report();
    };
    expect(await tell(placeOf(topic))).toEqual({ sent: 2, failed: 0, dropped: 0 });
    const records = await log.read(topic, 0, 0, 10);
    expectValid(records.map(({ value }) => JSON.parse(Buffer.from(value ?? []).toString()) as RunEvent));
    expect(warnings).toEqual([]);
    expect((await tell(placeOf(`${topic}-none`))).sent).toBe(0);
    expect(warnings).toHaveLength(1);
    await log.close();
  });

  test('the trail makes its topic, and is read in the order of the acts', async () => {
    const trail = parseTrail(placeOf(`trail-${randomUUID()}`));
    for (const act of ['keys_create', 'keys_revoke'] as const) {
      const opened = await openTrail({ trail });
      await opened.record(act, 'a key', { name: act });
      await opened.close();
    }
    const book = await openBook(trail, {});
    const acts: unknown[] = [];
    for await (const entry of book.read()) acts.push(entry?.act);
    await book.close();
    expect(acts).toEqual(['keys_create', 'keys_revoke']);
  });
});
