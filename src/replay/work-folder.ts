/**
 * What a run has done so far, in a folder beside its output that is named by a hash of all its inputs: run again, it goes on
 * from there, and a run with other inputs has a folder of its own. A file has its name when it is whole.
 */
import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, readdir, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { SkewlessError, messageOf } from '../core/errors.ts';

export interface WorkFolder {
  readonly path: string;
  /** Of a file or folder within. */
  at(...names: readonly string[]): string;
  makeFolder(...names: readonly string[]): Promise<string>;
  names(folder: string): Promise<readonly string[]>;
  /** Null: there is none yet. */
  read<T>(name: string): Promise<T | null>;
  /** `once`: rejects with `train_running` where the file is there already, for then another run does the same work. */
  write(name: string, json: unknown, once?: 'once'): Promise<void>;
  remove(): Promise<void>;
}

const HASH_LENGTH = 16;
const TEMPORARY = '.tmp';

/** `identity`: everything that decides what the run gives, and what it reads. */
export async function openWorkFolder(outPath: string, identity: unknown): Promise<WorkFolder> {
  const hash = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, HASH_LENGTH);
  const path = `${outPath}.work-${hash}`;
  const at = (...names: readonly string[]): string => join(path, ...names);
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw new SkewlessError('output_unwritable', `${path} cannot be made: ${messageOf(cause)}`, { cause });
  }
  return {
    path,
    at,
    async makeFolder(...names) {
      await mkdir(at(...names), { recursive: true });
      return at(...names);
    },
    names: async (folder) => (await readdir(at(folder))).filter((name) => !name.endsWith(TEMPORARY)).toSorted(),
    async read<T>(name: string) {
      try {
        return JSON.parse(await readFile(at(name), 'utf8')) as T;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    write: (name, json, once) => writeWhole(at(name), JSON.stringify(json), once === 'once'),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

/** Under its name when it is whole and durable. */
export async function writeWhole(path: string, text: string, once: boolean): Promise<void> {
  const temporary = `${path}.${randomUUID()}${TEMPORARY}`;
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (!once) return rename(temporary, path);
  try {
    await link(temporary, path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new SkewlessError('train_running', `${path}: another process makes the same training set`, { cause });
  } finally {
    await unlink(temporary);
  }
}

/** What was written, or of a folder what was renamed into it, is on the disk. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function unwritable(path: string, cause: unknown): SkewlessError {
  return new SkewlessError('output_unwritable', `${path} cannot be written: ${messageOf(cause)}`, { cause });
}
