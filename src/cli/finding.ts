/** What `skewless doctor` finds: each with what to do about it, where there is something to do. */

export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail';
  readonly what: string;
  readonly message: string;
  readonly mend: string | null;
}

export const ok = (what: string, message: string): Finding => ({ level: 'ok', what, message, mend: null });
export const warn = (what: string, message: string, mend: string): Finding => ({ level: 'warn', what, message, mend });
export const fail = (what: string, message: string, mend: string): Finding => ({ level: 'fail', what, message, mend });
