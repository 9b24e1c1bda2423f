/** `GET /v1/lineage`: what each feature comes from, down to fields of topics, and who reads what comes of it. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { nearestName } from '../../../core/suggest.ts';
import { type Lineage, lineageOf } from '../../../definition/lineage.ts';
import { walk } from '../../../definition/lineage-walk.ts';
import type { Access } from '../../access/access.ts';
import { ANY_KEY } from '../../access/route-access.ts';
import type { Serving } from '../../dependencies.ts';
import { RequestError, item, shorten } from '../../problem.ts';
import { responses } from '../../schemas.ts';
import { sendJson } from '../../send.ts';
import { withReaders } from './readers.ts';
import { LINEAGE_EXAMPLE, type LineageQuery, LineageQuerySchema, LineageSchema } from './schema.ts';

/** Of one answer. */
const NODES_MAX = 20_000;

export function registerLineage(app: FastifyInstance, serving: Serving): void {
  /** Definitions do not change while the process runs; a key goes, and its graph with it. */
  const graphs = new WeakMap<Access, Lineage>();
  const graphOf = (access: Access): Lineage => {
    const known = graphs.get(access) ?? lineageOf(access);
    graphs.set(access, known);
    return known;
  };
  app.withTypeProvider<TypeBoxTypeProvider>().route({
    method: 'GET',
    url: '/v1/lineage',
    config: { access: ANY_KEY },
    schema: {
      operationId: 'getLineage',
      tags: ['catalog'],
      summary: 'Lineage',
      description:
        'The graph from fields of topics over views and features to services and their readers, accurate to the column: the whole of it, or what is before and after one node.',
      querystring: LineageQuerySchema,
      response: responses(
        { description: 'Nodes, and edges between them', schema: LineageSchema, example: LINEAGE_EXAMPLE },
        [400, 404],
      ),
    },
    handler: async (request, reply) => {
      const { access, apiKey, query } = request;
      const whole = withReaders(graphOf(access), serving, apiKey, access.admin);
      const { nodes, edges } = part(whole, query);
      if (nodes.size > NODES_MAX) {
        const message = `that is ${nodes.size} nodes, and at most ${NODES_MAX} are answered; ask for a node, and a depth`;
        throw new RequestError(400, [item('over_limit', '/query/node', message)]);
      }
      const sorted = [...nodes.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
      return sendJson(reply, { node: query.node ?? null, nodes: sorted, edges });
    },
  });
}

function part(whole: Lineage, { node, direction, depth }: LineageQuery): Lineage {
  if (node === undefined) return whole;
  if (whole.nodes.has(node)) return walk(whole, node, direction, depth);
  const message = `there is no node ${JSON.stringify(shorten(node))} in the lineage`;
  throw new RequestError(404, [item('unknown_node', '/query/node', message, nearestNode(node, whole))]);
}

/** Among those of its kind, if it names one: the distance to all would take long. */
function nearestNode(id: string, { nodes }: Lineage): string | null {
  const [kind = ''] = id.split(':', 1);
  const ids = [...nodes.keys()];
  const alike = ids.filter((each) => each.startsWith(`${kind}:`));
  return nearestName(id, alike.length > 0 ? alike : ids);
}
