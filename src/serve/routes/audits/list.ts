/** `GET /v1/audits`: what audits found, newest first, of the services that the caller may read. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { messageOf } from '../../../core/errors.ts';
import { ANY_KEY } from '../../access/route-access.ts';
import type { PublishedAudit } from '../../audit-reports.ts';
import type { Serving } from '../../dependencies.ts';
import { RequestError, item } from '../../problem.ts';
import { responses } from '../../schemas.ts';
import { sendJson } from '../../send.ts';
import { TIMED_OUT, within } from '../../time-limit.ts';
import { PageQuerySchema, pageOf, pageSchema } from '../catalog/page.ts';
import { AUDIT_EXAMPLE, AuditSchema } from './schema.ts';

const READ_LIMIT_MS = 10_000;
const RETRY_AFTER_SECONDS = 1;

const QuerySchema = Type.Object(
  {
    ...PageQuerySchema.properties,
    service: Type.Optional(Type.String({ maxLength: 63, description: 'Audits of this service alone, by its name' })),
  },
  { additionalProperties: false },
);

export function registerAudits(app: FastifyInstance, serving: Serving): void {
  app.withTypeProvider<TypeBoxTypeProvider>().route({
    method: 'GET',
    url: '/v1/audits',
    config: { access: ANY_KEY },
    schema: {
      operationId: 'listAudits',
      tags: ['audits'],
      summary: 'Audits of what was served',
      description:
        'What `skewless audit` found, newest first: one item for each service of each audit. Every bit must be what the receipt gives; the difference to what is true by event time is what late data has cost. At most the newest 500.',
      querystring: QuerySchema,
      response: responses(
        {
          description: 'One page',
          schema: pageSchema(AuditSchema),
          example: { items: [AUDIT_EXAMPLE], next_page_token: null },
        },
        [400, 503],
      ),
    },
    handler: async (request, reply) => {
      const { access, query } = request;
      const seen = (await readReports(serving)).filter(
        ({ report: { service } }) =>
          (access.admin || access.mayRead(service)) && (query.service ?? service) === service,
      );
      const { items, nextPageToken } = pageOf(new Map(seen.map((each) => [newestFirst(each), each])), query);
      return sendJson(reply, { items: items.map(renderAudit), next_page_token: nextPageToken });
    },
  });
}

async function readReports({ auditReports = null }: Serving): Promise<readonly PublishedAudit[]> {
  if (auditReports === null) throw unavailable('this process has no log, which holds the audits; ask one that has');
  try {
    const reports = await within(auditReports.read(), READ_LIMIT_MS);
    if (reports !== TIMED_OUT) return reports;
  } catch (error) {
    throw unavailable(`the log cannot be read: ${messageOf(error)}`);
  }
  throw unavailable(`the log did not answer within ${READ_LIMIT_MS} ms`);
}

function unavailable(message: string): RequestError {
  return new RequestError(503, [item('log_unavailable', null, message)], RETRY_AFTER_SECONDS);
}

/** Pages are sorted by id. */
function newestFirst({ offset }: PublishedAudit): string {
  return String(Number.MAX_SAFE_INTEGER - offset).padStart(16, '0');
}

function renderAudit({ offset, report }: PublishedAudit): object {
  return {
    id: String(offset),
    audited_at: report.audited_at,
    kind: report.kind,
    service: report.service,
    version: report.version,
    fingerprint: report.fingerprint,
    served_from: report.served_from,
    served_until: report.served_until,
    rows: report.rows,
    skipped: report.skipped,
    compared: report.compared,
    mismatched: report.mismatched,
    features: report.features,
    examples: report.examples,
  };
}
