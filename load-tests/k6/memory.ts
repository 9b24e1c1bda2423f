/** How the memory of the server grows. */
import http from 'k6/http';
import { Gauge } from 'k6/metrics';
import { run } from './plan.ts';

const growth = new Gauge('server_memory_growth');
/** When it was first asked for, by the one user that does. */
let firstBytes: number | null = null;

export function watchMemory(): void {
  const answer = http.get(`${run.controlUrl}/memory`, { tags: { name: 'control' } });
  const { bytes } = answer.json() as unknown as { readonly bytes: number };
  firstBytes ??= bytes;
  growth.add(bytes / firstBytes);
}
