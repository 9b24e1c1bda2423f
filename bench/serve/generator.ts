/**
 * The load: wrk, one thread, not on the server's core. It reports latencies to the microsecond, which autocannon rounds to
 * milliseconds, and takes 1 µs of its own for a request, where autocannon takes 8 (what the kernel takes is some 10 for both).
 *
 * It is a closed loop: each connection asks again once it is answered, so a server that stalls is asked less. wrk makes up for
 * that in its percentiles: a latency beyond twice the mean interval of a connection also counts for the requests that were not
 * sent meanwhile (stats_correct of wrk 4.1). Rates are as counted.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { isInstalled } from '../../test/services/child.ts';
import { percentile } from '../ingest/percentile.ts';
import { ON_REST_CORE } from './cores.ts';
import { cpuSeconds } from './cpu.ts';

const SCRIPT = join(import.meta.dirname, 'wrk.lua');
/** Enough to keep the server busy, also while it waits for Redis. */
export const CONNECTIONS = 16;
/** Headers differ, and a constant answer is of median length. */
const ALIKE = 0.75;
/** Beyond it a request has failed. */
const TIMEOUT = '10s';

/** A process that listens. */
export interface Server {
  readonly url: string;
  readonly pid: number;
}

/** One contestant: whose server it is, where that is asked, and for what (a file, one body a line, sent in turn). */
export interface Contestant {
  readonly server: Server;
  readonly url: string;
  readonly bodiesFile: string;
}

export interface LoadFigures {
  readonly requests_per_second: number;
  /** Of the server's CPU time: what others do on the machine shows less in it. */
  readonly requests_per_cpu_second: number;
  /** Of its core, how much the server had. Much less than 1: somebody else had it, or the load was the limit. */
  readonly cpu_share: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
  /** Of an answer with its headers. */
  readonly bytes_per_answer: number;
}

interface Printed {
  readonly requests: number;
  readonly duration_us: number;
  readonly bytes: number;
  readonly failed: number;
  readonly p50_us: number;
  readonly p99_us: number;
  readonly max_us: number;
}

/** What is missing to run the benchmark here, or null. */
export function whyNoLoad(): string | null {
  if (!isInstalled('wrk')) return 'there is no wrk to make the load (Debian: wrk)';
  if (!isInstalled('taskset')) return 'there is no taskset to give the server a core (Debian: util-linux)';
  if (availableParallelism() < 2) return 'there is one core; the server and the load each need one';
  return null;
}

/** Throws when any request failed. */
export async function load({ server, url, bodiesFile }: Contestant, seconds: number): Promise<LoadFigures> {
  const args = ['-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`, '--timeout', TIMEOUT, '-s', SCRIPT];
  const [taskset = '', ...pin] = ON_REST_CORE;
  const cpuBefore = cpuSeconds(server.pid);
  const child = spawn(taskset, [...pin, 'wrk', ...args, url, '--', bodiesFile], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
  await once(child, 'close');
  const cpu = cpuSeconds(server.pid) - cpuBefore;
  const printed = /^FIGURES (.*)$/m.exec(output)?.[1];
  if (printed === undefined) throw new Error(`wrk on ${url}: ${output}`);
  const { requests, duration_us, bytes, failed, p50_us, p99_us, max_us } = JSON.parse(printed) as Printed;
  if (failed > 0 || requests === 0) throw new Error(`${url}: ${failed} requests failed, ${requests} were answered`);
  return {
    requests_per_second: requests / (duration_us / 1e6),
    requests_per_cpu_second: requests / cpu,
    cpu_share: cpu / (duration_us / 1e6),
    p50_ms: p50_us / 1e3,
    p99_ms: p99_us / 1e3,
    max_ms: max_us / 1e3,
    bytes_per_answer: bytes / requests,
  };
}

/** Of each figure the median. */
export function medianOf(runs: readonly LoadFigures[]): LoadFigures {
  const median = (pick: (run: LoadFigures) => number): number => percentile(runs.map(pick), 0.5);
  return {
    requests_per_second: median((run) => run.requests_per_second),
    requests_per_cpu_second: median((run) => run.requests_per_cpu_second),
    cpu_share: median((run) => run.cpu_share),
    p50_ms: median((run) => run.p50_ms),
    p99_ms: median((run) => run.p99_ms),
    max_ms: median((run) => run.max_ms),
    bytes_per_answer: median((run) => run.bytes_per_answer),
  };
}

/** Answers of two contestants are of a size, or something was withheld in one. */
export function assertAlike(what: string, one: LoadFigures, other: LoadFigures): void {
  const ratio = one.bytes_per_answer / other.bytes_per_answer;
  if (ratio > ALIKE && ratio < 1 / ALIKE) return;
  throw new Error(`${what}: answers of ${one.bytes_per_answer} bytes beside ${other.bytes_per_answer}`);
}
