/** The JSON Schema that editors load is the one the loader validates against. Update with `vitest -u`. */
import { expect, test } from 'vitest';
import { DEFINITIONS_SCHEMA } from '../../src/definition/schema.ts';

test('the published schema is the one the loader uses', async () => {
  const text = `${JSON.stringify(DEFINITIONS_SCHEMA, null, 2)}\n`;
  await expect(text).toMatchFileSnapshot('../../schema/definitions.schema.json');
});

test('every key that a definition may have says what it is for', () => {
  const undescribed: string[] = [];
  const visit = (schema: unknown, path: string): void => {
    if (typeof schema !== 'object' || schema === null) return;
    const { properties } = schema as { properties?: Record<string, Record<string, unknown>> };
    for (const [key, property] of Object.entries(properties ?? {})) {
      const branches = [property['$ref'], property['if'], property['description']];
      if (branches.every((branch) => branch === undefined)) undescribed.push(`${path}.${key}`);
    }
    for (const [key, part] of Object.entries(schema)) visit(part, `${path}.${key}`);
  };
  visit(DEFINITIONS_SCHEMA, '');
  expect(undescribed).toEqual([]);
});
