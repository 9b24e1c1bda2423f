/** Feast's own SDK, from PyPI, against a server that asks for keys: nothing of its calls is changed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyRing } from '../../../src/serve/access/key-ring.ts';
import { expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../../services/available.ts';
import { FEAST, installPython } from '../../services/python.ts';
import { keyWith } from '../access/fixture.ts';
import { startAirport } from '../vectors/fixture.ts';
import { DEFINITIONS, FEAST_EVENTS } from './fixture.ts';

const SCRIPT = join(import.meta.dirname, 'sdk.py');
const LIMIT_MS = 100_000;

/** What the script saw, of a server at `url`; `auth` as `feature_store.yaml` takes it. */
async function seenBySdk(url: string, auth: object): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-feast-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const settings = {
    project: 'airport',
    registry: 'registry.db',
    provider: 'local',
    online_store: { type: 'remote', path: url },
    entity_key_serialization_version: 3,
    auth,
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'feature_store.yaml'), JSON.stringify(settings));
  const python = join(
    installPython(FEAST, () => undefined),
    'python',
  );
  const child = spawn(python, [SCRIPT], { cwd: folder, timeout: LIMIT_MS });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error(`the script has failed:\n${errors}`);
  return JSON.parse(output) as Record<string, unknown>;
}

describeWith(['feast'], "Feast's SDK with a remote online store", () => {
  test('reads features and services, raises our refusals again, and pushes, with a bearer token', async () => {
    const key = keyWith(['read:departure_delay', 'ingest:departures']);
    const keys = { ring: createKeyRing([key.key]) };
    const { app } = await startAirport({ definitions: DEFINITIONS, events: FEAST_EVENTS, keys });
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    const seen = await seenBySdk(`http://127.0.0.1:${port}`, { type: 'oidc', token: key.text });
    const recent = [
      [
        { carrier: 'B6', delay: 10 },
        { carrier: null, delay: 30 },
      ],
      [{ carrier: null, delay: null }],
      null,
    ];
    const [present, nullValue, notFound] = [1, 2, 3];
    const refusal = (name: string, message: string) => [
      'feast.errors',
      name,
      expect.stringContaining(message) as string,
    ];
    expect(seen).toEqual({
      listed: {
        origin: ['JFK', 'LGA', 'nowhere'],
        departures_24h: [2, 1, null],
        delay_mean_24h: [20, null, null],
        recent_24h: recent,
        wind_24h: [0, 0, 0],
      },
      statuses: {
        origin: [present, present, present],
        departures_24h: [present, present, notFound],
        delay_mean_24h: [present, nullValue, notFound],
        recent_24h: [present, present, notFound],
        wind_24h: [notFound, notFound, notFound],
      },
      kinds: [
        ['string_val', 'string_val', 'string_val'],
        ['int64_val', 'int64_val', null],
        ['double_val', null, null],
        ['map_list_val', 'map_list_val', null],
        ['double_val', 'double_val', 'double_val'],
      ],
      full: { origin: ['JFK'], delays__departures_24h: [2] },
      service: {
        origin: ['JFK'],
        scheduled_hour: [17],
        departures_1h: [1],
        departures_24h: [2],
        delay_mean_1h: [10],
        delay_mean_24h: [20],
        recent_24h: recent.slice(0, 1),
        since_24h: [600_000],
        wind_24h: [0],
        delay_ratio: [0.5],
        rough: [false],
      },
      data_frame: ['origin', 'departures_24h', 'delay_mean_24h', 'recent_24h', 'wind_24h'],
      unknown_service: refusal('FeatureServiceNotFoundException', 'did you mean departure_delay?'),
      unknown_view: refusal('FeatureViewNotFoundException', 'did you mean delays?'),
      unknown_feature: refusal('SpecifiedFeaturesNotPresentError', 'did you mean delays:departures_24h?'),
      forbidden: refusal('FeatureViewNotFoundException', 'there is no feature view "secrets"'),
      invalid: [
        'builtins',
        'RuntimeError',
        expect.stringContaining('the entity key origin: expected string') as string,
      ],
      refused_push: ['builtins', 'RuntimeError', expect.stringContaining('row 1: origin') as string],
      // Of the two that were pushed, the one at the watermark itself is not yet before it.
      pushed: { origin: ['JFK'], departures_24h: [3], recent_24h: [[{ carrier: 'B6', delay: 12 }, recent[0]?.[0]]] },
    });
  });
});
