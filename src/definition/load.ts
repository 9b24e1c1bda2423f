/**
 * Definition files → definitions that are checked, compiled, fingerprinted and frozen; or every problem of every
 * file at once. Never throws on what a user wrote.
 */
import { assert } from '../core/assert.ts';
import { child, items, report, rootOf, textAt } from './cursor.ts';
import type { Cursor, ReadFile } from './cursor.ts';
import { checkReplacement } from './deprecation.ts';
import type { AggregationCatalog, Definitions } from './definition.ts';
import { readEntity } from './entity.ts';
import { freezeDeep } from './freeze.ts';
import { describePlace, parseFile } from './parse.ts';
import type { DefinitionFile } from './parse.ts';
import { sortProblems } from './problem.ts';
import type { DefinitionProblem } from './problem.ts';
import { readService } from './service.ts';
import { readSource } from './source.ts';
import { checkStructure } from './structure.ts';
import { readView } from './view.ts';

export type LoadResult =
  | { readonly ok: true; readonly definitions: Definitions }
  | { readonly ok: false; readonly problems: readonly DefinitionProblem[] };

export function loadDefinitions(files: readonly DefinitionFile[], catalog: AggregationCatalog): LoadResult {
  const read = files.map(readFile);
  const complete = read.every((file) => file.parsed.value !== undefined);
  const roots = read.map(rootOf);
  const sources = readNamed(itemsOf(roots, 'sources'), 'source', readSource);
  const entities = readNamed(itemsOf(roots, 'entities'), 'entity', readEntity);
  const views = readVersioned(itemsOf(roots, 'views'), 'view', (at) =>
    readView(at, { sources, entities, catalog, complete }),
  );
  const services = readVersioned(itemsOf(roots, 'services'), 'service', (at) => readService(at, { views, complete }));
  if (complete) {
    checkReplacements(views.values(), 'view');
    checkReplacements(services.values(), 'service');
  }
  const problems = read.flatMap((file) => file.problems);
  if (problems.length > 0) {
    return {
      ok: false,
      problems: sortProblems(
        problems,
        files.map((file) => file.path),
      ),
    };
  }
  return {
    ok: true,
    definitions: freezeDeep({
      sources: definitionsOf(sources),
      entities: definitionsOf(entities),
      views: definitionsOf(views),
      services: definitionsOf(services),
    }),
  };
}

function readFile(file: DefinitionFile): ReadFile {
  const parsed = parseFile(file);
  const structure = checkStructure(parsed);
  return { parsed, broken: structure.broken, problems: [...parsed.problems, ...structure.problems] };
}

function itemsOf(roots: readonly Cursor[], section: string): readonly Cursor[] {
  return roots.flatMap((root) => items(child(root, section)));
}

/** By name; a second one of a name is checked as well, but the first stays. */
function readNamed<T>(
  cursors: readonly Cursor[],
  kind: string,
  readOne: (cursor: Cursor) => T,
): ReadonlyMap<string, T> {
  const byName = new Map<string, T>();
  const places = new Map<string, Cursor>();
  for (const cursor of cursors) {
    const result = readOne(cursor);
    const name = textAt(cursor, 'name');
    if (name !== null && claim(cursor, places, name, `${kind === 'entity' ? 'an' : 'a'} ${kind} named ${name}`))
      byName.set(name, result);
  }
  return byName;
}

function readVersioned<T extends { readonly name: string; readonly version: number }>(
  cursors: readonly Cursor[],
  kind: string,
  readOne: (cursor: Cursor) => T,
): ReadonlyMap<string, T> {
  const byId = new Map<string, T>();
  const places = new Map<string, Cursor>();
  for (const cursor of cursors) {
    const result = readOne(cursor);
    if (result.name === '') continue;
    const id = `${result.name}@${result.version}`;
    if (claim(cursor, places, id, `version ${result.version} of ${kind} ${result.name}`)) byId.set(id, result);
  }
  return byId;
}

function checkReplacements(
  drafts: Iterable<{ readonly cursor: Cursor; readonly name: string; readonly version: number }>,
  kind: string,
): void {
  const all = [...drafts];
  const known = all.flatMap(({ name, version }) => [name, `${name}@${version}`]);
  for (const { cursor, name, version } of all) {
    checkReplacement(cursor, kind, [`${name}@${version}`, ...(isOnly(name) ? [name] : [])], known);
  }
  function isOnly(name: string): boolean {
    return all.filter((other) => other.name === name).length === 1;
  }
}

function claim(cursor: Cursor, places: Map<string, Cursor>, name: string, what: string): boolean {
  const earlier = places.get(name);
  if (earlier === undefined) {
    places.set(name, cursor);
    return true;
  }
  const found = describePlace(earlier.file.parsed, [...earlier.path, 'name']);
  report(child(cursor, 'name') ?? cursor, 'duplicate_name', `there is ${what} already`, {
    found,
    suggestion: name.includes('@') ? 'another version' : 'another name',
  });
  return false;
}

/** Every draft has its definition when nothing was reported. */
function definitionsOf<T>(drafts: ReadonlyMap<string, { readonly definition: T | null }>): ReadonlyMap<string, T> {
  const definitions = new Map<string, T>();
  for (const [name, { definition }] of drafts) {
    assert(definition !== null, `${name} has neither a problem nor a definition`);
    definitions.set(name, definition);
  }
  return definitions;
}
