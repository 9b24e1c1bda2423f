/** A progress bar for people: on standard error, only where that is a terminal. */
import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  /** Share done, 0 to 1; null where it cannot be told. */
  update(share: number | null, note: string): void;
  /** Leaves the bar as it stands. */
  finish(note: string): void;
}

export function showProgress(title: string): Progress {
  if (!process.stderr.isTTY) return { update: () => undefined, finish: () => undefined };
  const bar = new SingleBar(
    { format: `${title} {bar} {percentage}% {note}`, hideCursor: true, stream: process.stderr, gracefulExit: false },
    Presets.shades_classic,
  );
  bar.start(1_000, 0, { note: '' });
  return {
    update: (share, note) => (share === null ? bar.update({ note }) : bar.update(Math.round(share * 1_000), { note })),
    finish(note) {
      bar.update(1_000, { note });
      bar.stop();
    },
  };
}
