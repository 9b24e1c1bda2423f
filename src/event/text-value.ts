/** Values written as plain text (query parameters, flags), as JSON would hold them. */
import type { ValueType } from '../core/value.ts';

/** Text that is not of the type stays text, and is refused like any wrong type. */
export function jsonFromText(text: string, type: ValueType): unknown {
  switch (type.kind) {
    case 'int':
      return /^-?(0|[1-9]\d*)$/.test(text) ? Number(text) : text;
    case 'double':
      return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : text;
    case 'timestamp':
      return /^-?\d+$/.test(text) ? Number(text) : text;
    case 'bool':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'array':
    case 'struct':
      return parsedOr(text);
    case 'string':
    case 'int64':
      return text;
  }
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
