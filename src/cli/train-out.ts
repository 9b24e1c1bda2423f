/** Where `skewless train` writes: its output replaces what is there, so it must be neither a folder nor what the run reads. */
import { realpathSync, statSync } from 'node:fs';
import { UsageError } from '../flag-values.ts';
import { manifestPath } from '../replay/manifest.ts';

/** `inputs`: path of each file that is read → the flag that names it. Throws `UsageError`. */
export function checkOut(outPath: string, inputs: ReadonlyMap<string, string>): void {
  const read = new Map([...inputs].map(([path, flag]) => [realPath(path), flag]));
  for (const path of [outPath, manifestPath(outPath)]) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
      throw new UsageError(`${path} is a folder; --out names the Parquet file to write, such as train.parquet`);
    }
    const real = realPath(path);
    const flag = real === null ? undefined : read.get(real);
    if (flag === undefined) continue;
    throw new UsageError(`${path} is a file that ${flag} names, and would be replaced; give --out another name`);
  }
}

/** Links followed; null: there is no such file. */
function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
