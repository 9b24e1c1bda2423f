/**
 * The reference of definitions, from their JSON Schema. Generators of such pages make a file of every part, or do not follow
 * `if`/`then`/`else`, so that windows and keys would have no contents.
 */
import { code, link, table } from './markdown.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly description?: string;
  readonly markdownDescription?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly propertyNames?: Schema;
  readonly additionalProperties?: Schema | false;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly then?: Schema;
  readonly else?: Schema;
}
interface Root extends Schema {
  readonly definitions: Readonly<Record<string, Schema>>;
}

/** Mappings, by where they are in the schema, in the order of the page. */
const SECTIONS: Readonly<Record<string, string>> = {
  file: 'A file',
  source: 'Source',
  record_key: 'Record key',
  field: 'Field',
  entity: 'Entity',
  view: 'Feature view',
  feature: 'Feature',
  window: 'Window',
  service: 'Feature service',
  service_feature: 'View in a service',
  'service.derived': 'Derived feature',
  typed: 'Input',
  deprecated: 'Deprecation',
};
const VALUES = ['name', 'field_name', 'feature_name', 'view_reference', 'duration', 'type', 'expression', 'labels'];

const HEAD = `# Reference: definitions

Generated from [\`schema/definitions.schema.json\`](../../schema/definitions.schema.json) by \`npm run reference\`; a test fails where it is another.
What it all does is told in [definitions.md](../definitions.md); expressions are in [expressions.md](../expressions.md),
aggregations and their parameters in [aggregations.md](../aggregations.md). "Required" keys must be there; where a default is "–", the meaning says what
absence is.`;

export function definitionsPage(root: Root): string {
  const sections = Object.entries(SECTIONS).map(([at, title]) => `## ${title}\n\n${sectionText(root, at)}`);
  const values = table(
    ['value', 'is'],
    VALUES.map((name) => [valueTitle(name), root.definitions[name]?.description ?? '']),
  );
  assertComplete(root);
  return `${[HEAD, ...sections, `## Values\n\n${values}`].join('\n\n')}\n`;
}

function sectionText(root: Root, at: string): string {
  const [mapped, otherwise] = mappingAt(root, at);
  const rows = Object.entries(mapped.properties ?? {}).map(([name, schema]) => [
    code(name),
    typeText(schema, name === 'deprecated' ? 'deprecated' : `${at}.${name}`),
    mapped.required?.includes(name) ? 'required' : 'default' in schema ? code(schema.default) : '–',
    schema.markdownDescription ?? '',
    (schema.examples ?? []).map(code).join(', '),
  ]);
  const short = otherwise === null ? '' : `A mapping, or in short ${typeText(otherwise, '')}.\n\n`;
  return `${short}${table(['key', 'is', 'default', 'meaning', 'example'], rows)}`;
}

/** The mapping, and what may stand for it. */
function mappingAt(root: Root, at: string): readonly [Schema, Schema | null] {
  if (at === 'file') return [root, null];
  if (at === 'deprecated') return [root.definitions['view']?.properties?.['deprecated'] as Schema, null];
  const [name = '', member] = at.split('.');
  const schema = root.definitions[name] as Schema;
  if (member !== undefined) return [schema.properties?.[member]?.items as Schema, null];
  return schema.then === undefined ? [schema, null] : [schema.then, schema.else ?? null];
}

function typeText(schema: Schema, at: string): string {
  if (schema.$ref !== undefined) return refText(schema.$ref.split('/').at(-1) ?? '');
  const section = SECTIONS[at];
  if (section !== undefined && schema.properties !== undefined) return link(section.toLowerCase(), section);
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  if (schema.then !== undefined) return `${typeText(schema.else as Schema, at)}, or ${typeText(schema.then, at)}`;
  if (schema.items !== undefined) return `list of ${typeText(schema.items, at)}, at most ${schema.maxItems}`;
  if (schema.additionalProperties !== undefined && schema.additionalProperties !== false) {
    const [names, values] = [schema.propertyNames as Schema, schema.additionalProperties];
    return `mapping of ${typeText(names, '')} to ${typeText(values, '')}, at most ${schema.maxProperties}`;
  }
  if (schema.type === 'integer') return `integer, ${schema.minimum} to ${schema.maximum}`;
  if (schema.type === 'boolean') return '`true`, `false`';
  return schema.description ?? String(schema.type ?? 'anything');
}

function refText(name: string): string {
  const title = SECTIONS[name];
  if (title !== undefined) return link(title.toLowerCase(), title);
  return name === 'field_names' ? `list of ${link('field name', 'Values')}` : link(valueTitle(name), 'Values');
}

function valueTitle(name: string): string {
  return name.replaceAll('_', ' ');
}

/** Every part of the schema is on the page. */
function assertComplete({ definitions }: Root): void {
  const told = new Set([...Object.keys(SECTIONS), ...VALUES, 'field_names']);
  const missing = Object.keys(definitions).filter((name) => !told.has(name));
  if (missing.length > 0) throw new Error(`the reference has no place for ${missing.join(', ')}`);
}
