/** The OpenAPI document and the page that shows it: every asset comes from this host, and nothing is fetched elsewhere. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { ANY_KEY, SECURITY_SCHEME } from './access/route-access.ts';
import { sendJson } from './send.ts';

const DESCRIPTION = `Online feature serving on one streaming backbone. Events are folded into per-entity state; a
feature vector is that state evaluated at an event time, \`as_of\`. A value is exact, or it is withheld or flagged by a status
that is always in the response.

Errors are RFC 9457 problems (\`application/problem+json\`) and list everything that is wrong with a request at once.`;

const TAGS = [
  { name: 'vectors', description: 'Reading feature vectors' },
  { name: 'events', description: 'Appending events to the log' },
  { name: 'feast', description: "What Feast's SDK calls, with `online_store: {type: remote}`" },
  { name: 'catalog', description: 'What is defined, and how fresh it is' },
  { name: 'audits', description: 'Whether what was served is what the log gives' },
  { name: 'health', description: 'Probes' },
];

const SECURITY =
  'A key that `skewless keys create` made, as the header `authorization: Bearer <key>`. A server that runs with `--auth none` asks for none.';

/** The bar on top offers to load other documents. */
const STYLE = '.swagger-ui .topbar { display: none }';

/** To be called before routes are registered. */
export async function installOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Skewless',
        version,
        description: DESCRIPTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'The server that this document is from' }],
      tags: TAGS,
      components: {
        securitySchemes: { [SECURITY_SCHEME]: { type: 'http', scheme: 'bearer', description: SECURITY } },
      },
    },
    refResolver: {
      buildLocalReference: (json, _baseUri, _fragment, index) => (json['$id'] as string | undefined) ?? `def-${index}`,
    },
  });
}

/**
 * The document and its page, served by `surface`, of the operations of `app`. They tell of the API and of nothing that is
 * defined here: any key will do. From another port than the API's a request cannot be tried.
 */
export async function installDocs(surface: FastifyInstance, app: FastifyInstance): Promise<void> {
  const here = surface === app;
  if (!here) {
    // The page shows what its own server says of itself: nothing of its own, and all of the other.
    await surface.register(swagger, {
      openapi: {},
      transform: ({ schema, url }) => ({ schema: { ...schema, hide: true }, url }),
      transformObject: () => app.swagger(),
    });
  }
  await surface.register(async (page) => {
    page.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: ANY_KEY };
    });
    await page.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: true,
      transformStaticCSP: onlyThisHost,
      theme: { title: 'Skewless API', css: [{ filename: 'skewless.css', content: STYLE }] },
      uiConfig: {
        docExpansion: 'list',
        deepLinking: true,
        tryItOutEnabled: here,
        validatorUrl: null,
        ...(here ? {} : { supportedSubmitMethods: [] }),
      },
    });
  });
  surface.get('/openapi.json', { schema: { hide: true }, config: { access: ANY_KEY } }, (_request, reply) =>
    sendJson(reply, app.swagger()),
  );
}

/**
 * The plugin's policy lets the page load from other hosts, and turns every `http:` request into `https:`, which breaks
 * it wherever the server is reached by name without TLS. The page sets a style inline.
 */
function onlyThisHost(policy: string): string {
  return policy
    .replaceAll(/ (https:|validator\.swagger\.io)(?=[ ;])/g, '')
    .replace(/; upgrade-insecure-requests;?/, '')
    .replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");
}
