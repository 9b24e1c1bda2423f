/** SIGTERM under load, of a real process: whatever was sent before a load balancer could know is answered whole, and nothing is reset. */
import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { encodePositionToken } from '../../src/serve/position-token.ts';
import { writeDefinitions } from './definitions.ts';
import { start, temporaryFolder } from './run.ts';

const ROWS = 50;
const REQUEST = { entities: Array.from({ length: ROWS }, () => ({ customer: 'a' })), as_of: '2024-01-01T00:30:00Z' };
/** Nobody will have applied that: the request waits for as long as it may. */
const NEVER = encodePositionToken(new Map([['orders', { 0: 1_000_000_000 }]]));

type Outcome =
  | { readonly kind: 'answered'; readonly status: number; readonly whole: boolean; readonly closes: boolean }
  /** Nobody listened any more. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'failed'; readonly error: string };

async function send(url: string, agent: Agent | false, more: object = {}): Promise<Outcome> {
  const body = JSON.stringify({ ...REQUEST, ...more });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const sent: ClientRequest = request(`${url}/v1/feature-services/scoring/vectors`, {
    method: 'POST',
    headers,
    ...(agent === false ? { agent: new Agent({ keepAlive: false }) } : { agent }),
  });
  sent.end(body);
  try {
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    let text = '';
    for await (const bytes of answer) text += String(bytes);
    const { vectors } = JSON.parse(text) as { vectors?: readonly unknown[] };
    return {
      kind: 'answered',
      status: answer.statusCode ?? 0,
      whole: answer.complete && vectors?.length === ROWS,
      closes: answer.headers.connection === 'close',
    };
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return code === 'ECONNREFUSED' ? { kind: 'refused' } : { kind: 'failed', error: `${code} ${message}` };
  }
}

async function readiness(url: string): Promise<string> {
  const answer = await fetch(`${url}/readyz`);
  const { code, status } = (await answer.json()) as { code?: string; status: string | number };
  return code ?? String(status);
}

test('draining: readiness first, whatever comes is answered and told to close, then connections are refused', async () => {
  const directory = temporaryFolder();
  const server = await start(['--definitions', writeDefinitions(directory), '--drain', '2s'], directory);
  await expect.poll(() => readiness(server.url), { timeout: 20_000 }).toBe('ready');
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  onTestFinished(() => agent.destroy());
  const sent: Promise<Outcome>[] = [];
  // Some on connections that are kept, some on a new one each.
  const load = setInterval(() => sent.push(send(server.url, agent), send(server.url, false)), 5);
  onTestFinished(() => clearInterval(load));
  await delay(500);
  const stopped = server.stop();
  await expect.poll(() => readiness(server.url)).toBe('draining');
  expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  // As long as it takes a load balancer to notice; then none comes any more, and some are still to be answered.
  await delay(500);
  clearInterval(load);
  const waiting = Array.from({ length: 10 }, () => send(server.url, false, { after: NEVER, budget_ms: 2_500 }));
  expect((await stopped).code).toBe(0);
  expect((await send(server.url, agent)).kind).toBe('refused');
  const outcomes = await Promise.all([...sent, ...waiting]);
  const answered = outcomes.filter((outcome) => outcome.kind === 'answered');
  expect(outcomes.filter(({ kind }) => kind !== 'answered')).toEqual([]);
  expect(answered.filter(({ status, whole }) => status !== 200 || !whole)).toEqual([]);
  expect(answered.filter(({ closes }) => closes).length).toBeGreaterThan(20);
});

test('Ctrl-C does not wait for load balancers', async () => {
  const directory = temporaryFolder();
  const server = await start(['--definitions', writeDefinitions(directory), '--drain', '5m'], directory);
  expect((await server.stop('SIGINT')).code).toBe(0);
});
