/**
 * The shape of a definitions file as a JSON Schema (draft 7): what the loader validates against and, word for word,
 * what `schema/definitions.schema.json` gives to editors.
 * Alternatives are `if`/`then`/`else`, never `anyOf`: so a validator speaks of the branch that was meant.
 */
import { type JsonSchema, key, mapping, ref } from './schema-parts.ts';
import { SERVICE_PARTS } from './schema-service.ts';
import { SHARED } from './schema-shared.ts';
import { SOURCE_PARTS } from './schema-source.ts';
import { VIEW_PARTS } from './schema-view.ts';

export const SCHEMA_ID = 'urn:skewless:definitions';

const section = (description: string, item: string, meaning: string): JsonSchema =>
  key({ type: ['array', 'null'], description, items: ref(item), maxItems: 10_000 }, meaning);

export const DEFINITIONS_SCHEMA: JsonSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: SCHEMA_ID,
  title: 'Skewless definitions',
  ...mapping('sources, entities, views and services', [], {
    sources: section('a list of sources', 'source', 'Topics, each with a schema, a key and an event time.'),
    entities: section('a list of entities', 'entity', 'What features are about: names and types of keys.'),
    views: section('a list of feature views', 'view', 'Aggregations over the events of one source for one entity.'),
    services: section('a list of feature services', 'service', 'The features that one model reads, in their order.'),
  }),
  definitions: { ...SHARED, ...SOURCE_PARTS, ...VIEW_PARTS, ...SERVICE_PARTS },
};
