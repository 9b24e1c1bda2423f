/** Reads and changes the file of keys for commands: one at a time, the old file or the new one, never half of either. */
import { type FileHandle, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { Document, isSeq, parseDocument } from 'yaml';
import { SkewlessError, messageOf } from '../core/errors.ts';
import { parseKeyFile } from '../serve/access/key-file.ts';
import type { ApiKey } from '../serve/access/key-ring.ts';

const HEADER =
  ' Keys of callers, by their SHA-256: skewless keys create, list and revoke keep it, and a server reads it again\n when it changes. Name, scopes, expires and rate may be edited by hand.';
/** Whoever may read it learns no key, but is told whose keys there are. */
const MODE = 0o600;

/** Throws `key_file` with every problem. */
export async function readKeyFile(file: string): Promise<readonly ApiKey[]> {
  const text = await readText(file);
  if (text === null) throw new SkewlessError('key_file', `there is no file ${file}; skewless keys create makes it`);
  return keysOf(file, text);
}

/** Comments and order of the file are kept. Only `create` makes a file that is not there. */
export async function editKeyFile(
  file: string,
  purpose: 'create' | 'revoke',
  edit: (keys: readonly ApiKey[], document: Document) => void,
): Promise<void> {
  // Through a link: it should lead to the new file, too.
  const target = await realpath(file).catch(() => file);
  const next = `${target}.new`;
  const handle = await openAlone(next);
  try {
    const text = await readText(target);
    if (text === null && purpose === 'revoke') throw new SkewlessError('key_file', `there is no file ${file}`);
    const keys = text === null ? [] : keysOf(file, text);
    const document = text === null ? newDocument() : parseDocument(text);
    edit(keys, document);
    const list = document.getIn(['keys']);
    if (isSeq(list) && list.items.length > 0) list.flow = false;
    const changed = document.toString({ lineWidth: 0 });
    keysOf(file, changed);
    if (text !== null) await takeOver(target, handle);
    await handle.writeFile(changed);
    await handle.sync();
    await rename(next, target);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** The new file is the lock as well: who makes it may write. */
async function openAlone(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx', MODE);
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EEXIST';
    const message = taken
      ? `another skewless keys is changing the file; if none is, one was cut off: remove ${file}`
      : `the file of keys cannot be written: ${messageOf(error)}`;
    throw new SkewlessError('key_file', message, { cause: error });
  }
}

/** A server that could read the file before can read it after. The owner is for the system's administrator to give. */
async function takeOver(file: string, handle: FileHandle): Promise<void> {
  const { mode, uid, gid } = await stat(file);
  await handle.chmod(mode & 0o777);
  await handle.chown(uid, gid).catch(() => undefined);
}

function newDocument(): Document {
  const document = new Document({ keys: [] });
  document.commentBefore = HEADER;
  return document;
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new SkewlessError('key_file', `the file of keys cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function keysOf(file: string, text: string): readonly ApiKey[] {
  const parsed = parseKeyFile(file, text);
  if (!parsed.ok) throw new SkewlessError('key_file', parsed.problems.join('\n'));
  return parsed.keys;
}
