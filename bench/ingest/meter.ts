/** Wall time, CPU time and memory of this process, from the first event to the last. */

/** `events`: those of this process, of two that share a topic. */
export interface Figures {
  readonly seconds: number;
  /** User and system time of all threads, the compiler's and the collector's too. */
  readonly cpu_seconds: number;
  readonly events: number;
  readonly rss_peak_mib: number;
}

export interface Meter {
  /** The first call counts. */
  begin(): void;
  end(events: number): void;
  figures(): Figures;
}

export function createMeter(): Meter {
  let startedMs: number | null = null;
  let cpu = process.cpuUsage();
  let figures: Figures | null = null;
  return {
    begin() {
      if (startedMs !== null) return;
      startedMs = performance.now();
      cpu = process.cpuUsage();
    },
    end(events) {
      const { user, system } = process.cpuUsage(cpu);
      figures = {
        seconds: (performance.now() - (startedMs ?? performance.now())) / 1e3,
        cpu_seconds: (user + system) / 1e6,
        events,
        rss_peak_mib: process.resourceUsage().maxRSS / 1024,
      };
    },
    figures() {
      if (figures === null) throw new Error('nothing was measured');
      return figures;
    },
  };
}
