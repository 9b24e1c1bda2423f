/** `skewless erase`: voids what the log holds of one entity, in every source that has views of it. */
import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { defaultsFor } from '../config.ts';
import { type LogLocation, UsageError } from '../flag-values.ts';
import { formatType } from '../core/value.ts';
import type { Value } from '../core/value.ts';
import { nearestName } from '../core/suggest.ts';
import type { Definitions, EntityDefinition } from '../definition/definition.ts';
import { Fault, compileConverter } from '../event/convert.ts';
import { encodeEntityKey } from '../event/entity-key.ts';
import { jsonFromText } from '../event/text-value.ts';
import { encodePositionToken } from '../serve/position-token.ts';
import { type SecurityFlags, addLogFlags, openLog, warnOnStderr } from './connect.ts';
import { loadOrTell } from './definition-files.ts';
import { type Concerned, type Erased, concernedBy, eraseFrom } from './erase-entity.ts';
import { EXIT } from './exit.ts';
import { type TrailFlags, addTrailFlag, openTrail } from './trail-write.ts';
import { formatCount } from './text.ts';

interface EraseFlags extends SecurityFlags, TrailFlags {
  readonly definitions?: string;
  readonly entity?: string;
  readonly key: readonly string[];
  readonly log?: LogLocation;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function eraseCommand(finish: (exitCode: number) => void): Command {
  const command = new Command('erase')
    .description('Void all events of one entity that the log holds now, in states, in replays and in builds to come.')
    .option('--entity <name>', 'entity to erase one of (required)')
    .option('--key <name=value>', 'a key of the entity; once for each of its keys (required)', collect, [])
    .option('--definitions <dir>', 'folder of definitions (YAML); default: the bundled flights example')
    .option('--yes', 'do it; without it, only what would be done is said')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nA control record goes to every partition of the sources that have views of the entity: events below it count no\n' +
        'more, and events after it count as those of a new entity. It cannot be taken back. The records themselves stay in\n' +
        'the topics until retention takes them.\n' +
        'Example:\n  skewless erase --definitions features/ --entity card --key card=4711 --log kafka://broker:9092 --yes',
    )
    .action(async (flags: EraseFlags) => finish(await erase(flags)));
  return addLogFlags(addTrailFlag(command), '(default: sqlite:.skewless/log.sqlite)');
}

/** By a variable, `former` is undefined. */
function collect(text: string, former: readonly string[] = []): readonly string[] {
  return [...former, text];
}

async function erase(flags: EraseFlags): Promise<number> {
  const defaults = defaultsFor(flags.definitions);
  const definitions = loadOrTell(defaults.definitionsDir);
  if (definitions === null) return EXIT.finding;
  const entity = entityNamed(definitions, flags.entity);
  const entityKey = encodeEntityKey(keysOf(entity, flags.key));
  const concerned = concernedBy(definitions, entity, entityKey);
  if (concerned.length === 0) throw new UsageError(`no view is of entity ${entity.name}: there is nothing to erase`);
  if (flags.yes !== true) {
    announce(concerned, entityKey, flags.json === true);
    return EXIT.finding;
  }
  const trail = await openTrail(flags);
  const log = await openLog(flags.log ?? defaults.log, flags, warnOnStderr);
  try {
    const id = randomUUID();
    const erased: Erased[] = [];
    for (const each of concerned) erased.push(await eraseFrom(log, each, id));
    // Whose events they were is nobody's business any more.
    await trail.record('erase', entity.name, { id, sources: erased });
    report(id, entityKey, erased, flags.json === true);
    return EXIT.ok;
  } finally {
    await trail.close();
    await log.close();
  }
}

function entityNamed({ entities }: Definitions, name: string | undefined): EntityDefinition {
  const known = [...entities.keys()].join(', ');
  if (name === undefined) throw new UsageError(`erase needs --entity; defined are: ${known}`);
  const entity = entities.get(name);
  if (entity !== undefined) return entity;
  const near = nearestName(name, entities.keys());
  throw new UsageError(
    `there is no entity ${name}; ${near === null ? `defined are: ${known}` : `did you mean ${near}?`}`,
  );
}

/** In the entity's order. Throws one `UsageError` that names everything wrong. */
function keysOf({ name: entity, keys }: EntityDefinition, given: readonly string[]): readonly Value[] {
  const texts = new Map<string, string>();
  const problems: string[] = [];
  const names = keys.map(({ name }) => name);
  for (const text of given) {
    const [, name = text, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (value === undefined) problems.push(`--key ${text}: expected name=value`);
    else if (!names.includes(name)) problems.push(`--key ${name}: entity ${entity} has the keys ${names.join(', ')}`);
    else if (texts.has(name)) problems.push(`--key ${name} is given twice`);
    else texts.set(name, value);
  }
  const values = keys.map(({ name, type }): Value => {
    const text = texts.get(name);
    if (text === undefined) {
      problems.push(`--key ${name}=… is missing (${type})`);
      return null;
    }
    const value = compileConverter({ kind: type })(jsonFromText(text, { kind: type }));
    if (!(value instanceof Fault)) return value;
    problems.push(`--key ${name}: ${value.message} (it is ${formatType({ kind: type })})`);
    return null;
  });
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return values;
}

function announce(concerned: readonly Concerned[], entityKey: string, json: boolean): void {
  const plain = concerned.map(({ source, views }) => ({ source: source.name, topic: source.topic, views }));
  if (json) {
    process.stdout.write(`${JSON.stringify({ entity_key: entityKey, would_erase: plain })}\n`);
    return;
  }
  process.stdout.write(`All events of ${entityKey} would be void:\n`);
  for (const { source, topic, views } of plain) {
    process.stdout.write(`  source ${source} (topic ${topic}): views ${views.join(', ')}\n`);
  }
  process.stdout.write('Nothing was erased; say --yes to do it. It cannot be taken back.\n');
}

function report(id: string, entityKey: string, erased: readonly Erased[], json: boolean): void {
  const position = encodePositionToken(new Map(erased.map(({ source, position: at }) => [source, at])));
  if (json) {
    process.stdout.write(`${JSON.stringify({ id, entity_key: entityKey, position, sources: erased })}\n`);
    return;
  }
  for (const { source, topic, position: at, views } of erased) {
    const partitions = formatCount(Object.keys(at).length, 'partition');
    process.stdout.write(`${source}: erased in ${partitions} of topic ${topic}, for views ${views.join(', ')}\n`);
  }
  process.stdout.write(`Reads with "after": "${position}" see it.\n`);
}
