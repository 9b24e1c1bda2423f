/** The running program, fed report by report and asked over REST as time goes on, as an inference service would ask it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Flight } from './flights.ts';
import { DEFINITIONS, PROGRAM } from './program.ts';
import type { Row } from './linear.ts';
import { toNumber } from './numbers.ts';
import { type Report, SOURCES } from './reports.ts';

const SERVICE = 'departure_delay';
/** Of a request that ingests. */
const EVENTS_MAX = 1_000;

export interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

/** On the log in `folder`; resolves when all that is there has been folded. */
export async function startServer(folder: string): Promise<Server> {
  const args = [PROGRAM, 'start', '--definitions', DEFINITIONS, '--port', '0', '--log-level', 'error'];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  for (;;) {
    const url = /listens on (\S+)/.exec(output)?.[1];
    if (url !== undefined && (await fetch(`${url}/readyz`)).status === 200) {
      return {
        url,
        async stop() {
          child.kill();
          await ended;
        },
      };
    }
    if (child.exitCode !== null) throw new Error(`skewless start has ended: ${output}`);
    await delay(100);
  }
}

/**
 * Each flight's values at its time, in the order of the flights: what was reported by then is sent first, and nothing else.
 * `reports`, in the order in which they came: those that the server does not have yet.
 */
export async function serveFlights(
  { url }: Server,
  flights: readonly Flight[],
  reports: readonly Report[],
  features: readonly string[],
): Promise<readonly Row[]> {
  const served = new Map<Flight, Row>();
  const byTime = [...Map.groupBy(flights, ({ asOfMs }) => asOfMs)].toSorted(([one], [other]) => one - other);
  let sent = 0;
  for (const [asOfMs, together] of byTime) {
    const until = reports.findIndex(({ reportedMs }, index) => index >= sent && reportedMs > asOfMs);
    const end = until < 0 ? reports.length : until;
    const positions = await send(url, reports.slice(sent, end));
    sent = end;
    const answer = await post(`${url}/v1/feature-services/${SERVICE}/vectors`, {
      entities: together.map(({ request }) => request),
      as_of: asOfMs,
      features,
      ...(positions.length > 0 && { after: positions }),
    });
    const { vectors } = answer as { readonly vectors: readonly { readonly values: readonly unknown[] }[] };
    for (const [index, flight] of together.entries()) {
      served.set(flight, (vectors[index]?.values ?? []).map(toNumber));
    }
  }
  return flights.map((flight) => served.get(flight) ?? []);
}

/** Answers how far the log must be read to have seen them. */
async function send(url: string, reports: readonly Report[]): Promise<readonly string[]> {
  const positions: string[] = [];
  for (const source of SOURCES) {
    const events = reports.filter((report) => report.source === source).map(({ event }) => event);
    for (let at = 0; at < events.length; at += EVENTS_MAX) {
      const answer = await post(`${url}/v1/sources/${source}/events`, { events: events.slice(at, at + EVENTS_MAX) });
      positions.push((answer as { readonly position: string }).position);
    }
  }
  return positions;
}

async function post(url: string, body: unknown): Promise<unknown> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${url} answers ${answer.status}: ${text}`);
  return JSON.parse(text);
}
