/** `skewless start` as a benchmark runs it: the real program, through its public flags, on a port that the system picks. */
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { type Child, startChild } from '../test/services/child.ts';

const MAIN = join(import.meta.dirname, '../src/main.ts');
const START_MS = 60_000;

export interface Program {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface ProgramOptions {
  readonly brokers: readonly string[];
  readonly redisUrl: string;
  readonly role: 'materialize' | 'serve';
  readonly definitions: string;
  readonly namespace: string;
  /** More flags of `start`. */
  readonly flags?: readonly string[];
  /** What is put before the program, such as `taskset -c 1`. */
  readonly under?: readonly string[];
}

/** Resolves once it listens. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const { brokers, redisUrl, role, definitions, namespace, flags = [], under = [] } = options;
  const args = [MAIN, 'start', '--role', role, '--port', '0', '--definitions', definitions, '--log-level', 'warn'];
  args.push('--log', `kafka://${brokers.join(',')}`, '--store', redisUrl, '--namespace', namespace, ...flags);
  const [command, ...rest] = [...under, process.execPath, ...args] as [string, ...string[]];
  const child = startChild(command, rest);
  const url = await listening(role, child);
  return { url, pid: child.pid, stop: () => child.stop() };
}

export async function listening(role: string, child: Child): Promise<string> {
  for (const deadlineMs = performance.now() + START_MS; performance.now() < deadlineMs; await delay(50)) {
    const url = /listens on (\S+)/.exec(child.output())?.[1];
    if (url !== undefined) return url;
    if (!child.running()) break;
  }
  await child.kill();
  throw new Error(`${role} did not start: ${child.output()}`);
}

/** Whether `start` of this version knows a flag. */
export async function knowsFlag(flag: string): Promise<boolean> {
  const child = startChild(process.execPath, [MAIN, 'start', '--help']);
  while (child.running()) await delay(50);
  return new RegExp(`^\\s+${flag}\\b`, 'm').test(child.output());
}
