/** CPU time of a server, by Linux's /proc: that of its threads, and of processes that it started, such as workers. */
import { readFileSync, readdirSync } from 'node:fs';

/** What the kernel counts CPU time in: USER_HZ, a hundred on every Linux. */
const TICKS_PER_SECOND = 100;
/** Places in what follows the program's name in /proc/<pid>/stat. */
const USER_PLACE = 11;
const SYSTEM_PLACE = 12;

/** User and system time, seconds. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const own = (Number(fields[USER_PLACE]) + Number(fields[SYSTEM_PLACE])) / TICKS_PER_SECOND;
  return childrenOf(pid).reduce((sum, child) => sum + cpuSeconds(child), own);
}

function childrenOf(pid: number): readonly number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}
