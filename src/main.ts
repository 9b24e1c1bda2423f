#!/usr/bin/env node
/**
 * The composition root: picks roles, opens what they stand on, closes in reverse order. `skewless <command>` begins here.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import closeWithGrace from 'close-with-grace';
import { countBuffersAsHeap } from './cli/buffer-memory.ts';
import { createClosers } from './cli/closers.ts';
import type { SecurityFlags } from './cli/connect.ts';
import { loadOrTell } from './cli/definition-files.ts';
import { EXIT } from './cli/exit.ts';
import { type Told, openFoundation } from './cli/foundation.ts';
import { loadExample } from './cli/load-example.ts';
import { openMaterializer, startMaterializer } from './cli/materializing.ts';
import { runProgram } from './cli/program.ts';
import { type Listening, listen } from './cli/serving.ts';
import { showBuild } from './cli/show-build.ts';
import { VERSION } from './cli/version.ts';
import type { Config } from './config.ts';
import { messageOf } from './core/errors.ts';
import type { Materializer } from './materialize/materializer.ts';
import { type Drain, createDrain } from './serve/drain.ts';
import { createLogger } from './telemetry/logger.ts';

/** From the signal to the end, ms; what has not closed by then is cut off. */
const CLOSE_MS = 10_000;

/** Runs until told to stop by a signal; answers the exit code. */
async function runRoles(config: Config, security: SecurityFlags): Promise<number> {
  const definitions = loadOrTell(config.definitionsDir);
  if (definitions === null) return EXIT.finding;
  const logger = createLogger(config.logLevel);
  const closers = createClosers();
  const logFault = (name: string, error: unknown): void => logger.error({ err: error }, `closing ${name} failed`);
  const closed = Promise.withResolvers<number>();
  const drain = createDrain();
  const grace = closeWithGrace({ delay: config.drainMs + CLOSE_MS, logger: false }, async ({ signal, err }) => {
    if (err !== undefined) logger.fatal({ err }, 'stopping after a fault');
    else logger.info(`stopping on ${signal ?? 'request'}`);
    // Whoever presses Ctrl-C is no load balancer.
    if (err === undefined && signal !== 'SIGINT') await drain.begin(config.drainMs);
    await closers.closeAll(logFault);
    closed.resolve(err === undefined ? EXIT.ok : EXIT.finding);
  });
  try {
    await Promise.race([open({ config, security, definitions, logger, closers }, drain), closed.promise]);
  } catch (error) {
    grace.uninstall();
    await closers.closeAll(logFault);
    throw error;
  }
  return closed.promise;
}

async function open(told: Told, drain: Drain): Promise<void> {
  const { config, definitions } = told;
  const { exampleDir, role } = config;
  const foundation = await openFoundation(told);
  if (foundation.log !== null && exampleDir !== null) await loadExample(foundation.log, definitions, exampleDir);
  const materializer = await openMaterializer(foundation);
  const listening = await listen(foundation, materializer, drain);
  const { url, adminUrl } = listening;
  process.stdout.write(
    `Skewless ${VERSION} (${role}) listens on ${url}\nConsole: ${url}/console\nDocumentation: ${adminUrl}/docs\n`,
  );
  if (materializer === null) return;
  // Probes are answered by now, also while the log or the store is waited for.
  await startMaterializer(materializer, foundation);
  if (exampleDir !== null) await showExample(materializer, listening, exampleDir);
}

async function showExample(materializer: Materializer, { url, asksForKeys }: Listening, dir: string): Promise<void> {
  await showBuild(() => materializer.status());
  const request = readFileSync(join(dir, 'request.json'), 'utf8').trim();
  const vectors = `${url}/v1/feature-services/departure_delay/vectors`;
  const key = asksForKeys ? " -H 'authorization: Bearer <key>'" : '';
  process.stdout.write(`Ready. Try:\ncurl -s ${vectors}${key} -H 'content-type: application/json' -d '${request}'\n`);
}

countBuffersAsHeap();
try {
  process.exitCode = await runProgram(process.argv.slice(2), runRoles, VERSION);
} catch (error) {
  process.stderr.write(`skewless: ${messageOf(error)}\n`);
  process.exitCode = EXIT.finding;
}
