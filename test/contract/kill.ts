/** A child process that works until it is killed with SIGKILL, and what it had said by then. */
import { spawn } from 'node:child_process';

export interface Killed {
  /** Whole lines that the child wrote to standard output. */
  readonly lines: readonly string[];
}

/** Starts `script` on plain Node; kills it `delayMs` after its line number `line` (from 1). Rejects if it ends by itself. */
export async function runAndKill(
  script: string,
  args: readonly string[],
  line: number,
  delayMs: number,
): Promise<Killed> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let errors = '';
  let dying = false;
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (dying || said.split('\n').length <= line) return;
    dying = true;
    setTimeout(() => child.kill('SIGKILL'), delayMs);
  });
  return new Promise((resolve, reject) => {
    child.once('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve({ lines: said.split('\n').slice(0, -1) });
      else reject(new Error(`the child ended by itself with ${code}: ${errors}`));
    });
  });
}
