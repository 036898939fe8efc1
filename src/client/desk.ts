/**
 * Runs what is typed: each line is composed by the writer thread, then carried out through the session, and comes
 * to a result. Lines are run one after another; of a message only the sending is waited for, not the answer.
 */

import { randomBytes } from 'node:crypto';
import type { Thread } from '../actors/thread.ts';
import { openInBrowser } from './browser.ts';
import type { Plan } from './commands.ts';
import type { KnownNames } from './completion.ts';
import { explain } from './help.ts';
import type { Inflow } from './inflow.ts';
import { describeRooms, describeUsers, type Fetched, fetchList } from './lists.ts';
import { PENDING_LIMIT } from './outgoing.ts';
import type { Response } from './requests.ts';
import { done, type Result, refused } from './result.ts';
import { readJoined, readLeft, readRoomPage, readUserPage } from './server-frame.ts';
import type { Session } from './session.ts';
import type { WriterApi } from './writer.worker.ts';

export interface DeskOptions {
  readonly session: Session;
  readonly inflow: Inflow;
  readonly writer: Thread<WriterApi>;
  readonly names: KnownNames;
  readonly displayFile: string;
  /** Lines come from a script: it waits for a connection, where a person is told that there is none. */
  readonly isScript: boolean;
  /** Asks for a password; undefined when the input has ended. */
  secret(question: string): Promise<string | undefined>;
  /** Waits until the reader has seen the text in an event; false when it has not within the time. */
  seen(text: string, timeoutMs: number): Promise<boolean>;
  quit(): void;
}

/** `finished` settles with the result; undefined for a line that asks for nothing. */
export interface Running {
  readonly finished: Promise<Result | undefined>;
}

/** How long a script waits for a connection, or for a message to be acknowledged, before the line counts as refused. */
const PATIENCE_MS = 60_000;
const KEY_BYTES = 12;

export class Desk {
  /** The conversation that plain text goes to. */
  current: string | null = null;
  readonly #options: DeskOptions;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** Resolves when the next line may be run. */
  async start(line: string): Promise<Running> {
    const { session, writer, inflow, isScript } = this.#options;
    if (inflow.isFull) return finished(refused('line', 'full', 'the display cannot keep up: try again in a moment'));
    const context = { current: this.current, isScript };
    const requestId = session.nextRequestId();
    const key = randomBytes(KEY_BYTES).toString('base64url');
    const outcome = await writer.call((api) => api.compose(line, context, requestId, key));
    if (outcome.type !== 'answered') return finished(refused('line', 'failed', 'the writer thread does not answer'));
    const composed = outcome.value;
    if (composed.type === 'nothing') return { finished: Promise.resolve(undefined) };
    if (composed.type === 'refused') return finished(refused(composed.of, 'bad_line', composed.text));
    const { plan, frame } = composed;
    if (plan.type === 'send' && frame !== undefined) return this.#send({ ...plan, requestId, key, frame });
    return finished(await this.#run(plan, async () => {
      if (!(await session.whenOnline(isScript ? PATIENCE_MS : 0))) return OFFLINE;
      return frame === undefined ? LOST : await session.request(requestId, frame);
    }));
  }

  #send(message: { requestId: number; key: string; to: string; text: string; frame: Uint8Array }): Running {
    const { session, inflow, isScript } = this.#options;
    const { to, text, key } = message;
    if (session.outgoing.size >= PENDING_LIMIT) {
      const why = `${PENDING_LIMIT} messages wait for the server already: this one was not sent`;
      return finished(refused('send', 'full', why));
    }
    inflow.show({ type: 'message', id: null, at: Date.now(), from: session.user, to, text, own: true, tag: key });
    const sent = session.outgoing.send(message).then((outcome): Result => {
      if (outcome.type === 'stored') {
        const { id, at } = outcome;
        inflow.show({ type: 'stored', tag: key, id, at });
        return done('send', [], { id, at, to, text });
      }
      inflow.show({ type: 'failed', tag: key, text: outcome.text });
      return refused('send', outcome.code, `not sent to ${to}: ${outcome.text}`);
    });
    return { finished: isScript ? withinPatience(sent) : sent };
  }

  async #run(plan: Plan, request: () => Promise<Response>): Promise<Result> {
    const { session, displayFile, isScript } = this.#options;
    switch (plan.type) {
      case 'join':
        return this.#join(plan.room, await request());
      case 'leave':
        return this.#leave(plan.room, await request());
      case 'who':
        return this.#who(plan.room, await request());
      case 'rooms':
        return this.#rooms(await request());
      case 'to':
        this.current = plan.conversation;
        return done('to', isScript ? [] : [`what you type goes to ${plan.conversation}`], { to: plan.conversation });
      case 'help': {
        const help = explain(plan.topic, isScript);
        return help.type === 'help' ? done('help', help.lines) : refused('help', 'bad_line', help.text);
      }
      case 'password':
        return this.#password();
      case 'open': {
        const failure = await openInBrowser(displayFile);
        return failure === undefined ? done('open', []) : refused('open', 'failed', failure);
      }
      case 'wait':
        await new Promise((resolve) => setTimeout(resolve, plan.seconds * 1_000).unref());
        return done('wait', []);
      case 'wait-for':
        if (await this.#options.seen(plan.text, plan.seconds * 1_000)) return done('wait-for', []);
        return refused('wait-for', 'not_found', `nothing came that contains "${plan.text}" in ${plan.seconds} s`);
      case 'quit':
        this.#options.quit();
        return done('quit', []);
      case 'send':
        return this.#fail('send', LOST);
      default:
        return plan satisfies never;
    }
  }
}
