import fastify from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { ADMIN, OPEN, requireDeclaredAccess } from '../../../src/serve/access/route-access.ts';

function bare() {
  const app = fastify();
  onTestFinished(() => app.close());
  requireDeclaredAccess(app);
  app.get('/declared', { config: { access: OPEN } }, async () => 'ok');
  return app;
}

test('a server with a route that does not say what a key needs for it does not start', async () => {
  const app = bare();
  app.post('/forgotten', async () => 'ok');
  await app.register(async (scope) => {
    scope.get('/also/forgotten', async () => 'ok');
  });
  await expect(app.ready()).rejects.toThrow(
    /beside the route of POST \/forgotten; GET \/also\/forgotten; HEAD \/also\/forgotten$/,
  );
});

test('the scope around a plugin may say it for all of its routes', async () => {
  const app = bare();
  await app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: ADMIN };
    });
    await scope.register(async (plugin) => {
      plugin.get('/of/a/plugin', async () => 'ok');
    });
  });
  await app.ready();
});
