/**
 * The command line: `skewless <command>`. Each command is one file that answers an exit code (0 ok, 1 finding,
 * 2 usage, 3 unreachable); flags not given come from their `SKEWLESS_…` variables.
 */
import { Command, CommanderError, type Option } from 'commander';
import { type Config, flagsFromEnvironment, variableOf } from '../config.ts';
import { UsageError } from '../flag-values.ts';
import { SkewlessError, messageOf } from '../core/errors.ts';
import { archiveCommand } from './archive.ts';
import { auditCommand } from './audit.ts';
import { checkCommand } from './check.ts';
import type { SecurityFlags } from './connect.ts';
import { EXIT } from './exit.ts';
import { eraseCommand } from './erase.ts';
import { dlqCommand } from './dlq.ts';
import { doctorCommand } from './doctor.ts';
import { ingestCommand } from './ingest.ts';
import { keysCommand } from './keys.ts';
import { planCommand } from './plan.ts';
import { pruneCommand } from './prune.ts';
import { startCommand } from './start.ts';
import { trailCommand } from './trail.ts';
import { trainCommand } from './train.ts';
import { verifyCommand } from './verify.ts';

/** Runs the roles a `Config` names until told to stop; given by the composition root. */
export type RunRoles = (config: Config, security: SecurityFlags) => Promise<number>;

/** Parses `argv` (without node and script), runs the command, answers the exit code. Never throws. */
export async function runProgram(argv: readonly string[], runRoles: RunRoles, version: string): Promise<number> {
  let exitCode: number = EXIT.ok;
  const finish = (code: number): void => {
    exitCode = code;
  };
  const program = new Command('skewless')
    .description(
      'Online feature serving on one streaming backbone: one definition, one engine, for serving and training.',
    )
    .version(version)
    .showHelpAfterError('(skewless <command> --help shows what it takes)')
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      '\nEvery flag has a variable: --store is SKEWLESS_STORE, or SKEWLESS_STORE_FILE naming a file that holds it.',
    );
  program.addCommand(startCommand(runRoles, finish));
  program.addCommand(ingestCommand(finish));
  program.addCommand(archiveCommand(finish));
  program.addCommand(trainCommand(finish));
  program.addCommand(auditCommand(finish));
  program.addCommand(verifyCommand(finish));
  program.addCommand(checkCommand(finish));
  program.addCommand(planCommand(finish));
  program.addCommand(pruneCommand(finish));
  program.addCommand(doctorCommand(finish));
  program.addCommand(dlqCommand(finish));
  program.addCommand(eraseCommand(finish));
  program.addCommand(keysCommand(finish));
  program.addCommand(trailCommand(finish));
  for (const command of [program, ...program.commands.flatMap((each) => [each, ...each.commands])])
    command.exitOverride();
  program.hook('preAction', (_program, command) => applyEnvironment(program, command));
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    return exitCodeOf(error);
  }
}

/** Gives the running command the flags that the environment sets and the command line does not. */
function applyEnvironment(program: Command, command: Command): void {
  const known = program.commands.flatMap((each) => each.options).map((option) => option.long?.slice(2) ?? '');
  const flags = flagsFromEnvironment(new Set(known));
  for (const option of command.options) {
    const text = flags.get(option.long?.slice(2) ?? '');
    const key = option.attributeName();
    if (text === undefined || command.getOptionValueSource(key) === 'cli') continue;
    command.setOptionValueWithSource(key, parseVariable(option, text), 'env');
  }
}

function parseVariable(option: Option, text: string): unknown {
  const variable = variableOf(option.long?.slice(2) ?? '');
  if (option.isBoolean()) {
    if (text !== 'true' && text !== 'false') throw new UsageError(`${variable}: "${text}" is neither true nor false`);
    return text === 'true';
  }
  try {
    return option.parseArg === undefined ? text : option.parseArg(text, undefined);
  } catch (error) {
    throw new UsageError(`${variable}: ${messageOf(error)}`, error);
  }
}

function exitCodeOf(error: unknown): number {
  // Commander has already said what is wrong, or printed the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  process.stderr.write(`skewless: ${messageOf(error)}\n`);
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof SkewlessError) return error.retryable ? EXIT.unreachable : EXIT.finding;
  if (error instanceof Error && error.stack !== undefined) process.stderr.write(`${error.stack}\n`);
  return EXIT.finding;
}
