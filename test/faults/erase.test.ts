import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import type { LogRecord } from '../../src/event/event.ts';
import { run } from '../cli/run.ts';
import { describeWith } from '../services/available.ts';
import type { KafkaService } from '../services/kafka.ts';
import { recordsOf } from './accounting.ts';
import { eventually } from './ask.ts';
import { POISON, ROWS, SERVICE, definitionsOf } from './payments.ts';
import { replayCleanly } from './replay.ts';
import { useWorld } from './use-world.ts';
import type { Process, World } from './world.ts';

const CARD = 'card-0';
const MERCHANT = 'm3';

interface Payment {
  readonly id: string;
  readonly card: string;
  readonly merchant: string | null;
}

const isControl = ({ headers }: LogRecord): boolean => headers?.['skewless-erase'] !== undefined;

/** Payments that count, by reading the topic and nothing else: each id once, of those erased what came after. */
function countsOf(records: readonly (readonly LogRecord[])[]): { card: number; merchant: number; other: number } {
  const left = { card: new Set<string>(), merchant: new Set<string>(), other: new Set<string>() };
  for (const partition of records) {
    // The first control record is the card's, the second the merchant's.
    const [ofCard = 0, ofMerchant = 0] = partition.filter(isControl).map(({ offset }) => offset);
    expect(ofMerchant).toBeGreaterThan(ofCard);
    for (const record of partition) {
      if (isControl(record) || record.headers?.[POISON] !== undefined) continue;
      const { id, card, merchant } = JSON.parse(Buffer.from(record.value ?? []).toString()) as Payment;
      if (card === CARD && record.offset > ofCard) left.card.add(id);
      if (merchant === MERCHANT && record.offset > ofMerchant) left.merchant.add(id);
      if (card === 'card-1') left.other.add(id);
    }
  }
  return { card: left.card.size, merchant: left.merchant.size, other: left.other.size };
}

describeWith(['kafka', 'redis'], 'erasing under load', () => {
  let kafka: KafkaService;
  let world: World;
  useWorld((started) => ({ kafka, world } = started));

  async function erase(folder: string, key: string): Promise<string> {
    const [entity = ''] = key.split('=');
    const args = ['erase', '--definitions', folder, '--log', `kafka://${kafka.brokers.join(',')}`, '--yes', '--json'];
    const { code, stdout, stderr } = await run([...args, '--entity', entity, '--key', key]);
    expect([code, stderr]).toEqual([0, '']);
    return (JSON.parse(stdout) as { position: string }).position;
  }

  /** How many payments the server knows of the card, of another, and of the merchant, once `after` is applied. */
  async function served({ url }: Process, after: readonly string[]): Promise<(number | null)[]> {
    const response = await fetch(`${url}/v1/feature-services/${SERVICE}/vectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        entities: [
          { card: CARD, merchant: MERCHANT },
          { card: 'card-1', merchant: MERCHANT },
        ],
        features: ['ever', 'sales_24h'],
        as_of: world.nowMs,
        after,
        budget_ms: 30_000,
      }),
    });
    const { vectors } = (await response.json()) as { vectors: { values: (number | null)[] }[] };
    return vectors.flatMap(({ values }) => values);
  }

  test('an entity keyed as its records, and one gathered through an internal topic, lose what was before, and no more', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'skewless-erase-'));
    const text = definitionsOf(world.topic);
    writeFileSync(join(folder, 'payments.yaml'), text);
    const server = await world.start('serve');
    const materializer = await world.start('materialize');
    await world.produce(1_500);
    await world.caughtUp();
    const before = await served(server, []);
    const producing = world.produce(1_500);
    const positions = [await erase(folder, `card=${CARD}`)];
    // The owner of what is being erased dies before it has applied all of it.
    await materializer.kill();
    positions.push(await erase(folder, `merchant=${MERCHANT}`));
    await producing;
    await world.start('materialize');
    await world.produce(600);
    await world.caughtUp();
    await eventually('the server is ready', async () => ((await fetch(`${server.url}/readyz`)).ok ? true : null));

    const records = await recordsOf(world.log, world.topic);
    const { card, merchant, other } = countsOf(records);
    const [ever, sales, others] = await served(server, positions);
    expect({ card: ever, merchant: sales, other: others }).toEqual({ card, merchant, other });
    expect(sales).toBeLessThan(before[1] as number);
    const loaded = loadDefinitions([{ path: 'payments.yaml', text }], AGGREGATIONS);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const replay = await replayCleanly(loaded.definitions, world.topic, records, world.nowMs);
    expect(ROWS.length).toBeGreaterThan(0);
    expect(await world.ask(server.url)).toEqual(replay.answers);
  });
});
