/** Erasing an entity: its state becomes one that never was, and so does what is stored of it. */
import { type EntityState, NO_BYTES } from './entity-state.ts';

/** Nothing may be folded into the state until the change was taken (codec.ts): the stored tiles go with the head. */
export function eraseState(state: EntityState): void {
  const { stored } = state;
  state.head.clear();
  for (const tiles of state.tiles) tiles.length = 0;
  state.sealedUntilMs = -Infinity;
  state.sealedNewestMs = -Infinity;
  state.version = 0;
  state.headIds = null;
  stored.checksum = 0;
  stored.appended = 0;
  stored.scattered = null;
  stored.late = 0;
  stored.rewrite = true;
  stored.tiles = NO_BYTES;
  stored.erased = stored.version > 0;
}
