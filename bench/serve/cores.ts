/**
 * The server that is measured has a core for itself; the load generator, Kafka, Redis and the materializer share another. What
 * the benchmark starts inherits its own core, so it moves there first.
 */
import { spawnSync } from 'node:child_process';

const REST_CORE = '0';
const SERVER_CORE = '1';

export const ON_SERVER_CORE: readonly string[] = ['taskset', '-c', SERVER_CORE];
export const ON_REST_CORE: readonly string[] = ['taskset', '-c', REST_CORE];

/** All threads of a process. */
export function moveToRestCore(pid: number): void {
  move(pid, REST_CORE);
}

/** For what needs more than is left of one. */
export function moveToBothCores(pid: number): void {
  move(pid, `${REST_CORE},${SERVER_CORE}`);
}

function move(pid: number, cores: string): void {
  const { status, stderr } = spawnSync('taskset', ['-a', '-c', '-p', cores, String(pid)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`taskset -p ${cores}: ${stderr}`);
}
