/**
 * Runs what is typed: each line is composed by the writer thread, then carried out through the session, and comes
 * to a result. Lines are run one after another; of a message only the sending is waited for, not the answer.
 */

import { randomBytes } from 'node:crypto';
import type { Thread } from '../actors/thread.ts';
import { foldName } from '../chat/names.ts';
import { password as passwordSpec } from '../commands/arguments.ts';
import { timerDelay, within } from '../common/deadline.ts';
import { type Asker, conclude, explainFailure } from './answers.ts';
import { openInBrowser } from './browser.ts';
import { explain } from './help.ts';
import { recall } from './history.ts';
import { type Message, PENDING_LIMIT } from './outgoing.ts';
import type { LocalPlan, Plan, RemotePlan } from './plan.ts';
import { done, type Result, refused } from './result.ts';
import { type Search, search } from './search.ts';
import type { WriterApi } from './writer.worker.ts';

export interface DeskOptions extends Asker {
  readonly writer: Thread<WriterApi>;
  readonly displayFile: string;
  /** Lines come from a script: it waits for a connection, where a person is told that there is none. */
  readonly isScript: boolean;
  /** Asks for a password; undefined when the input has ended. */
  secret(question: string): Promise<string | undefined>;
  /** Waits until the reader has seen the text in an event; false when it has not within the time. */
  seen(text: string, timeoutMs: number): Promise<boolean>;
  quit(): void;
}

export interface Running {
  /** Settles with the result; undefined for a line that asks for nothing. */
  readonly finished: Promise<Result | undefined>;
}

/** How long a script waits for a connection, and for a message to be acknowledged, before a line counts as refused. */
const PATIENCE_MS = 60_000;
/** How long what looks back waits for the end of a replay. In ms. */
const REPLAY_MS = 10_000;
/** Random bytes of a message's key; 16 characters. */
const KEY_BYTES = 12;

export class Desk {
  /** The conversation that plain text goes to. */
  current: string | null = null;
  /** What `/search` alone goes on with. */
  #search: Search | undefined;
  readonly #options: DeskOptions;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** Resolves when the next line may be run. */
  async start(line: string): Promise<Running> {
    const { session, writer, readerLink, isScript } = this.#options;
    if (readerLink.isFull) {
      return finished(refused('line', 'full', 'the display cannot keep up: try again in a moment'));
    }
    const context = { current: this.current, isScript };
    const requestId = session.nextRequestId();
    const key = randomBytes(KEY_BYTES).toString('base64url');
    const outcome = await writer.call((api) => api.compose(line, context, requestId, key));
    if (outcome.type !== 'answered') {
      return finished(refused('line', 'failed', 'the writer thread does not answer: start the client again'));
    }
    const composed = outcome.value;
    switch (composed.type) {
      case 'nothing':
        return finished(undefined);
      case 'refused':
        return finished(refused(composed.of, 'bad_line', composed.text));
      case 'local':
        return finished(await this.#runLocally(composed.plan));
      case 'request':
        if (composed.plan.type === 'send') {
          return this.#send({ ...composed.plan, requestId, key, frame: composed.frame });
        }
        return finished(await this.#request(composed.plan, requestId, composed.frame));
      default:
        return composed satisfies never;
    }
  }

  #send(message: Message): Running {
    const { session, readerLink, isScript } = this.#options;
    const { to, text, key } = message;
    if (session.outgoing.size >= PENDING_LIMIT) {
      const reason = `${PENDING_LIMIT} messages wait for the server already: this one was not sent`;
      return finished(refused('send', 'full', reason));
    }
    const from = session.user;
    readerLink.expect(message.requestId, { type: 'send', key, to });
    readerLink.show({ type: 'message', id: null, at: Date.now(), from, to, text, own: true, tag: key });
    const sent = session.outgoing.send(message).then((outcome): Result => {
      if (outcome.type === 'stored') {
        const { id, at } = outcome;
        return done('send', [], { id, at, to, text });
      }
      const isUnsure = outcome.code === 'lost';
      readerLink.show({ type: 'failed', tag: key, text: outcome.text, isUnsure });
      return refused('send', outcome.code, `not sent to ${to}: ${outcome.text}`);
    });
    return { finished: isScript ? withinPatience(sent) : sent };
  }

  async #request(
    plan: Exclude<RemotePlan, { type: 'send' }>,
    requestId: number,
    frame: Uint8Array,
  ): Promise<Result> {
    const { session, readerLink } = this.#options;
    if (!(await this.#isOnline())) return offline(plan.type);
    if (plan.type === 'join' || plan.type === 'leave') {
      readerLink.expect(requestId, { type: plan.type, room: plan.room, user: session.user });
    }
    const result = await conclude(this.#options, plan, await session.request(requestId, frame));
    if (result.ok && plan.type === 'join') this.current = plan.room;
    if (result.ok && plan.type === 'leave' && foldName(plan.room) === foldName(this.current ?? '')) {
      this.current = null;
    }
    return result;
  }

  async #runLocally(plan: LocalPlan): Promise<Result> {
    const { displayFile, isScript } = this.#options;
    switch (plan.type) {
      case 'to':
        this.current = plan.conversation;
        return done('to', [`what you type goes to ${plan.conversation}`], { to: plan.conversation });
      case 'help': {
        const help = explain(plan.topic, isScript);
        return help.type === 'help' ? done('help', help.lines) : refused('help', 'bad_line', help.text);
      }
      case 'history':
      case 'search':
        return this.#lookBack(plan);
      case 'password':
        return this.#changePassword();
      case 'open': {
        const failure = await openInBrowser(displayFile);
        return failure === undefined ? done('open', []) : refused('open', 'failed', failure);
      }
      case 'wait':
        await new Promise((resolve) => setTimeout(resolve, timerDelay(plan.seconds * 1_000)).unref());
        return done('wait', []);
      case 'wait-for': {
        const { text, seconds } = plan;
        if (await this.#options.seen(text, seconds * 1_000)) return done('wait-for', []);
        return refused('wait-for', 'not_found', `nothing came that contains "${text}" within ${seconds} s`);
      }
      case 'quit':
        this.#options.quit();
        return done('quit', []);
      default:
        return plan satisfies never;
    }
  }

  async #lookBack(plan: Extract<Plan, { type: 'history' | 'search' }>): Promise<Result> {
    const { session } = this.#options;
    if (!(await this.#isOnline())) return offline(plan.type);
    if (!(await session.whenLive(REPLAY_MS))) {
      return refused(plan.type, 'offline', 'what you missed is still coming: try again in a moment');
    }
    if (plan.type === 'history') {
      const { conversation, count } = plan;
      const again = conversation === this.current ? '/history' : `/history ${conversation}`;
      return recall(this.#options, conversation, count, again);
    }
    const { query, conversation } = plan;
    const wanted = query === null ? this.#search : { query, conversation, before: null };
    if (wanted === undefined) {
      return refused('search', 'bad_line', 'there is nothing to go on with: type /search WORDS');
    }
    const { result, next } = await search(this.#options, wanted);
    this.#search = next;
    return result;
  }

  async #changePassword(): Promise<Result> {
    const { session, secret, isScript } = this.#options;
    // Asked for also when there is no connection: lines typed ahead that are passwords must not become messages.
    const old = await secret('Present password: ');
    const next = old === undefined ? undefined : await secret('New password: ');
    if (old === undefined || next === undefined) {
      return refused('password', 'bad_line', 'the input ended before both passwords');
    }
    if (!passwordSpec.is(next)) return refused('password', 'bad_password', passwordSpec.rule);
    if (!isScript && (await secret('New password again: ')) !== next) {
      return refused('password', 'bad_line', 'the two new passwords differ: the old one stays');
    }
    if (!(await this.#isOnline())) return offline('password');
    const response = await session.changePassword(old, next);
    if (response.type !== 'ok') return explainFailure('password', response);
    return done('password', ['your password is changed; your other sessions have ended']);
  }

  #isOnline(): Promise<boolean> {
    return this.#options.session.whenOnline(this.#options.isScript ? PATIENCE_MS : 0);
  }
}

function finished(result: Result | undefined): Running {
  return { finished: Promise.resolve(result) };
}

function offline(of: string): Result {
  return refused(of, 'offline', 'there is no connection right now: try again when it is back');
}

function withinPatience(sent: Promise<Result>): Promise<Result> {
  const text = `not acknowledged within ${PATIENCE_MS / 1_000} s; it may yet be sent`;
  return within(sent, PATIENCE_MS, refused('send', 'timed_out', text));
}
