/**
 * A Dockerfile without Docker: its steps, run in empty folders. What cannot be done so (a root of its own, users, layers)
 * is not claimed; what can is what breaks: files that are missing, commands that fail, a program that does not start.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

interface Instruction {
  readonly name: string;
  readonly text: string;
}

interface Stage {
  readonly base: string;
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

/** What a stage has come to. Paths are those of the image; `root` is the folder that stands for its `/`. */
export interface Image {
  readonly root: string;
  readonly base: string;
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly user: string;
  readonly volumes: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly healthcheck: readonly string[];
}

type Draft = { -readonly [Key in keyof Image]: Image[Key] };

export interface Exited {
  readonly code: number | null;
  readonly output: string;
}

/** Comments go, continued lines join. */
export function parseDockerfile(text: string): readonly Stage[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll('\\\n', ' ')
    .split('\n');
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  for (const line of lines.filter((each) => each.trim() !== '')) {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === 'FROM') {
      const [base = '', , as = ''] = rest.split(/\s+/);
      stages.push({ base, name: as, instructions: [] });
    } else stages.at(-1)?.instructions.push({ name, text: rest.trim() });
  }
  return stages;
}

/** Whether the file is sent to the build. Knows `*`, plain paths and `!`; the last that matches decides. */
export function isInContext(dockerignore: string, path: string): boolean {
  let included = true;
  for (const line of dockerignore.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
    const pattern = line.replace(/^!/, '');
    if (pattern !== '*' && /[*?[]/.test(pattern)) throw new Error(`this reader of .dockerignore does not know ${line}`);
    if (pattern === '*' || path === pattern || path.startsWith(`${pattern}/`)) included = line.startsWith('!');
  }
  return included;
}

/** Builds every stage below `folder`; answers the last. */
export function buildImage(context: string, folder: string): Image {
  const stages = parseDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'));
  const dockerignore = readFileSync(join(context, '.dockerignore'), 'utf8');
  const built = new Map<string, Draft>();
  let last: Draft | undefined;
  for (const [index, { base, name, instructions }] of stages.entries()) {
    last = emptyImage(base, join(folder, `${index}`));
    for (const instruction of instructions) {
      if (instruction.name === 'COPY') copy(last, instruction.text, context, dockerignore, built);
      else apply(last, instruction);
    }
    built.set(name, last);
  }
  if (last === undefined) throw new Error('a Dockerfile has a stage');
  return last;
}

/** The base image has a Node in this place. */
function emptyImage(base: string, root: string): Draft {
  const bin = join(root, 'usr/local/bin');
  mkdirSync(bin, { recursive: true });
  copyFileSync(process.execPath, join(bin, 'node'));
  chmodSync(join(bin, 'node'), 0o755);
  const nothing = { volumes: [], entrypoint: [], cmd: [], healthcheck: [] };
  return { root, base, env: {}, workdir: '/', user: 'root', ...nothing };
}

function apply(image: Draft, { name, text }: Instruction): void {
  switch (name) {
    case 'WORKDIR':
      image.workdir = posix.resolve(image.workdir, text);
      mkdirSync(join(image.root, image.workdir), { recursive: true });
      return;
    case 'ENV':
      image.env = { ...image.env, ...Object.fromEntries(text.split(/\s+/).map((pair) => pair.split('=', 2))) };
      return;
    case 'RUN':
      runStep(image, text);
      return;
    case 'USER':
      image.user = text;
      return;
    case 'VOLUME':
      image.volumes = [...image.volumes, text];
      return;
    case 'ENTRYPOINT':
      image.entrypoint = JSON.parse(text) as string[];
      return;
    case 'CMD':
      image.cmd = JSON.parse(text) as string[];
      return;
    case 'HEALTHCHECK':
      image.healthcheck = JSON.parse(text.slice(text.indexOf('CMD') + 'CMD'.length)) as string[];
      return;
    case 'EXPOSE':
      return;
    default:
      throw new Error(`this reader of Dockerfiles does not know ${name}`);
  }
}

function runStep(image: Draft, command: string): void {
  const { status, stdout, stderr } = spawnSync('sh', ['-euc', inRoot(image, command)], {
    cwd: join(image.root, image.workdir),
    env: { ...environmentOf(image), HOME: process.env['HOME'] ?? '', npm_config_prefer_offline: 'true' },
    encoding: 'utf8',
    timeout: 300_000,
  });
  if (status !== 0) throw new Error(`RUN ${command}: ${status}\n${stdout}\n${stderr}`);
}

/** Absolute paths of the image, as words or at a word's start, → below its folder. */
function inRoot({ root }: Image, text: string): string {
  return text.replaceAll(/(^|\s)\/(?=[a-z])/g, `$1${root}/`);
}

function environmentOf({ root, env }: Image): Record<string, string> {
  const npm = dirname(spawnSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).stdout.trim());
  return { PATH: `${join(root, 'usr/local/bin')}:${npm}:/usr/bin:/bin`, ...env };
}

function copy(
  image: Draft,
  text: string,
  context: string,
  dockerignore: string,
  built: ReadonlyMap<string, Image>,
): void {
  const words = text.split(/\s+/);
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
  const paths = words.filter((word) => !word.startsWith('--'));
  const target = join(image.root, posix.resolve(image.workdir, paths.at(-1) ?? '.'));
  const source = from === undefined ? context : built.get(from)?.root;
  if (source === undefined) throw new Error(`COPY --from=${from}: there is no such stage`);
  for (const path of paths.slice(0, -1)) {
    const isFolder = statSync(join(source, path)).isDirectory();
    const to = isFolder ? target : join(target, posix.basename(path));
    const filter = (file: string): boolean =>
      from !== undefined || statSync(file).isDirectory() || isInContext(dockerignore, posix.relative(context, file));
    if (!isFolder && !filter(join(source, path))) throw new Error(`COPY ${path}: .dockerignore leaves it out`);
    cpSync(join(source, path), to, { recursive: true, filter, verbatimSymlinks: true });
  }
}

export interface Container {
  /** What it has printed. */
  output(): string;
  running(): boolean;
  stop(signal?: NodeJS.Signals): Promise<Exited>;
}

/** Whoever is not root here is the user; root becomes nobody, as the image's user is not root. */
const NOBODY = 65_534;

/** Starts the image's program as a user who owns nothing in it; `command` is in the place of `CMD`. */
export function runImage(image: Image, command: readonly string[], env: Readonly<Record<string, string>>): Container {
  return launch(image, [...image.entrypoint, ...command], env);
}

/** The exit code of the image's health check. */
export async function checkHealth(image: Image, env: Readonly<Record<string, string>>): Promise<number | null> {
  return (await launch(image, image.healthcheck, env).stop(undefined)).code;
}

function launch(image: Image, words: readonly string[], env: Readonly<Record<string, string>>): Container {
  const [program = '', ...args] = words.map((word) => inRoot(image, word));
  const child = spawn(program, args, {
    cwd: join(image.root, image.workdir),
    env: { ...environmentOf(image), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}),
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<Exited>((resolve) => {
    child.once('close', (code) => {
      process.off('exit', kill);
      resolve({ code, output });
    });
  });
  return {
    output: () => output,
    running: () => child.exitCode === null && child.signalCode === null,
    stop: (signal) => {
      if (signal !== undefined) child.kill(signal);
      return exited;
    },
  };
}

/** Nobody may write below it any more, also where the tests do not run as root. */
export function freeze(folder: string): void {
  spawnSync('chmod', ['-R', 'a-w', folder]);
}

/** Its files, with their sizes and times. */
export function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const { size, mtimeMs } = statSync(join(folder, name), { throwIfNoEntry: false }) ?? { size: 0, mtimeMs: 0 };
      return `${name} ${size} ${mtimeMs}`;
    });
}
