/** Lists in pages: `{items, next_page_token}`, sorted by id, with `limit` and `page_token`. */
import { type Static, type TSchema, Type } from 'typebox';
import { RequestError, item } from '../../problem.ts';

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 200;

export const PageQuerySchema = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT, description: 'Items a page' }),
    page_token: Type.Optional(Type.String({ maxLength: 512, description: '`next_page_token` of the page before' })),
  },
  { additionalProperties: false },
);

type PageQuery = Static<typeof PageQuerySchema>;

export function pageSchema(items: TSchema): TSchema {
  return Type.Object(
    {
      items: Type.Array(items),
      next_page_token: Type.Unsafe<string | null>({
        type: ['string', 'null'],
        description: 'null: this is the last page',
      }),
    },
    { additionalProperties: false },
  );
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextPageToken: string | null;
}

/** The page after the id in the token; ids that came or went in between are neither repeated nor missed. */
export function pageOf<T>(all: ReadonlyMap<string, T>, { limit, page_token: token }: PageQuery): Page<T> {
  const after = token === undefined ? null : decodeToken(token);
  const ids = [...all.keys()].toSorted().filter((id) => after === null || id > after);
  const shown = ids.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map((id) => all.get(id) as T),
    nextPageToken: ids.length > shown.length && last !== undefined ? encodeToken(last) : null,
  };
}

function encodeToken(id: string): string {
  return Buffer.from(JSON.stringify({ after: id }), 'utf8').toString('base64url');
}

function decodeToken(token: string): string {
  try {
    const parsed = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as { after?: unknown } | null;
    if (typeof parsed?.after === 'string') return parsed.after;
  } catch {
    // Refused below, like any other text that is not ours.
  }
  throw new RequestError(400, [item('invalid_page_token', '/query/page_token', 'not a page token of this list')]);
}
