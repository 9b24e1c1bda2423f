/**
 * How a row of a selection becomes text, compiled once. What comes from views comes in *pieces*: texts of features that are
 * served one after the other and do not depend on the row, so that a fragment holds them joined. Between pieces stands
 * what is made for each row: derived features, and the time since an event.
 */
import type { Status } from '../core/status.ts';
import type { DerivedFeaturePlan, FeaturePlan, ViewFeaturePlan } from './feature-plan.ts';
import type { Fragment, StatusPlaces } from './fragment.ts';
import { WRITE_NATIVE } from './text.ts';

/** What a row reads of one appearance of a view: the key under which its fragments hang on states. */
export interface ViewPart {
  /** Index into the service's appearances. */
  readonly appearance: number;
  /** Id of the view: others may keep the same states, and read them otherwise. */
  readonly view: string;
  /** Served features; one that is relative to `as_of` stands alone. */
  readonly pieces: readonly (readonly ViewFeaturePlan[])[];
  /** By piece: whether `JSON.stringify` of its values is their text. */
  readonly isNative: readonly boolean[];
  /** Whether its texts are ASCII whatever the values; names are. */
  readonly isAscii: boolean;
  /** Features that derived ones read. */
  readonly inputs: readonly ViewFeaturePlan[];
  /** Whether its one piece is all that there is in a row. */
  readonly isWhole: boolean;
  /** What stands for the view where it is withheld as a whole, made when first needed. */
  readonly withheld: Map<Status, Fragment>;
  /** Statuses that fragments have in common, by a hash of them. */
  readonly others: Map<number, readonly StatusPlaces[]>;
}

/** One after the other they make the row. */
export interface Segment {
  /** Index into `parts`; −1: a derived feature. */
  readonly part: number;
  /** Index into the part's pieces, or into `derived`. */
  readonly index: number;
}

export interface RowPlan {
  /** Aligned with the selection's appearances. */
  readonly parts: readonly ViewPart[];
  readonly segments: readonly Segment[];
  /** In the order in which they are computed; those that only others read included. */
  readonly derived: readonly DerivedFeaturePlan[];
  /** Places of those that are served. */
  readonly derivedServed: readonly number[];
  /** Whether the texts of those that are served are ASCII whatever their values. */
  readonly isDerivedAscii: boolean;
}

/** `pieceMax`: how many features a piece may hold; 1 where each stands by itself, as in columns. */
export function compileRow(
  served: readonly FeaturePlan[],
  derived: readonly DerivedFeaturePlan[],
  inputs: readonly ViewFeaturePlan[],
  appearances: readonly number[],
  viewOf: (appearance: number) => string,
  pieceMax: number,
): RowPlan {
  const pieces = appearances.map((): ViewFeaturePlan[][] => []);
  const segments: Segment[] = [];
  for (const feature of served) {
    if (feature.kind === 'derived') {
      segments.push({ part: -1, index: derived.indexOf(feature) });
      continue;
    }
    const part = appearances.indexOf(feature.appearance);
    const ofPart = pieces[part] as ViewFeaturePlan[][];
    const last = segments.at(-1)?.part === part ? ofPart.at(-1) : undefined;
    const isOpen = last !== undefined && last.length < pieceMax && last[0]?.relativeToAsOf === false;
    if (isOpen && !feature.relativeToAsOf) {
      last.push(feature);
      continue;
    }
    segments.push({ part, index: ofPart.length });
    ofPart.push([feature]);
  }
  const isWhole = appearances.length === 1 && segments.length === 1 && derived.length === 0;
  const parts = appearances.map((appearance, part): ViewPart => {
    const ofPart = pieces[part] as ViewFeaturePlan[][];
    return {
      appearance,
      view: viewOf(appearance),
      pieces: ofPart,
      isNative: ofPart.map((features) =>
        features.every(({ write, relativeToAsOf }) => write === WRITE_NATIVE && !relativeToAsOf),
      ),
      isAscii: ofPart.flat().every(({ isAscii }) => isAscii),
      inputs: inputs.filter((input) => input.appearance === appearance),
      isWhole,
      withheld: new Map(),
      others: new Map(),
    };
  });
  const isDerivedAscii = served.every((feature) => feature.kind === 'view' || feature.isAscii);
  const derivedServed = served.flatMap((feature) => (feature.kind === 'derived' ? [feature.place] : []));
  return { parts, segments, derived, derivedServed, isDerivedAscii };
}
