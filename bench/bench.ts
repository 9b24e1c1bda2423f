/** `npm run bench`: what the engine costs, as ratios, so that they mean the same on any machine. `--json` for scripts. */
import { parseArgs } from 'node:util';
import { type AccessFigures, benchAccess } from './access.ts';
import { type EvaluateFigures, benchEvaluate } from './evaluate.ts';
import { type FoldFigures, benchFold } from './fold.ts';

const { values: options } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '15' } },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds is ${options.rounds}, not a positive integer`);

const fold = benchFold(rounds);
const evaluate = benchEvaluate(rounds);
const access = benchAccess(rounds);
if (options.json) console.log(JSON.stringify({ fold, evaluate, access }, null, 2));
else console.log([...foldLines(fold), '', ...evaluateLines(evaluate), '', ...accessLines(access)].join('\n'));

function foldLines({ json_parse_ns, event_bytes, views }: FoldFigures): string[] {
  const rows = views.map((view) => [
    view.view,
    String(view.outputs),
    String(view.entities),
    view.fold_ns.toFixed(0),
    view.fold_over_json_parse.toFixed(2),
    String(view.state_bytes_mean),
    String(view.state_bytes_max),
  ]);
  return [
    `fold, with sealing and encoding, ÷ JSON.parse of the event (${json_parse_ns.toFixed(0)} ns for ${event_bytes} bytes)`,
    ...table(['view', 'outputs', 'entities', 'ns', 'ratio', 'bytes/state', 'largest'], rows),
  ];
}

function evaluateLines({ features, cases }: EvaluateFigures): string[] {
  const rows = cases.map((each) => [
    String(each.head_events),
    String(each.tiles),
    each.evaluate_us.toFixed(1),
    each.naive_us.toFixed(1),
    each.evaluate_over_naive.toFixed(3),
    String(each.state_bytes),
  ]);
  return [
    `evaluate of ${features} features ÷ going over the events once for each, in plain doubles`,
    ...table(['head', 'tiles', 'µs', 'naive µs', 'ratio', 'bytes/state'], rows),
  ];
}

function accessLines({ keys, sha256_ns, known_ns, unknown_ns, known_over_sha256 }: AccessFigures): string[] {
  const row = [known_ns.toFixed(0), unknown_ns.toFixed(0), known_over_sha256.toFixed(2)];
  return [
    `knowing the caller's key among ${keys} ÷ one SHA-256 of its text (${sha256_ns.toFixed(0)} ns)`,
    ...table(['ns', 'unknown ns', 'ratio'], [row]),
  ];
}

/** Columns as wide as their widest cell; all but the first to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)));
  return [head, ...rows].map((row) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  '),
  );
}
