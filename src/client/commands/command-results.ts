/** What is common to the results of typed commands, for people and for `--json`. */

import type { KnownNames } from '../reader/known-names.ts';
import type { ReaderLink } from '../reader/reader-link.ts';
import type { Response } from '../session/requests.ts';
import type { Session } from '../session/session.ts';
import { type Result, refused } from './result.ts';

/** Who asked, and what an answer changes. */
export interface Asker {
  readonly session: Session;
  readonly readerLink: ReaderLink;
  readonly names: KnownNames;
}

/** True for a refusal whose reason is the name of a room or a person. */
export function isAboutName(code: string): boolean {
  return code === 'no_such_room' || code === 'no_such_user' || code === 'not_a_member';
}

export function explainFailure(
  of: string,
  failure: Exclude<Response, { type: 'ok' }> | { readonly type: 'malformed' },
): Result {
  switch (failure.type) {
    case 'error':
      return refused(of, failure.code, failure.text);
    case 'lost':
      return refused(of, 'lost', 'the connection was lost before the server answered: look, and try again');
    case 'malformed':
      return refused(of, 'failed', 'the server gave an answer that the protocol does not allow');
    default:
      return failure satisfies never;
  }
}

/** An answer of the wrong shape: nothing else on this connection can be relied on. */
export function distrust(asker: Asker, of: string): Result {
  asker.session.protocolError();
  return explainFailure(of, { type: 'malformed' });
}
