/** Reads the YAML files of a definitions folder; the compiler itself does no I/O. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AGGREGATIONS } from '../aggregate/table.ts';
import { SkewlessError, messageOf } from '../core/errors.ts';
import type { AggregationCatalog, Definitions } from '../definition/definition.ts';
import { type LoadResult, loadDefinitions } from '../definition/load.ts';
import type { DefinitionFile } from '../definition/parse.ts';
import { formatProblem } from '../definition/problem.ts';

const YAML_FILE = /\.ya?ml$/;
/** More files than this in one folder is a wrong folder. */
const FILES_MAX = 1_000;

/** Loads every `.yaml` and `.yml` file below `directory`, in name order. Throws `definitions_unreadable`. */
export function loadDefinitionsFrom(directory: string, catalog: AggregationCatalog): LoadResult {
  return loadDefinitions(readDefinitionFiles(directory), catalog);
}

/** For commands that need them sound: null where they are not, and then every problem was told on stderr. */
export function loadOrTell(directory: string): Definitions | null {
  return compileOrTell(readDefinitionFiles(directory));
}

/** The same, of files that were read. */
export function compileOrTell(files: readonly DefinitionFile[]): Definitions | null {
  const loaded = loadDefinitions(files, AGGREGATIONS);
  if (loaded.ok) return loaded.definitions;
  process.stderr.write(`${loaded.problems.map(formatProblem).join('\n')}\n`);
  return null;
}

/** In name order. Throws `definitions_unreadable`. */
export function readDefinitionFiles(directory: string): readonly DefinitionFile[] {
  let names: string[];
  try {
    names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => YAML_FILE.test(name));
  } catch (cause) {
    throw new SkewlessError('definitions_unreadable', `cannot read definitions: ${messageOf(cause)}`, { cause });
  }
  if (names.length === 0) throw new SkewlessError('definitions_unreadable', `no .yaml file in ${directory}`);
  if (names.length > FILES_MAX) {
    throw new SkewlessError(
      'definitions_unreadable',
      `${directory} holds ${names.length} YAML files, at most ${FILES_MAX} are read`,
    );
  }
  return names
    .toSorted()
    .map((name) => ({ path: join(directory, name), text: readFileSync(join(directory, name), 'utf8') }));
}
