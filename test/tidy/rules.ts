/**
 * The rules of the tree, as functions over source text, so that the test can also be shown a violation:
 * imports point one way, adapters are reached from the composition root alone, and pure folders neither do I/O nor
 * read a clock nor draw randomness.
 */
import { posix } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';

export interface SourceFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** What each folder of `src/` may import besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  expression: ['core'],
  definition: ['core', 'expression'],
  event: ['core', 'expression', 'definition'],
  aggregate: ['core', 'expression', 'definition'],
  state: ['core', 'expression', 'definition', 'event', 'aggregate'],
  log: ['core', 'definition', 'event'],
  store: ['core', 'state'],
  materialize: ['core', 'expression', 'definition', 'event', 'aggregate', 'state', 'log', 'store'],
  vector: ['core', 'expression', 'definition', 'event', 'aggregate', 'state', 'store'],
  cache: ['core', 'state', 'store', 'vector'],
  serve: ['core', 'expression', 'definition', 'event', 'aggregate', 'state', 'log', 'store', 'vector', 'cache'],
  replay: ['core', 'expression', 'definition', 'event', 'aggregate', 'state', 'log', 'store', 'vector'],
  openlineage: ['core', 'definition', 'log'],
  telemetry: ['core', 'materialize', 'serve', 'replay', 'openlineage'],
};

const PURE = new Set(['expression', 'definition', 'event', 'aggregate', 'state', 'vector']);
/** Node's modules that a pure folder may use: no I/O, no clock, no randomness in what they are used for. */
const PURE_NODE_MODULES = new Set(['node:crypto', 'node:zlib', 'node:util', 'node:assert']);
/** Files of a port's folder that any importer of the folder may use; all others there are adapters. */
const PORTS = new Set([
  'src/log/log.ts',
  'src/log/consume-alone.ts',
  'src/log/partitioner.ts',
  'src/log/position-notes.ts',
  'src/log/entity-partition.ts',
  'src/store/store.ts',
  'src/store/place.ts',
]);
const ADAPTER_FOLDERS = new Set(['log', 'store']);
const CLOCK_FILES = new Set(['src/core/clock.ts', 'src/main.ts']);
const CLOCK_OR_CHANCE = new Set([
  'Date.now',
  'performance.now',
  'Math.random',
  'crypto.randomUUID',
  'crypto.getRandomValues',
  'process.hrtime',
]);
const IMPURE_GLOBALS = new Set(['process', 'performance', 'fetch', 'setTimeout', 'setInterval', 'setImmediate']);
const RANDOM_IMPORTS = new Set([
  'randomBytes',
  'randomInt',
  'randomUUID',
  'randomFillSync',
  'webcrypto',
  'getRandomValues',
]);

/** Every violation in a file, as `path: sentence`. */
export function violationsOf(file: SourceFile): string[] {
  const folder = /^src\/([^/]+)\//.exec(file.path)?.[1] ?? '';
  const parsed = parseSync(file.path, file.text);
  const found: string[] = parsed.errors.map((error) => `does not parse: ${error.message}`);
  for (const specifier of importsOf(parsed)) found.push(...importViolations(file.path, folder, specifier));
  found.push(...globalViolations(file.path, folder, parsed));
  return found.map((sentence) => `${file.path}: ${sentence}`);
}

type Parsed = ReturnType<typeof parseSync>;

function importsOf(parsed: Parsed): string[] {
  const specifiers: string[] = parsed.module.staticImports.map((entry) => entry.moduleRequest.value);
  for (const entry of parsed.module.staticExports) {
    for (const part of entry.entries) if (part.moduleRequest) specifiers.push(part.moduleRequest.value);
  }
  new Visitor({
    ImportExpression(node) {
      if (node.source.type === 'Literal' && typeof node.source.value === 'string') specifiers.push(node.source.value);
    },
  }).visit(parsed.program);
  return specifiers;
}

function importViolations(path: string, folder: string, specifier: string): string[] {
  if (!specifier.startsWith('.')) {
    const impure = PURE.has(folder) && specifier.startsWith('node:') && !PURE_NODE_MODULES.has(specifier);
    return impure ? [`a pure folder imports ${specifier}`] : [];
  }
  const target = posix.join(posix.dirname(path), specifier);
  if (path.startsWith('test/oracle/')) {
    return target.startsWith('src/') ? [`an oracle imports ${target}, the thing it judges`] : [];
  }
  const targetFolder = /^src\/([^/]+)\//.exec(target)?.[1];
  if (folder === '' || folder === 'cli' || targetFolder === folder) return [];
  if (targetFolder === undefined) return [`imports ${target} from outside its layer`];
  if (!(MAY_IMPORT[folder] ?? []).includes(targetFolder))
    return [`${folder} must not import ${targetFolder} (${target})`];
  if (ADAPTER_FOLDERS.has(targetFolder) && !PORTS.has(target))
    return [`imports the adapter ${target}; only main and cli may`];
  return [];
}

function globalViolations(path: string, folder: string, parsed: Parsed): string[] {
  if (!path.startsWith('src/')) return [];
  const found: string[] = [];
  const pure = PURE.has(folder);
  new Visitor({
    MemberExpression(node) {
      if (node.object.type !== 'Identifier' || node.property.type !== 'Identifier') return;
      const name = `${node.object.name}.${node.property.name}`;
      if (name === 'process.env' && path !== 'src/config.ts') found.push('reads process.env; only src/config.ts may');
      if (name === 'Date.now' && !CLOCK_FILES.has(path)) found.push('reads Date.now; time is an argument');
      else if (pure && CLOCK_OR_CHANCE.has(name)) found.push(`a pure folder uses ${name}`);
    },
    NewExpression(node) {
      if (node.callee.type === 'Identifier' && node.callee.name === 'Date' && node.arguments.length === 0) {
        found.push('reads the clock with new Date()');
      }
    },
    CallExpression(node) {
      if (node.callee.type === 'Identifier' && node.callee.name === 'Date') found.push('reads the clock with Date()');
    },
    ImportSpecifier(node) {
      if (pure && node.imported.type === 'Identifier' && RANDOM_IMPORTS.has(node.imported.name)) {
        found.push(`a pure folder draws randomness with ${node.imported.name}`);
      }
    },
    Identifier(node) {
      if (pure && IMPURE_GLOBALS.has(node.name)) found.push(`a pure folder names the global ${node.name}`);
    },
  }).visit(parsed.program);
  return found;
}
