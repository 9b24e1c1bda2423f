/**
 * What schemas of definitions are made of. `description` is what problems say was expected; what a key is for is its
 * `markdownDescription`, which editors show, as the reference does, with its `default` and `examples`.
 */

export type JsonSchema = { readonly [keyword: string]: unknown };

export const ref = (name: string): JsonSchema => ({ $ref: `#/definitions/${name}` });
export const described = (schema: JsonSchema, description: string): JsonSchema => ({ ...schema, description });

export interface KeyNotes {
  /** What its absence means, where that is a value; else the meaning says it. */
  readonly default?: unknown;
  readonly example?: unknown;
}

/** A key of a mapping. A choice needs no example: it tells its values. */
export function key(schema: JsonSchema, meaning: string, notes: KeyNotes = {}): JsonSchema {
  return {
    ...schema,
    markdownDescription: meaning,
    ...('default' in notes ? { default: notes.default } : {}),
    ...('example' in notes ? { examples: [notes.example] } : {}),
  };
}

/** A mapping with exactly these keys. */
export function mapping(
  description: string,
  required: readonly string[],
  properties: Readonly<Record<string, JsonSchema>>,
): JsonSchema {
  return { type: 'object', description, additionalProperties: false, required, properties };
}

/** A mapping from names (of the author's choosing) to one kind of value. */
export function dictionary(description: string, names: JsonSchema, values: JsonSchema, countMax: number): JsonSchema {
  return { type: 'object', description, propertyNames: names, additionalProperties: values, maxProperties: countMax };
}

export function list(description: string, items: JsonSchema, countMax: number): JsonSchema {
  return { type: 'array', description, items, minItems: 1, maxItems: countMax };
}

export function choice(description: string, values: readonly string[]): JsonSchema {
  return { description, enum: values };
}

/** `mapped` for a mapping, `otherwise` for anything else. */
export function either(mapped: JsonSchema, otherwise: JsonSchema): JsonSchema {
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  return { if: { type: 'object' }, then: mapped, else: otherwise };
}
