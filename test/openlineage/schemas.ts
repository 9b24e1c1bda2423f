/**
 * OpenLineage's JSON schemas, restated for validation: the same `$id`s, properties, types and requirements as those published at
 * https://openlineage.io/spec (Apache-2.0, the OpenLineage project), without their prose; of facets, those that are sent here. What
 * an event leaves out of a facet, no schema of it names.
 */
const SPEC = 'https://openlineage.io/spec';
const CORE = `${SPEC}/2-0-2/OpenLineage.json`;
const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

const text = { type: 'string' } as const;
const uri = { type: 'string', format: 'uri' } as const;
const object = (required: readonly string[], properties: object) => ({ type: 'object', required, properties });
const list = (items: object) => ({ type: 'array', items });
const here = (name: string) => ({ $ref: `#/$defs/${name}` });
const facets = (name: string) => ({ type: 'object', additionalProperties: here(name) });
const ofBase = { allOf: [here('BaseFacet')], type: 'object' };
const deletable = {
  allOf: [here('BaseFacet'), { type: 'object', properties: { _deleted: { type: 'boolean' } } }],
  type: 'object',
};
const dataset = (extra: object) => ({
  type: 'object',
  allOf: [here('Dataset'), { type: 'object', properties: extra }],
});

const BASE = object(['eventTime', 'producer', 'schemaURL'], {
  eventTime: { type: 'string', format: 'date-time' },
  producer: uri,
  schemaURL: uri,
});

const CORE_SCHEMA = {
  $schema: DRAFT,
  $id: CORE,
  $defs: {
    BaseEvent: BASE,
    RunEvent: {
      allOf: [
        here('BaseEvent'),
        object(['run', 'job'], {
          eventType: { type: 'string', enum: ['START', 'RUNNING', 'COMPLETE', 'ABORT', 'FAIL', 'OTHER'] },
          run: here('Run'),
          job: here('Job'),
          inputs: list(here('InputDataset')),
          outputs: list(here('OutputDataset')),
        }),
      ],
    },
    Run: object(['runId'], { runId: { type: 'string', format: 'uuid' }, facets: facets('RunFacet') }),
    RunFacet: ofBase,
    Job: object(['namespace', 'name'], { namespace: text, name: text, facets: facets('JobFacet') }),
    JobFacet: deletable,
    InputDataset: dataset({ inputFacets: facets('InputDatasetFacet') }),
    InputDatasetFacet: ofBase,
    OutputDataset: dataset({ outputFacets: facets('OutputDatasetFacet') }),
    OutputDatasetFacet: ofBase,
    Dataset: object(['namespace', 'name'], { namespace: text, name: text, facets: facets('DatasetFacet') }),
    DatasetFacet: deletable,
    BaseFacet: object(['_producer', '_schemaURL'], { _producer: uri, _schemaURL: uri }),
  },
  $ref: '#/$defs/RunEvent',
};

function facet(version: string, name: string, base: string, content: object, more: object = {}): object {
  return {
    $schema: DRAFT,
    $id: `${SPEC}/facets/${version}/${name}.json`,
    $defs: { [name]: { allOf: [{ $ref: `${CORE}#/$defs/${base}` }, content], type: 'object' }, ...more },
  };
}

const OWNERS = object([], { owners: list(object(['name'], { name: text, type: text })) });
const DESCRIPTION = object(['description'], { description: text, contentType: text });
const INPUT_FIELD = object(['namespace', 'name', 'field'], {
  namespace: text,
  name: text,
  field: text,
  transformations: list(
    object(['type'], {
      type: { enum: ['DIRECT', 'INDIRECT'] },
      subtype: text,
      description: text,
      masking: { type: 'boolean' },
    }),
  ),
});

const FACETS = [
  facet('1-2-0', 'SchemaDatasetFacet', 'DatasetFacet', object([], { fields: list(here('SchemaDatasetFacetFields')) }), {
    SchemaDatasetFacetFields: object(['name'], {
      name: text,
      type: text,
      description: text,
      ordinal_position: { type: 'integer' },
    }),
  }),
  facet(
    '1-2-0',
    'ColumnLineageDatasetFacet',
    'DatasetFacet',
    object(['fields'], {
      fields: {
        type: 'object',
        additionalProperties: object(['inputFields'], { inputFields: list(here('InputField')) }),
      },
      dataset: list(here('InputField')),
    }),
    { InputField: INPUT_FIELD },
  ),
  facet('1-1-0', 'DocumentationDatasetFacet', 'DatasetFacet', DESCRIPTION),
  facet('1-0-1', 'OwnershipDatasetFacet', 'DatasetFacet', OWNERS),
  facet('1-1-0', 'DocumentationJobFacet', 'JobFacet', DESCRIPTION),
  facet('1-0-1', 'OwnershipJobFacet', 'JobFacet', OWNERS),
  facet(
    '2-0-4',
    'JobTypeJobFacet',
    'JobFacet',
    object(['processingType', 'integration'], { processingType: text, integration: text, jobType: text }),
  ),
  facet(
    '1-0-1',
    'ErrorMessageRunFacet',
    'RunFacet',
    object(['message', 'programmingLanguage'], { message: text, programmingLanguage: text, stackTrace: text }),
  ),
  facet(
    '1-1-1',
    'ProcessingEngineRunFacet',
    'RunFacet',
    object(['version'], { version: text, name: text, openlineageAdapterVersion: text }),
  ),
];

export const OPENLINEAGE_SCHEMAS: readonly object[] = [CORE_SCHEMA, ...FACETS];
