/** `skewless start`: runs a role. */
import { Command, Option } from 'commander';
import { AUTH_MODES, LOG_LEVELS, ROLES, type StartFlags, configFrom } from '../config.ts';
import {
  BUDGET_MS,
  CONNECTIONS_MAX,
  parseBudget,
  parseConnectionsMax,
  parseDrain,
  parseNamespace,
  parseOtlpEndpoint,
  parsePort,
  parseRatio,
  parseSize,
  parseStaleness,
  parseRateFlag,
} from '../flag-values.ts';
import { addTrailFlag } from './trail-write.ts';
import { type SecurityFlags, addLogFlags, addStoreFlags } from './connect.ts';
import { addRegistryFlags } from './connect-registry.ts';
import { addOpenLineageFlag } from './openlineage.ts';
import type { RunRoles } from './program.ts';

export function startCommand(runRoles: RunRoles, finish: (exitCode: number) => void): Command {
  const command = new Command('start')
    .description('Run a role: fold events into state (materialize), serve vectors over REST (serve), or both (all).')
    .addOption(new Option('--role <role>', 'what this process does').choices(ROLES).default('all'))
    .option(
      '--definitions <dir>',
      'folder of definitions (YAML); default: the bundled flights example, loaded on first start',
    )
    .option('--namespace <name>', 'keeps deployments on one log and store apart', parseNamespace, 'default')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 picks a free one', parsePort, 8080)
    .addOption(
      new Option(
        '--auth <mode>',
        'who may call: whoever has a key, or anyone (none); listening beyond loopback needs an explicit choice',
      ).choices(AUTH_MODES),
    )
    .option('--keys <file>', 'file of keys for --auth keys, read again when it changes; skewless keys makes it')
    .option(
      '--rate-limit <rate>',
      'requests of a key that has no rate of its own, or without keys of a client address: 100/s, 6000/m; default: no limit',
      parseRateFlag,
    )
    .option(
      '--admin-port <port>',
      'serve /metrics, /docs and /openapi.json here instead; 0 picks a free one',
      parsePort,
    )
    .option(
      '--admin-host <address>',
      'address for --admin-port; beyond loopback it does what --auth says (default: 127.0.0.1)',
    )
    .option(
      '--staleness <duration>',
      'states are cached, and served no older than this; 0: not cached (default: 1s)',
      parseStaleness,
    )
    .option('--cache-size <size>', 'memory for cached states, as reckoned (default: 256MiB)', parseSize)
    .addOption(
      new Option('--budget <duration>', 'time a request has that names no budget_ms')
        .argParser(parseBudget)
        .default(BUDGET_MS, '5s'),
    )
    .option('--connections-max <count>', 'connections open at a time', parseConnectionsMax, CONNECTIONS_MAX)
    .option(
      '--drain <duration>',
      'on SIGTERM, how long /readyz says so before connections are refused (default: 5s; 0s on loopback)',
      parseDrain,
    )
    .addOption(new Option('--log-level <level>', 'least level that is logged').choices(LOG_LEVELS).default('info'))
    .option(
      '--otlp-endpoint <url>',
      'collector that metrics and traces are sent to, such as http://collector:4318; default: OTEL_EXPORTER_OTLP_ENDPOINT, or none',
      parseOtlpEndpoint,
    )
    .option(
      '--served-sample <share>',
      'share of entities whose rows are logged as they are served, for skewless audit: 0 (the default) to 1',
      parseRatio,
    )
    .option('--trace-ratio <number>', 'share of requests that are traced, 0 (the default) to 1', parseRatio)
    .addHelpText(
      'after',
      '\nExamples:\n  skewless start --definitions features/ --log sqlite:log.sqlite --store sqlite:store.sqlite\n  skewless start --definitions features/ --log kafka://broker:9092 --store redis://redis:6379 --role materialize',
    )
    .action(async (flags: StartFlags & SecurityFlags) => finish(await runRoles(configFrom(flags), flags)));
  addOpenLineageFlag(command);
  addTrailFlag(command, 'record which definitions run');
  addLogFlags(command, '(default: sqlite:.skewless/log.sqlite; optional for --role serve)');
  addRegistryFlags(command);
  return addStoreFlags(command, '(default: sqlite:.skewless/store.sqlite)');
}
