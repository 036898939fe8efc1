/**
 * A shard's way to the registry: numbers what sessions ask, sends it in batches, and keeps for a registry that restarts which
 * sessions there are and what is unanswered.
 */

import type { MessagePort } from 'node:worker_threads';
import { isEntryVerb, type Request, type VerbOf } from '../../protocol/verbs.ts';
import { refusal } from '../../protocol/vocabulary.ts';
import { BatchPort, takeBatches } from '../kernel/batch.ts';
import type { Metrics } from '../kernel/metrics.ts';
import { readToShard, writeToRegistry } from '../link/codec.ts';
import {
  type AnnouncedSession,
  type Command,
  type Delivery,
  type FromRegistry,
  type ToRegistry,
  toCommand,
} from '../link/messages.ts';
import type { Fanout } from './fanout.ts';
import type { RegistryPort, Settled } from './ports.ts';
import type { Session } from './session.ts';

/** Unanswered commands of the whole shard. Policy: at the limit its sockets are not read, until half is left. */
const UNANSWERED_LIMIT = 10_000;

/** A command without an answer. Kept until there is one: it is asked again of a registry that has restarted. */
export interface Unanswered {
  readonly command: Command;
  readonly session: Session;
  readonly requestId: number;
  /** For commands that the session itself waits for. */
  readonly settle: ((settled: Settled) => void) | undefined;
}

export class RegistryClient implements RegistryPort {
  readonly incarnation: number;
  readonly #fanout: Fanout;
  /** Those that the registry has attached. */
  readonly #sessions = new Set<Session>();
  readonly #unanswered = new Map<number, Unanswered>();
  /** Sessions that resume when there is room. */
  readonly #waiting = new Set<Session>();
  /** While a new registry sends what this shard missed: the last command of each session that was committed. */
  readonly #committed = new Map<Session, number>();
  #port: BatchPort<ToRegistry> | undefined;
  /** False until a new registry has sent what this shard missed: commands are kept back until then. */
  #isCaughtUp = false;
  #nextNumber = 1;
  /** Entries taken from this registry, and from all since the start. */
  #handled = 0;
  #entries = 0;
  /** Set while the server shuts down; called when nothing is unanswered any more. */
  #whenAnswered: (() => void) | undefined;

  /** `fanout`: a session that is detached is taken out of it. */
  constructor(incarnation: number, fanout: Fanout) {
    this.incarnation = incarnation;
    this.#fanout = fanout;
  }

  get sessions(): ReadonlySet<Session> {
    return this.#sessions;
  }

  get isCongested(): boolean {
    return this.#unanswered.size >= UNANSWERED_LIMIT || this.#whenAnswered !== undefined;
  }

  metrics(): Metrics {
    return {
      sessions: this.#sessions.size,
      unanswered: this.#unanswered.size,
      heldBack: this.#waiting.size,
      commands: this.#nextNumber - 1,
      entries: this.#entries,
    };
  }

  /**
   * Takes the port to a registry, the first one or one that has restarted. `cursor`: the last id that was routed to this
   * shard; −1 for nothing yet. `handle` is given what comes, in order.
   */
  connect(port: MessagePort, cursor: number, handle: (item: FromRegistry) => void): void {
    this.#port?.close();
    const registry = new BatchPort<ToRegistry>(port, writeToRegistry);
    this.#port = registry;
    this.#isCaughtUp = false;
    this.#handled = 0;
    takeBatches(port, readToShard, (batch) => {
      if (this.#port === registry) this.#take(batch, handle);
    });
    const sessions = [...this.#sessions].map(
      (session): AnnouncedSession => [
        session.id,
        session.account,
        session.user,
        this.#fanout.has(session.client),
      ],
    );
    registry.push(['announce', this.incarnation, cursor, sessions]);
  }

  /** Forwards nothing more. Resolves when nothing is unanswered any more. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenAnswered = resolve;
      if (this.#unanswered.size === 0) resolve();
    });
  }

  waitForRoom(session: Session): void {
    this.#waiting.add(session);
  }

  /** The session is over. */
  forgetWaiting(session: Session): void {
    this.#waiting.delete(session);
  }

  forward(session: Session, request: Request<VerbOf<'registry'>>): void {
    const command = toCommand(request, this.#number(), session.id);
    this.#post({ command, session, requestId: request.id, settle: undefined });
  }

  announceAccount(session: Session, user: string): Promise<Settled> {
    return this.#ask(session, ['account', this.#number(), session.id, user]);
  }

  attach(session: Session, user: string, isGuest: boolean, lastId: number | null): Promise<Settled> {
    return this.#ask(session, ['attach', this.#number(), session.id, user, isGuest, lastId]);
  }

  goLive(session: Session, cursor: number, bytes: number): Promise<Settled> {
    return this.#ask(session, ['live', this.#number(), session.id, cursor, bytes]);
  }

  async detach(session: Session): Promise<void> {
    this.#fanout.detach(session.client);
    await this.#ask(session, ['detach', this.#number(), session.id]);
    // Not before: a registry that restarts meanwhile still has to take what the session sent before it left.
    this.#sessions.delete(session);
  }

  /** The registry has attached the session that gave the command of that number. */
  attached(number: number): Session | undefined {
    const session = this.askedBy(number);
    if (session !== undefined) this.#sessions.add(session);
    return session;
  }

  /** The session that gave the command of that number; undefined if it has been answered, or was another shard's. */
  askedBy(number: number): Session | undefined {
    return this.#unanswered.get(number)?.session;
  }

  /** Answers the command of that number, unless it has been answered. */
  settle(number: number, settled: Settled, result: unknown = null): void {
    const unanswered = this.#unanswered.get(number);
    if (unanswered === undefined) return;
    this.#forget(number);
    const { session, requestId, settle } = unanswered;
    if (settle !== undefined) settle(settled);
    else if (settled.type === 'refused') session.answered(refusal(requestId, settled.code));
    else session.answered(result === null ? ['ok', requestId] : ['ok', requestId, result]);
  }

  /** What an entry answers, if it answers a command of this shard. To be called when the entry has come. */
  committed({ number }: Delivery): Unanswered | undefined {
    if (number === 0) return undefined;
    const asked = this.#unanswered.get(number);
    if (!this.#isCaughtUp && asked !== undefined) this.#committed.set(asked.session, number);
    return asked;
  }

  /** A message is the answer to its `send`. That to a join or leave comes apart, with more than the id. */
  stored({ command, session, requestId }: Unanswered, { kind, id, at }: Delivery): void {
    if (kind !== 'message' && kind !== 'direct') return;
    this.#forget(command[1]);
    session.stored(requestId, id, at);
  }

  /**
   * A new registry has sent all that this shard missed. It is asked what has no answer, except what comes before something
   * of the same session that has been committed: the old registry must have refused that, and it would come too late now.
   */
  caughtUp(): void {
    this.#isCaughtUp = true;
    for (const { command, session } of [...this.#unanswered.values()]) {
      const isOutrun = command[1] < (this.#committed.get(session) ?? 0) && isEntryVerb(command[0]);
      if (isOutrun) this.settle(command[1], { type: 'refused', code: 'unavailable' });
      else this.#port?.push(command);
    }
    this.#committed.clear();
  }

  #number(): number {
    const number = this.#nextNumber;
    this.#nextNumber += 1;
    return number;
  }

  #ask(session: Session, command: Command): Promise<Settled> {
    return new Promise((settle) => this.#post({ command, session, requestId: 0, settle }));
  }

  #post(unanswered: Unanswered): void {
    this.#unanswered.set(unanswered.command[1], unanswered);
    if (this.#isCaughtUp) this.#port?.push(unanswered.command);
  }

  #forget(number: number): void {
    this.#unanswered.delete(number);
    if (this.#unanswered.size === 0) this.#whenAnswered?.();
  }

  /** Entries come on credit: the registry is told how many have been handled. */
  #take(batch: readonly FromRegistry[], handle: (item: FromRegistry) => void): void {
    let entries = 0;
    for (const item of batch) {
      handle(item);
      if ('kind' in item) entries += 1;
    }
    if (entries > 0) {
      this.#handled += entries;
      this.#entries += entries;
      this.#port?.push(['handled', this.#handled]);
    }
    if (this.#waiting.size === 0 || this.#unanswered.size > UNANSWERED_LIMIT / 2) return;
    for (const session of this.#waiting) session.resume();
    this.#waiting.clear();
  }
}
