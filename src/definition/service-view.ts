/** The views a service reads: `view.*`, `view.feature`, or `{ view, keys, prefix, features }`. */
import { nearestName } from '../core/suggest.ts';
import { child, entries, isMapping, items, report, textAt } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import { findVersioned } from './find.ts';
import type { FeatureOutline, ViewDraft } from './view.ts';

/** One entry of a service's `features`. */
export interface ServiceView {
  readonly cursor: Cursor;
  readonly view: ViewDraft;
  readonly prefix: string;
  /** Declared key mappings: entity key → the cursor of its expression. */
  readonly keys: ReadonlyMap<string, Cursor>;
  /** False when a mapping could not be read. */
  readonly complete: boolean;
  /** What it contributes, in order: index into the view's outlines, and where it was asked for. */
  readonly chosen: readonly { readonly cursor: Cursor; readonly index: number }[];
}

export interface ServiceContext {
  readonly views: ReadonlyMap<string, ViewDraft>;
  /** False when a file could not be read, so that views may be missing. */
  readonly complete: boolean;
}

/** Null after a report, or where the view's file could not be read. */
export function readServiceView(cursor: Cursor, context: ServiceContext): ServiceView | null {
  if (!isMapping(cursor.value)) return readShortForm(cursor, context);
  const viewCursor = child(cursor, 'view');
  const view = viewCursor ? resolveView(viewCursor, String(viewCursor.value), context) : null;
  if (view === null) return null;
  const keysCursor = child(cursor, 'keys');
  const keys = new Map(entries(keysCursor));
  const listed = child(cursor, 'features');
  const declaredCount = isMapping(keysCursor?.value) ? Object.keys(keysCursor.value).length : 0;
  return {
    cursor,
    view,
    prefix: readPrefix(cursor),
    keys,
    complete: keysCursor !== null && keys.size === declaredCount && checkMappedKeys(view, keys),
    chosen:
      listed === undefined
        ? select(cursor, view, '*')
        : items(listed).flatMap((at) => select(at, view, String(at.value))),
  };
}

function readShortForm(cursor: Cursor, context: ServiceContext): ServiceView | null {
  const [reference = '', feature = ''] = String(cursor.value).split('.');
  const view = resolveView(cursor, reference, context);
  if (view === null) return null;
  return { cursor, view, prefix: '', keys: new Map(), complete: true, chosen: select(cursor, view, feature) };
}

/** `dest` means `dest_`: the joint is part of every prefix. */
function readPrefix(cursor: Cursor): string {
  const prefix = textAt(cursor, 'prefix') ?? '';
  return prefix === '' || prefix.endsWith('_') ? prefix : `${prefix}_`;
}

function resolveView(cursor: Cursor, reference: string, context: ServiceContext): ViewDraft | null {
  const view = findVersioned(context.views, reference);
  if (view !== null || !context.complete) return view;
  const [name = ''] = reference.split('@');
  const versions = [...context.views.values()].filter((candidate) => candidate.name === name);
  const names = new Set([...context.views.values()].map((candidate) => candidate.name));
  report(cursor, 'unknown_reference', 'there is no such view', {
    expected: versions.length > 0 ? `one of ${versions.map((v) => `${v.name}@${v.version}`).join(', ')}` : null,
    found: reference,
    suggestion: versions.length > 0 ? name : nearestName(name, names),
  });
  return null;
}

function checkMappedKeys(view: ViewDraft, keys: ReadonlyMap<string, Cursor>): boolean {
  if (view.entity === null) return false;
  const known = view.entity.definition.keys.map((key) => key.name);
  let sound = true;
  for (const [name, at] of keys) {
    if (known.includes(name)) continue;
    sound = false;
    if (!view.entity.complete) continue;
    const details = { expected: `one of ${known.join(', ')}`, suggestion: nearestName(name, known) };
    report(at, 'unknown_reference', `${name} is no entity key of ${view.name}`, details, 'key');
  }
  return sound;
}

/** Outputs by `*`, by full name, or all windows of a feature by its declared name. */
function select(cursor: Cursor, view: ViewDraft, name: string): ServiceView['chosen'] {
  const matching = (test: (outline: FeatureOutline) => boolean) =>
    view.outlines.flatMap((outline, index) => (test(outline) ? [{ cursor, index }] : []));
  if (name === '*') return matching(() => true);
  const exact = matching((outline) => outline.name === name);
  const chosen = exact.length > 0 ? exact : matching((outline) => outline.baseName === name);
  if (chosen.length === 0 && view.complete) {
    const known = view.outlines.flatMap((outline) => [outline.name, outline.baseName]);
    report(cursor, 'unknown_reference', `${view.name} has no feature ${name}`, {
      expected: listed(view.outlines.map((outline) => outline.name)),
      suggestion: nearestName(name, known),
    });
  }
  return chosen;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 20).join(', ');
  return `one of ${shown}${names.length > 20 ? `, … (${names.length})` : ''}`;
}
