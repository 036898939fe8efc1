import { describe, expect, it } from 'vitest';
import {
  HEARTBEAT_MS,
  IDLE_MS,
  Keepalive,
  PING_MS,
  UNANSWERED_MS,
  type Verdict,
} from '../../../src/client/session/keepalive.ts';
import type { Clocks } from '../../../src/client/session/sleep.ts';

const SECOND = 1_000;
const NOON = 1_795_000_000_000;
const at = (monotonic: number, sleptMs = 0): Clocks => ({ monotonic, wall: NOON + monotonic + sleptMs });

/** A keepalive that was checked once a second until that time, in ms, and always found everything fine. */
class Tested {
  readonly dog = new Keepalive(at(0));
  #now = 0;

  /** Checks on until that time, and returns the last verdict; all others must be `fine`. */
  until(end: number, askedAt: number | undefined): Verdict {
    let verdict: Verdict = 'fine';
    while (this.#now < end) {
      expect(verdict).toBe('fine');
      this.#now = Math.min(end, this.#now + SECOND);
      verdict = this.dog.check(at(this.#now), askedAt);
    }
    return verdict;
  }
}

describe('Keepalive', () => {
  it('pings a server that leaves a request unanswered, and then counts it as lost', () => {
    const tested = new Tested();
    expect(tested.until(UNANSWERED_MS - 1, 0)).toBe('fine');
    expect(tested.until(UNANSWERED_MS, 0)).toBe('ping');
    expect(tested.until(UNANSWERED_MS + PING_MS - 1, 0)).toBe('fine');
    expect(tested.until(UNANSWERED_MS + PING_MS, 0)).toBe('lost');
  });

  it('takes any data as a sign of life', () => {
    const tested = new Tested();
    expect(tested.until(UNANSWERED_MS, 0)).toBe('ping');
    tested.dog.heard(UNANSWERED_MS + 1);
    expect(tested.until(UNANSWERED_MS + PING_MS, 0)).toBe('fine');
    expect(tested.until(2 * UNANSWERED_MS, 0)).toBe('fine');
    expect(tested.until(2 * UNANSWERED_MS + 1, 0)).toBe('ping');
  });

  it('pings an idle server now and then', () => {
    const tested = new Tested();
    expect(tested.until(IDLE_MS - 1, undefined)).toBe('fine');
    expect(tested.until(IDLE_MS, undefined)).toBe('ping');
  });

  it('counts from the request if it followed a long silence', () => {
    const tested = new Tested();
    tested.dog.sent(IDLE_MS - 1);
    expect(tested.until(IDLE_MS - 1, IDLE_MS - 1)).toBe('fine');
    expect(tested.until(IDLE_MS - 1 + UNANSWERED_MS, IDLE_MS - 1)).toBe('ping');
  });

  it('keeps its heartbeat even while the server sends a lot', () => {
    const tested = new Tested();
    for (let now = SECOND; now < IDLE_MS; now += SECOND) {
      tested.dog.heard(now);
      expect(tested.until(now, undefined)).toBe('fine');
    }
    tested.dog.heard(IDLE_MS);
    expect(tested.until(IDLE_MS, undefined)).toBe('ping');
    expect(IDLE_MS).toBeLessThan(HEARTBEAT_MS);
  });

  it('pings at once on waking up if the monotonic clock stood still, and allows a short time for the answer', () => {
    const tested = new Tested();
    const hour = 3_600_000;
    expect(tested.until(5 * SECOND, undefined)).toBe('fine');
    expect(tested.dog.check(at(6 * SECOND, hour), undefined)).toBe('ping');
    expect(tested.dog.check(at(6 * SECOND + PING_MS - 1, hour), undefined)).not.toBe('lost');
    const woken = new Tested();
    expect(woken.dog.check(at(SECOND, hour), undefined)).toBe('ping');
    for (let now = 2 * SECOND; now < SECOND + PING_MS; now += SECOND) {
      expect(woken.dog.check(at(now, hour), undefined)).toBe('fine');
    }
    expect(woken.dog.check(at(SECOND + PING_MS, hour), undefined)).toBe('lost');
  });

  it('pings again, and does not give up, if it was stopped while a ping was in flight', () => {
    const tested = new Tested();
    expect(tested.until(IDLE_MS, undefined)).toBe('ping');
    expect(tested.dog.check(at(IDLE_MS + 60 * SECOND), undefined)).toBe('ping');
  });

  it('ignores a wall clock that is set back', () => {
    const tested = new Tested();
    expect(tested.until(5 * SECOND, undefined)).toBe('fine');
    expect(tested.dog.check(at(6 * SECOND, -3_600_000), undefined)).toBe('fine');
    expect(tested.dog.check(at(7 * SECOND, -3_600_000), undefined)).toBe('fine');
  });
});
