/**
 * Limits how many clients resume at a time, first come, first served. After a restart all clients reconnect at once, and must not stall
 * those that are already live. The number of connections bounds the queue, and queued clients are not read from.
 */

const MAX_CONCURRENT_RESUMES = 16;
/** After this time a resume no longer counts: a client that does not read its replay must not block the others. */
const SLOT_TIMEOUT_MS = 1_000;

export class ResumeQueue {
  readonly #queue: Array<() => void> = [];
  #running = 0;

  get length(): number {
    return this.#queue.length;
  }

  /** Runs `resume` when a slot is free. */
  async run(resume: () => Promise<void>): Promise<void> {
    if (this.#running < MAX_CONCURRENT_RESUMES) this.#running += 1;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    let hasSlot = true;
    const release = (): void => {
      if (hasSlot) this.#releaseSlot();
      hasSlot = false;
    };
    const timeout = setTimeout(release, SLOT_TIMEOUT_MS);
    try {
      await resume();
    } finally {
      clearTimeout(timeout);
      release();
    }
  }

  /** Passes the slot to the next in the queue, if there is one. */
  #releaseSlot(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#running -= 1;
    else setImmediate(next);
  }
}
