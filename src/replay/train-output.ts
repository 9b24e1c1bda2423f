/** A training set gets its name: what stands beside a manifest is whole, and what the manifest speaks of. */
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { contentHash } from '../core/content-hash.ts';
import { type Manifest, manifestPath } from './manifest.ts';
import { type OutputContext, columnsOfOutput, writeOutput } from './output.ts';
import { type WorkFolder, sync, writeWhole } from './work-folder.ts';

/** What is known once the file is written. */
type Written = Pick<Manifest, 'rows' | 'sha256' | 'columns' | 'statuses'>;

/** An old output goes first and the new one comes last. */
export async function writeTrainingSet(
  context: OutputContext & { readonly folder: WorkFolder; readonly outPath: string },
  manifestOf: (written: Written) => Manifest,
): Promise<Manifest> {
  const { duck, plan, labels, vectors, folder, outPath } = context;
  const written = folder.at('output.parquet');
  await writeOutput(context, written);
  const columns = await columnsOfOutput(duck, written, plan, labels);
  const { rows, statuses } = vectors;
  const manifest = manifestOf({ rows, sha256: await contentHash(written), columns, statuses });
  await rm(outPath, { force: true });
  await writeWhole(manifestPath(outPath), `${JSON.stringify(manifest, null, 2)}\n`, false);
  await rename(written, outPath);
  await sync(dirname(outPath));
  return manifest;
}
