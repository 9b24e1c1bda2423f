/** The bundled example's events into its log: at first start all of them, later none. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Definitions } from '../definition/definition.ts';
import { validateEvent } from '../event/validate.ts';
import { ingestFile } from '../log/ingest-file.ts';
import type { Log } from '../log/log.ts';
import { showProgress } from './progress.ts';

/** Reads `data/<source>.jsonl.gz` of the example for each source that has one. */
export async function loadExample(log: Log, { sources }: Definitions, exampleDir: string): Promise<void> {
  for (const source of sources.values()) {
    const path = join(exampleDir, 'data', `${source.name}.jsonl.gz`);
    if (!existsSync(path)) continue;
    const progress = showProgress(`Loading ${source.name}`.padEnd(20));
    const { appended } = await ingestFile({
      log,
      source,
      path,
      validate: validateEvent,
      onProgress: (share, result) => progress.update(share, `${result.appended} events`),
    });
    progress.finish(appended === 0 ? 'loaded before' : `${appended} events`);
  }
}
