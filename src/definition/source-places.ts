/** Where definitions say what of a source: for what is found out about it only after they were read. */
import { formatPath, type Path } from './problem.ts';
import { type DefinitionFile, parseFile } from './parse.ts';
import { isMapping } from './cursor.ts';

export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
}

/** `at` leads from the source's definition on: `['fields', 'amount']`. Null: no file declares the source. */
export type SourcePlaces = (source: string, at: Path) => SourcePlace | null;

export function compileSourcePlaces(files: readonly DefinitionFile[]): SourcePlaces {
  const parsed = files.map(parseFile);
  return (source, at) => {
    for (const file of parsed) {
      const sources = isMapping(file.value) ? file.value['sources'] : undefined;
      if (!Array.isArray(sources)) continue;
      const index = sources.findIndex((each: unknown) => isMapping(each) && each['name'] === source);
      if (index < 0) continue;
      const path = ['sources', index, ...at];
      return { file: file.path, ...file.locate(path, 'key'), path: formatPath(path) };
    }
    return null;
  };
}
