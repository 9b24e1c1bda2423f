/** In which format vectors are asked for. */
import Negotiator from 'negotiator';
import { RequestError, item } from '../../problem.ts';

export const ARROW_TYPE = 'application/vnd.apache.arrow.stream';
const JSON_TYPE = 'application/json';
/** The first one is what `*` means. */
const OFFERED = [JSON_TYPE, `${JSON_TYPE}; charset=utf-8`, ARROW_TYPE];

/** By the header `accept`, with weights and wildcards (RFC 9110); throws 406 where nothing that it names is offered. */
export function acceptedFormat(accept: string | undefined): 'json' | 'arrow' {
  // What nearly all say.
  if (accept === undefined || accept === '*/*' || accept === JSON_TYPE) return 'json';
  const chosen = new Negotiator({ headers: { accept } }).mediaType(OFFERED);
  if (chosen === undefined) {
    const message = `vectors are answered as ${JSON_TYPE} or ${ARROW_TYPE}, and accept names neither`;
    throw new RequestError(406, [item('not_acceptable', null, message)]);
  }
  return chosen === ARROW_TYPE ? 'arrow' : 'json';
}
