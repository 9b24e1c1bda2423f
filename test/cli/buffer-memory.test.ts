import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const MODULE = join(import.meta.dirname, '../../src/cli/buffer-memory.ts');

/** How often the whole heap is looked through while 2 GB of buffers are made and dropped, beside a heap that stays. */
function majorCollections(beforehand: string): number {
  const script = `
    import { PerformanceObserver } from 'node:perf_hooks';
    import { setImmediate as turn } from 'node:timers/promises';
    import { countBuffersAsHeap } from ${JSON.stringify(MODULE)};
    const kept = Array.from({ length: 300_000 }, (_none, index) => ({ index }));
    let major = 0;
    new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries()) if (detail.kind === 4) major++;
    }).observe({ entryTypes: ['gc'] });
    ${beforehand}
    for (let made = 0; made < 50_000; made++) {
      Buffer.alloc(40_000);
      if (made % 100 === 0) await turn();
    }
    await turn();
    process.stdout.write(JSON.stringify({ major, kept: kept.length }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as { major: number }).major;
}

test('buffers that come and go do not have the whole heap looked through each time', () => {
  const before = majorCollections('');
  const after = majorCollections('countBuffersAsHeap();');
  expect(before).toBeGreaterThan(5);
  expect(after).toBeLessThan(before / 2);
});
