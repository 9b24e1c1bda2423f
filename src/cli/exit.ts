/** What a command's exit code says to a script. */
export const EXIT = { ok: 0, finding: 1, usage: 2, unreachable: 3 } as const;
