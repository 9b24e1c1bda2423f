/** `skewless keys`: makes, lists and revokes the keys of callers. A running server sees the change within a second. */
import { Command } from 'commander';
import { UsageError, parseRateFlag } from '../flag-values.ts';
import { systemClock } from '../core/clock.ts';
import { SkewlessError } from '../core/errors.ts';
import { formatTimestamp, parseDurationMs, parseTimestampMs } from '../core/time.ts';
import type { ApiKey } from '../serve/access/key-ring.ts';
import { createKey, keyIdOf, sha256Of } from '../serve/access/key-text.ts';
import { type Rate, formatRate } from '../serve/access/rate.ts';
import { SCOPE_FORMS, type Scope, formatScope, parseScope } from '../serve/access/scope.ts';
import { type SecurityFlags, addKafkaFlags } from './connect.ts';
import { EXIT } from './exit.ts';
import { editKeyFile, readKeyFile } from './key-file-edit.ts';
import { formatCount, formatTable } from './text.ts';
import { type TrailFlags, addTrailFlag, openTrail } from './trail-write.ts';

interface KeysFlags extends TrailFlags, SecurityFlags {
  readonly keys?: string;
  readonly json?: boolean;
}

interface CreateFlags extends KeysFlags {
  readonly name?: string;
  readonly scope: readonly Scope[];
  readonly expires?: number;
  readonly rate?: Rate;
}

const NAME = /^\P{C}{1,128}$/u;

export function keysCommand(finish: (exitCode: number) => void): Command {
  const command = new Command('keys').description('Make, list and revoke the keys of callers, for start --auth keys.');
  const withFlags = (each: Command): Command =>
    addKafkaFlags(addTrailFlag(each))
      .option('--keys <file>', 'file of the keys (required); made by the first create')
      .option('--json', 'print one JSON object');
  command.addCommand(
    withFlags(
      new Command('create')
        .description('Make a key. It is printed once; the file keeps its hash alone.')
        .option('--name <text>', 'whose it is, for lists and logs (required)')
        .option('--scope <scope>', `${SCOPE_FORMS}; once for each (required)`, collectScope, [])
        .option('--expires <when>', 'after how long (90d), or when (RFC 3339); default: never', parseExpiry)
        .option(
          '--rate <rate>',
          "requests it may make: 100/s, 6000/m; default: the server's --rate-limit",
          parseRateFlag,
        )
        .addHelpText(
          'after',
          '\nExample:\n  skewless keys create --keys keys.yaml --name scoring --scope read:departure_delay --expires 90d',
        ),
    ).action(async (flags: CreateFlags) => finish(await create(flags))),
  );
  command.addCommand(
    withFlags(new Command('list').description('List the keys, without what only their owners have.')).action(
      async (flags: KeysFlags) => finish(await list(flags)),
    ),
  );
  command.addCommand(
    withFlags(
      new Command('revoke')
        .description('Take a key out of the file: from then on it is refused.')
        .argument('<key>', 'its id, its name if no other has it, or the key itself'),
    ).action(async (which: string, flags: KeysFlags) => finish(await revoke(which, flags))),
  );
  return command;
}

/** The message repeats nothing: it may be a key, in the wrong place. */
function collectScope(text: string, before: readonly Scope[]): readonly Scope[] {
  const scope = parseScope(text);
  if (scope === null) throw new UsageError(`--scope is not a scope; expected ${SCOPE_FORMS}`);
  return [...before, scope];
}

function parseExpiry(text: string): number {
  const durationMs = parseDurationMs(text);
  const nowMs = systemClock.nowMs();
  const expiresMs = durationMs === null ? parseTimestampMs(text) : nowMs + durationMs;
  if (expiresMs === null || !(expiresMs > nowMs) || Number.isNaN(new Date(expiresMs).getTime())) {
    throw new UsageError(`--expires "${text}" is not a time to come; expected 90d or 2027-01-31T00:00:00Z`);
  }
  return expiresMs;
}

async function create(flags: CreateFlags): Promise<number> {
  const { name, scope: scopes, rate = null, expires: expiresMs = null } = flags;
  const file = fileOf(flags);
  if (name === undefined || !NAME.test(name)) {
    throw new UsageError('--name is missing, or not of 1 to 128 printable characters: say whose key it is');
  }
  if (scopes.length === 0) throw new UsageError(`--scope is missing; expected ${SCOPE_FORMS}`);
  const { id, text } = createKey();
  const key = { id, name, sha256: sha256Of(text), scopes, createdMs: systemClock.nowMs(), expiresMs, rate };
  const trail = await openTrail(flags);
  try {
    await editKeyFile(file, 'create', (_keys, document) => {
      document.addIn(['keys'], document.createNode({ ...plain(key), sha256: key.sha256 }));
    });
    await trail.record('keys_create', id, plain(key));
  } finally {
    await trail.close();
  }
  if (flags.json === true) return print({ key: text, ...plain(key) });
  process.stdout.write(`${text}\n`);
  process.stderr.write(`Made ${describe(key)}. The line above is the key: it is shown this once.\n`);
  return EXIT.ok;
}

async function list(flags: KeysFlags): Promise<number> {
  const keys = await readKeyFile(fileOf(flags));
  const nowMs = systemClock.nowMs();
  const isExpired = ({ expiresMs }: ApiKey): boolean => expiresMs !== null && expiresMs <= nowMs;
  if (flags.json === true) return print({ keys: keys.map((key) => ({ ...plain(key), expired: isExpired(key) })) });
  if (keys.length === 0) process.stdout.write('There are no keys.\n');
  else {
    const rows = keys.map((key) => [
      key.id,
      key.name,
      key.scopes.map(formatScope).join(' '),
      key.createdMs === null ? '' : formatTimestamp(key.createdMs),
      key.expiresMs === null ? 'never' : `${formatTimestamp(key.expiresMs)}${isExpired(key) ? ' (expired)' : ''}`,
      key.rate === null ? '' : formatRate(key.rate),
    ]);
    process.stdout.write(formatTable(['id', 'name', 'scopes', 'created', 'expires', 'rate'], rows, 'left'));
  }
  return EXIT.ok;
}

async function revoke(which: string, flags: KeysFlags): Promise<number> {
  const trail = await openTrail(flags);
  try {
    const revoked = await takeOut(fileOf(flags), which);
    await trail.record('keys_revoke', revoked.id, plain(revoked));
    if (flags.json === true) return print({ revoked: plain(revoked) });
    process.stdout.write(`Revoked ${describe(revoked)}.\n`);
    return EXIT.ok;
  } finally {
    await trail.close();
  }
}

async function takeOut(file: string, which: string): Promise<ApiKey> {
  const id = keyIdOf(which) ?? which;
  let revoked: ApiKey | undefined;
  await editKeyFile(file, 'revoke', (keys, document) => {
    const byId = keys.findIndex((key) => key.id === id);
    const named = keys.filter(({ name }) => name === which);
    if (byId === -1 && named.length > 1) {
      throw new UsageError(
        `${formatCount(named.length, 'key')} have this name; say which: ${named.map((key) => key.id).join(', ')}`,
      );
    }
    const index = byId === -1 ? keys.findIndex(({ name }) => name === which) : byId;
    revoked = keys[index];
    // Not repeated: it may be a key with a letter missing.
    if (revoked === undefined)
      throw new SkewlessError('unknown_key', 'there is no such key; skewless keys list shows all');
    document.deleteIn(['keys', index]);
  });
  if (revoked === undefined) throw new SkewlessError('unknown_key', 'there is no such key');
  return revoked;
}

function fileOf({ keys }: KeysFlags): string {
  if (keys === undefined) throw new UsageError('--keys FILE is missing: the file that the keys are in');
  return keys;
}

function print(answer: object): number {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  return EXIT.ok;
}

/** As the file and `--json` write it, without the hash. */
function plain({ id, name, scopes, createdMs, expiresMs, rate }: ApiKey): Readonly<Record<string, unknown>> {
  return {
    id,
    name,
    scopes: scopes.map(formatScope),
    ...(createdMs === null ? {} : { created: formatTimestamp(createdMs) }),
    ...(expiresMs === null ? {} : { expires: formatTimestamp(expiresMs) }),
    ...(rate === null ? {} : { rate: formatRate(rate) }),
  };
}

function describe({ id, name, scopes }: ApiKey): string {
  return `key ${id} (${name}): ${scopes.map(formatScope).join(', ')}`;
}
