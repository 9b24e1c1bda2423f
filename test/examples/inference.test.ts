import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createKeyRing } from '../../src/serve/access/key-ring.ts';
import { keyWith } from '../serve/access/fixture.ts';
import { startFlights } from '../serve/flights.ts';
import { describeWith } from '../services/available.ts';
import { checkTypescript, committedPython, generateClients, score } from './inference.ts';

/** A server that asks for a key, behind one that fails the first `failures` requests, or answers none at all. */
async function startServer(failures: number): Promise<{ url: string; key: string; asked: () => number }> {
  const key = keyWith(['read:departure_delay']);
  const { app } = await startFlights({ keys: { ring: createKeyRing([key.key]) } });
  let asked = 0;
  const front = createServer((request, response) => {
    asked++;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (failures === Infinity) return;
      if (asked <= failures) {
        response.writeHead(503, { 'retry-after': '0', 'content-type': 'application/json' }).end('{}');
        return;
      }
      const headers = { 'content-type': 'application/json', authorization: request.headers.authorization ?? '' };
      void app
        .inject({ method: 'POST', url: request.url ?? '', headers, payload: Buffer.concat(chunks) })
        .then((answer) =>
          response.writeHead(answer.statusCode, { 'content-type': 'application/json' }).end(answer.body),
        );
    });
  });
  front.listen(0, '127.0.0.1');
  await new Promise((resolve) => front.once('listening', resolve));
  onTestFinished(() => {
    front.closeAllConnections();
    front.close();
  });
  return { url: `http://127.0.0.1:${(front.address() as AddressInfo).port}`, key: key.text, asked: () => asked };
}

describeWith(['inference'], 'the clients of examples/inference', () => {
  test('generated ones are what the document gives (npm run clients writes them)', async () => {
    const generated = generateClients();
    for (const [path, text] of generated) await expect(text).toMatchFileSnapshot(path);
    expect(committedPython().filter((path) => !generated.has(path))).toEqual([]);
  });

  test('the example in TypeScript is sound', () => {
    expect(checkTypescript()).toBe('');
  });

  describe.each(['typescript', 'python'] as const)('%s', (language) => {
    test('reads a matrix, through a server that fails at first', async () => {
      const { url, key, asked } = await startServer(2);
      const { code, output, errors } = await score(language, url, 20_000, key);
      expect([code, errors]).toEqual([0, '']);
      expect(asked()).toBe(3);
      expect(JSON.parse(output)).toEqual({
        names: ['departures_24h', 'delay_mean_24h', 'evening_rush'],
        rows: 2,
        matrix: [1, 30, 1, null, null, 1],
      });
    });

    test('gives up in time on a server that does not answer, and says what a refusal says', async () => {
      const hanging = await startServer(Infinity);
      const late = await score(language, hanging.url, 300, hanging.key);
      expect([late.code, late.errors]).toEqual([1, expect.stringMatching(/time/i)]);
      const { url } = await startServer(0);
      const refused = await score(language, url, 20_000, 'wrong');
      expect([refused.code, refused.errors]).toEqual([1, expect.stringContaining('invalid_key')]);
    });
  });
});
