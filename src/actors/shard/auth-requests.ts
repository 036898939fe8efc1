/**
 * The requests of a session that auth has a part in: registration, the three ways to log in, logout and password change. A
 * login first asks auth, then has the registry attach the session, and ends with a replay.
 */

import type { ArgumentsOf, Request, VerbOf } from '../../protocol/verbs.ts';
import { type RefusalCode, refusal } from '../../protocol/vocabulary.ts';
import type { AuthAnswer } from '../auth/auth.ts';
import type { AuthCall } from '../auth/auth-api.ts';
import type { RegistryAnswer } from './ports.ts';
import { failureDetails } from './refusal-log.ts';
import { replay } from './replay.ts';
import type { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';

/** How long, and how often, to retry revoking the token of a client that disconnected during its logout. */
const REVOKE_TIMEOUT_MS = 60_000;
const REVOKE_RETRY_MS = 500;
/** Refusals while the auth thread restarts. */
const TRANSIENT: ReadonlySet<RefusalCode> = new Set(['unavailable', 'timed_out']);

export function handleAuthRequest(
  session: Session,
  context: SessionContext,
  request: Request<VerbOf<'auth'>>,
): Promise<void> {
  switch (request.verb) {
    case 'register':
      return register(session, context, request.id, request.values);
    case 'login':
      return login(session, context, request.id, request.values);
    case 'resume':
      return resume(session, context, request.id, request.values);
    case 'guest':
      return loginAsGuest(session, context, request.id, request.values);
    case 'logout':
      return logout(session, context, request.id);
    case 'password':
      return changePassword(session, context, request.id, request.values);
    default:
      return request satisfies never;
  }
}

async function register(
  session: Session,
  context: SessionContext,
  requestId: number,
  [user, password]: ArgumentsOf<'register'>,
): Promise<void> {
  const { address } = session.client;
  const answer = await context.auth.authenticate({ type: 'register', user, password, address });
  if (answer.type === 'refused') {
    const details = failureDetails('register.failed', user, address);
    return session.respond(refusal(requestId, answer.code), details);
  }
  const announced = await context.registry.announceAccount(session, answer.user);
  if (announced.type === 'done') logEvent(session, context, 'registered', answer.user);
  forward(session, requestId, announced);
}

async function login(
  session: Session,
  context: SessionContext,
  requestId: number,
  [user, password, lastId]: ArgumentsOf<'login'>,
): Promise<void> {
  const { address } = session.client;
  const call = { type: 'login', user, password, address } as const;
  await loginToAccount(session, context, requestId, call, lastId ?? null);
}

async function resume(
  session: Session,
  context: SessionContext,
  requestId: number,
  [user, token, lastId]: ArgumentsOf<'resume'>,
): Promise<void> {
  await context.resumeQueue.run(async () => {
    // The client may have disconnected while it was queued.
    if (session.isClosing) return;
    await loginToAccount(session, context, requestId, { type: 'resume', user, token }, lastId ?? null);
  });
}

async function loginToAccount(
  session: Session,
  context: SessionContext,
  requestId: number,
  call: AuthCall & { type: 'login' | 'resume' },
  lastId: number | null,
): Promise<void> {
  const answer = await context.auth.authenticate(call);
  if (answer.type === 'ok') return void (await attach(session, context, requestId, answer, lastId));
  const details = failureDetails('login.failed', call.user, session.client.address);
  session.respond(refusal(requestId, answer.code), details);
}

async function loginAsGuest(
  session: Session,
  context: SessionContext,
  requestId: number,
  [name]: ArgumentsOf<'guest'>,
): Promise<void> {
  const answer = await context.auth.authenticate({ type: 'claim', user: name });
  if (answer.type === 'refused') {
    const details = failureDetails('guest.failed', name, session.client.address);
    return session.respond(refusal(requestId, answer.code), details);
  }
  session.guestName = name;
  if (!(await attach(session, context, requestId, answer, null))) await session.releaseName();
}

/** Returns true if the registry attached the session. By then its replay has ended, or the session has. */
async function attach(
  session: Session,
  context: SessionContext,
  requestId: number,
  { user, record, token }: AuthAnswer & { type: 'ok' },
  lastId: number | null,
): Promise<boolean> {
  if (session.isClosing) return false;
  const isGuest = session.guestName !== undefined;
  session.pendingLogin = { requestId, token, expired: undefined };
  session.credential = record === undefined ? undefined : { user, record };
  const answer = await context.registry.attach(session, user, isGuest, lastId);
  session.pendingLogin = undefined;
  if (answer.type !== 'attached') {
    session.credential = undefined;
    forward(session, requestId, answer);
    return false;
  }
  logEvent(session, context, isGuest ? 'guest' : 'login', user);
  const farewell = await replay(session, context, answer.start);
  if (farewell !== undefined) session.close(farewell);
  return true;
}

/** Revokes the token first: once a client has `ok`, nobody can resume the session, even if the connection is lost meanwhile. */
async function logout(session: Session, context: SessionContext, requestId: number): Promise<void> {
  const { user, token } = session;
  // Earlier answers belong to this session: ids ascend within a session, and the next one may begin with smaller ids.
  await session.allAnswered();
  if (token !== undefined) {
    const answer = await revokeToken(session, context, { type: 'end', user, token });
    if (answer.type === 'refused') return session.respond(refusal(requestId, answer.code));
  }
  logEvent(session, context, 'logout', user);
  await session.leave();
  if (!session.isClosing) session.client.loggedOut();
  session.respond(['ok', requestId]);
}

/** Retries for a client that has disconnected, because it cannot log out again. */
async function revokeToken(
  session: Session,
  { auth }: SessionContext,
  call: AuthCall & { type: 'end' },
): Promise<AuthAnswer> {
  const deadline = performance.now() + REVOKE_TIMEOUT_MS;
  for (;;) {
    const answer = await auth.authenticate(call);
    const isTransient = answer.type === 'refused' && TRANSIENT.has(answer.code);
    if (!isTransient || !session.isClosing || performance.now() >= deadline) return answer;
    await new Promise((resolve) => setTimeout(resolve, REVOKE_RETRY_MS));
  }
}

async function changePassword(
  session: Session,
  context: SessionContext,
  requestId: number,
  [old, next]: ArgumentsOf<'password'>,
): Promise<void> {
  const { user } = session;
  const { address } = session.client;
  const asking = { shard: context.registry.incarnation, connection: session.id };
  const call = { type: 'change', user, password: old, next, address, asking } as const;
  const answer = await context.auth.authenticate(call);
  if (answer.type === 'refused') {
    const details = failureDetails('password.failed', user, address);
    return session.respond(refusal(requestId, answer.code), details);
  }
  logEvent(session, context, 'password.changed', user);
  session.respond(['ok', requestId]);
}

function forward(session: Session, requestId: number, answer: RegistryAnswer): void {
  session.respond(answer.type === 'refused' ? refusal(requestId, answer.code) : ['ok', requestId]);
}

function logEvent(session: Session, { log }: SessionContext, event: string, subject: string): void {
  log.info({ event, connection: session.id, subject }, event);
}
