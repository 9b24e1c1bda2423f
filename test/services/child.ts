/** Server processes of tests. None outlives the worker that started it: the system kills them with their parent. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

export interface Child {
  readonly pid: number;
  /** What it has printed, the last 64 KiB. */
  output(): string;
  running(): boolean;
  signal(name: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL if that is not obeyed within `graceMs`. Resolves when it has ended. */
  stop(graceMs?: number): Promise<void>;
  kill(): Promise<void>;
}

const OUTPUT_CHARACTERS_MAX = 65_536;
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

export function startChild(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Child {
  // Linux alone can do this; elsewhere the `exit` handler must do.
  const [command, ...rest] = isInstalled('setpriv')
    ? ['setpriv', '--pdeathsig', 'KILL', program, ...args]
    : [program, ...args];
  const child = spawn(command, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  let output = '';
  const keep = (text: Buffer): void => {
    output = (output + text.toString()).slice(-OUTPUT_CHARACTERS_MAX);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = once(child, 'exit').then(() => void children.delete(child));
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid ?? 0,
    output: () => output,
    running,
    signal: (name) => void child.kill(name),
    async stop(graceMs = 10_000) {
      if (running()) child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(timer);
    },
    async kill() {
      if (running()) child.kill('SIGKILL');
      await ended;
    },
  };
}

/**
 * Below the ports that Linux gives to outgoing connections (32,768 and up): one of these would take a port again before its
 * server has it. Nodes of a Redis Cluster also listen 10,000 above.
 */
const PORT_FIRST = 12_000;
const PORT_COUNT = 10_000;
/** Each of the processes that run tests at once has a share of the ports. */
const WORKERS = 4;
const WORKER = Number(process.env['VITEST_POOL_ID'] ?? 0) % WORKERS;
/** Given to a server that may not listen yet, or may come back: to nobody else. */
const given = new Set<number>();

/** Free when asked; servers that take ports by number have no better way. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = PORT_FIRST + randomInt(PORT_COUNT / WORKERS) * WORKERS + WORKER;
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    ports.push(port);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  await once(server.close(), 'close');
  return true;
}

/** Asks again until `probe` does not throw; rejects with what it threw last. */
export async function until(what: string, probe: () => Promise<unknown>, limitMs = 60_000): Promise<void> {
  const deadlineMs = Date.now() + limitMs;
  for (;;) {
    try {
      await probe();
      return;
    } catch (cause) {
      if (Date.now() > deadlineMs) throw new Error(`${what}: not within ${limitMs} ms`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
