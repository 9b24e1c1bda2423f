/** Derived features: each may use others, in any written order; a circle is an error that names it. */
import { type GovernedTexts, readGovernedTexts } from './catalog-texts.ts';
import { child, items, report, textAt } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import type { DerivedFeature } from './definition.ts';
import { compileText, namesIn } from './expression-text.ts';
import type { Columns } from './expression-text.ts';

export interface DerivedDraft extends GovernedTexts {
  readonly name: string;
  readonly cursor: Cursor;
}

export function readDerivedDrafts(service: Cursor): readonly DerivedDraft[] {
  return items(child(service, 'derived')).map((cursor) => ({
    name: textAt(cursor, 'name') ?? '',
    cursor,
    ...readGovernedTexts(cursor),
  }));
}

/** The compiled features, each after those it uses. Ones with problems are left out, after a report. */
export function compileDerived(
  drafts: readonly DerivedDraft[],
  columns: Columns,
  slotOf: (name: string) => number,
): readonly DerivedFeature[] {
  const scope = new Map(columns.scope);
  const broken = new Set(columns.broken);
  const done: DerivedFeature[] = [];
  let waiting = drafts.filter((draft) => draft.name !== '');
  const attempt = (draft: DerivedDraft): boolean => {
    const at = child(draft.cursor, 'expr');
    const unfinished = waiting.map((other) => other.name);
    const tried = { scope, broken: new Set([...broken, ...unfinished]), complete: columns.complete };
    const expression = at ? compileText(at, tried) : null;
    if (expression === null) return false;
    done.push({ name: draft.name, ...expression.result, expression });
    scope.set(draft.name, { ...expression.result, slot: slotOf(draft.name) });
    return true;
  };
  for (let progress = true; progress; ) {
    const names = new Set(waiting.map((draft) => draft.name));
    const ready = waiting.filter((draft) => !usedNames(draft).some((name) => names.has(name)));
    // A keyword may look like a feature's name: when nothing else is ready, the rest is simply tried.
    const candidates = ready.length > 0 ? ready : waiting;
    const before = waiting.length;
    for (const draft of candidates) {
      const compiled = attempt(draft);
      if (!compiled && ready.length > 0) broken.add(draft.name);
      if (compiled || ready.length > 0) waiting = waiting.filter((other) => other !== draft);
    }
    progress = waiting.length < before;
  }
  reportCycles(waiting);
  return done;
}

function usedNames(draft: DerivedDraft): readonly string[] {
  return namesIn(textAt(draft.cursor, 'expr') ?? '');
}

/** What is left waits for itself, directly or through others: each circle is reported once, at its first member. */
function reportCycles(waiting: readonly DerivedDraft[]): void {
  const byName = new Map(waiting.map((draft) => [draft.name, draft]));
  const settled = new Set<string>();
  for (const start of waiting) {
    const trail: string[] = [];
    let current: DerivedDraft | undefined = start;
    while (current !== undefined && !settled.has(current.name) && !trail.includes(current.name)) {
      trail.push(current.name);
      current = usedNames(current)
        .map((name) => byName.get(name))
        .find((next) => next !== undefined);
    }
    if (current !== undefined && !settled.has(current.name)) {
      const circle = [...trail.slice(trail.indexOf(current.name)), current.name];
      const at = child(current.cursor, 'expr') ?? current.cursor;
      report(at, 'cycle', `derived features use each other in a circle: ${circle.join(' → ')}`);
    }
    for (const name of trail) settled.add(name);
  }
}
