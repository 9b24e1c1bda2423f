/**
 * `GET /v1/feature-services/{service}/vectors?origin=JFK`: one row, by hand. Parameters are text, so that each is read
 * as the type its key or input declares, strictly; from there on it is the POST.
 */
import type { FastifyInstance } from 'fastify';
import { jsonFromText } from '../../../event/text-value.ts';
import type { ServicePlan } from '../../../vector/service.ts';
import { READ_SERVICE } from '../../access/route-access.ts';
import type { Serving } from '../../dependencies.ts';
import { type ProblemItem, RequestError, item, pointerStep, shorten } from '../../problem.ts';
import { nearestName } from '../../../core/suggest.ts';
import { answer, servicePlan } from './post.ts';
import { INCLUDES, type Include, type Pointers } from './request.ts';
import { BUDGET_MS_MAX, VectorsParams, VectorsQuery, vectorsQueryResponses } from './schema.ts';

const OPTIONS = ['as_of', 'include', 'features', 'fingerprint', 'after', 'budget_ms'] as const;
type Option = (typeof OPTIONS)[number];

const QUERY_POINTERS: Pointers = {
  envelope: (field) => `/query/${field}`,
  row: (_index, field) => (field === null ? '/query' : `/query/${pointerStep(field)}`),
};

export function registerGetVectors(app: FastifyInstance, serving: Serving): void {
  app.route<{ Params: { service: string }; Querystring: Record<string, string | string[]> }>({
    method: 'GET',
    url: '/v1/feature-services/:service/vectors',
    config: { access: READ_SERVICE },
    // Which parameters there are depends on the service.
    validatorCompiler: () => () => true,
    schema: {
      operationId: 'getVector',
      tags: ['vectors'],
      summary: 'One feature vector, by hand',
      description: 'The same as the POST for a single row, whose entity keys and inputs are query parameters.',
      params: VectorsParams,
      querystring: VectorsQuery,
      response: vectorsQueryResponses,
    },
    handler: (request, reply) => {
      const plan = servicePlan(serving, request.access, request.params.service);
      const body = readQuery(request.query, plan);
      return answer(serving, plan, reply, body, [], QUERY_POINTERS);
    },
  });
}

/** The query as the body of a POST. Throws 400 with every parameter that is wrong in itself. */
function readQuery(query: Readonly<Record<string, string | readonly string[]>>, plan: ServicePlan): object {
  const columns = new Map(plan.definition.requestColumns.map((column) => [column.name, column]));
  const problems: ProblemItem[] = [];
  const row: Record<string, unknown> = {};
  const envelope: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(query)) {
    const pointer = `/query/${pointerStep(name)}`;
    const column = columns.get(name);
    if (isOption(name)) {
      envelope[name] = readOption(name, [given].flat().join(','), pointer, problems);
    } else if (typeof given !== 'string') {
      problems.push(item('duplicate_parameter', pointer, `the parameter ${shorten(name)} is given more than once`));
    } else if (column === undefined) {
      const known = [...columns.keys(), ...OPTIONS];
      const message = `${JSON.stringify(shorten(name))} is not a known parameter; known: ${known.join(', ')}`;
      const near = name.length > 80 ? null : nearestName(name, known);
      problems.push(item('unknown_field', pointer, message, near));
    } else row[name] = jsonFromText(given, column.type);
  }
  if (problems.length > 0) throw new RequestError(400, problems);
  return { ...envelope, entities: [row] };
}

function isOption(name: string): name is Option {
  return (OPTIONS as readonly string[]).includes(name);
}

function readOption(name: Option, text: string, pointer: string, problems: ProblemItem[]): unknown {
  switch (name) {
    case 'as_of':
      return /^-?\d+$/.test(text) ? Number(text) : text;
    case 'features':
    case 'after':
      return listed(text, pointer, problems);
    case 'include': {
      const names = listed(text, pointer, problems);
      for (const wanted of names.filter((entry) => !INCLUDES.includes(entry as Include))) {
        const message = `include must be one or more of ${INCLUDES.join(', ')}`;
        problems.push(item('invalid_value', pointer, message, nearestName(wanted.slice(0, 80), INCLUDES)));
      }
      return names;
    }
    case 'fingerprint':
      return text;
    case 'budget_ms': {
      const budgetMs = /^[1-9]\d{0,5}$/.test(text) ? Number(text) : null;
      if (budgetMs !== null && budgetMs <= BUDGET_MS_MAX) return budgetMs;
      problems.push(item('out_of_range', pointer, `budget_ms must be an integer from 1 to ${BUDGET_MS_MAX}`));
      return undefined;
    }
  }
}

function listed(text: string, pointer: string, problems: ProblemItem[]): string[] {
  const names = text.split(',').filter((name) => name !== '');
  if (names.length === 0) problems.push(item('too_few_items', pointer, `${pointer.split('/').at(-1)} is empty`));
  if (new Set(names).size < names.length) {
    problems.push(item('duplicate_item', pointer, `${pointer.split('/').at(-1)} says the same twice`));
  }
  return names;
}
