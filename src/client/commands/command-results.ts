/** Common parts of the results of typed commands, for people and for `--json`. */

import type { KnownNames } from '../reader/known-names.ts';
import type { ReaderLink } from '../reader/reader-link.ts';
import type { Response } from '../session/requests.ts';
import type { Session } from '../session/session.ts';
import { type Result, refused } from './result.ts';

/** The parts of the client that ask the server, and that an answer updates. */
export interface CommandScope {
  readonly session: Session;
  readonly readerLink: ReaderLink;
  readonly names: KnownNames;
}

/** True for a refusal caused by the name of a room or a user. */
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
      return refused(
        of,
        'lost',
        'the connection was lost before the server answered; check whether it worked, and try again if not',
      );
    case 'malformed':
      return refused(of, 'failed', "the server's answer violates the protocol");
    default:
      return failure satisfies never;
  }
}

/** The answer has the wrong shape, so nothing else on this connection can be trusted. */
export function protocolError(scope: CommandScope, of: string): Result {
  scope.session.protocolError();
  return explainFailure(of, { type: 'malformed' });
}
