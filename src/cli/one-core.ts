/** What a process with one core to itself does otherwise (docs/adr/0018). */
import { availableParallelism } from 'node:os';

/** V8 takes it at its start alone, and not from NODE_OPTIONS. */
const ONE_THREAD = '--single-threaded-gc';

/**
 * Becomes the same program, with the same process id, in which no helper threads of the garbage collector take the only core from
 * the thread that serves. Returns where that is so already, and where there are more cores.
 */
export function keepGarbageToOneThread(): void {
  if (availableParallelism() > 1 || process.execArgv.includes(ONE_THREAD) || process.platform === 'win32') return;
  const args = [process.execPath, ...process.execArgv, ONE_THREAD, ...process.argv.slice(1)];
  process.execve?.(process.execPath, args);
}
