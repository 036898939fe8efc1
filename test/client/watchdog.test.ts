import { describe, expect, it } from 'vitest';
import { IDLE_MS, PING_MS, UNANSWERED_MS, Watchdog } from '../../src/client/watchdog.ts';

describe('Watchdog', () => {
  it('asks a server that leaves a request unanswered, and then counts it as lost', () => {
    const dog = new Watchdog(0);
    expect(dog.check(UNANSWERED_MS - 1, 0)).toBe('fine');
    expect(dog.check(UNANSWERED_MS, 0)).toBe('ping');
    expect(dog.check(UNANSWERED_MS + PING_MS - 1, 0)).toBe('fine');
    expect(dog.check(UNANSWERED_MS + PING_MS, 0)).toBe('lost');
  });

  it('takes whatever comes as a sign of life', () => {
    const dog = new Watchdog(0);
    expect(dog.check(UNANSWERED_MS, 0)).toBe('ping');
    dog.heard(UNANSWERED_MS + 1);
    expect(dog.check(UNANSWERED_MS + PING_MS, 0)).toBe('fine');
    expect(dog.check(2 * UNANSWERED_MS, 0)).toBe('fine');
    expect(dog.check(2 * UNANSWERED_MS + 1, 0)).toBe('ping');
  });

  it('asks an idle server now and then', () => {
    const dog = new Watchdog(0);
    expect(dog.check(IDLE_MS - 1, undefined)).toBe('fine');
    expect(dog.check(IDLE_MS, undefined)).toBe('ping');
  });

  it('counts from the request when it came after a long silence', () => {
    const dog = new Watchdog(0);
    expect(dog.check(IDLE_MS - 1, IDLE_MS - 1)).toBe('fine');
    expect(dog.check(IDLE_MS - 1 + UNANSWERED_MS, IDLE_MS - 1)).toBe('ping');
  });
});
