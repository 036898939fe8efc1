import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Response } from '../../../src/client/session/requests.ts';
import { type SendOutcome, SendQueue, type Sink } from '../../../src/client/session/send-queue.ts';

/** A connection that keeps what was sent until the test answers. */
class Wire implements Sink {
  readonly sent: number[] = [];
  isDistrusted = false;
  readonly #settle = new Map<number, (response: Response) => void>();

  sendFrame(requestId: number, _frame: Uint8Array, settle: (response: Response) => void): void {
    this.sent.push(requestId);
    this.#settle.set(requestId, settle);
  }

  protocolError(): void {
    this.isDistrusted = true;
  }

  answer(requestId: number, response: Response): void {
    this.#settle.get(requestId)?.(response);
    this.#settle.delete(requestId);
  }

  lose(): void {
    for (const requestId of [...this.#settle.keys()]) this.answer(requestId, { type: 'lost' });
  }
}

let sendQueue: SendQueue;
let wire: Wire;

function send(requestId: number): Promise<SendOutcome> {
  const message = { key: `key ${requestId}`, to: '#tea', text: 'hi', at: 1, wasSent: false };
  return sendQueue.send({ ...message, requestId, frame: new Uint8Array([requestId]) });
}

const stored: Response = { type: 'ok', result: [7, 8] };

beforeEach(() => {
  vi.useFakeTimers();
  sendQueue = new SendQueue();
  wire = new Wire();
  sendQueue.attach(wire);
});
afterEach(() => {
  vi.useRealTimers();
});

describe('SendQueue', () => {
  it('sends at once if there is a connection, and is done when the server has stored the message', async () => {
    const sent = send(1);
    expect(wire.sent).toEqual([1]);
    expect(sendQueue.size).toBe(1);
    wire.answer(1, stored);
    expect(await sent).toEqual({ type: 'stored', id: 7, at: 8 });
    expect(sendQueue.size).toBe(0);
  });

  it('sends everything again in order on the next connection', async () => {
    const first = wire;
    const all = [send(1), send(2), send(3)];
    first.answer(2, stored);
    first.lose();
    sendQueue.detach();
    all.push(send(4));
    const second = new Wire();
    sendQueue.attach(second);
    expect(second.sent).toEqual([1, 3, 4]);
    for (const requestId of second.sent) second.answer(requestId, stored);
    expect((await Promise.all(all)).map(({ type }) => type)).toEqual([
      'stored',
      'stored',
      'stored',
      'stored',
    ]);
  });

  it('fails what the server refuses', async () => {
    const sent = send(1);
    wire.answer(1, { type: 'error', code: 'not_a_member', text: 'join first' });
    expect(await sent).toEqual({ type: 'failed', code: 'not_a_member', text: 'join first' });
  });

  it('retries what the server could not accept, and keeps later messages behind it', async () => {
    const first = send(1);
    wire.answer(1, { type: 'error', code: 'unavailable', text: 'restarting' });
    void send(2);
    expect(wire.sent).toEqual([1]);
    vi.advanceTimersByTime(1_000);
    expect(wire.sent).toEqual([1, 1, 2]);
    wire.answer(1, stored);
    expect(await first).toMatchObject({ type: 'stored' });
  });

  it('gives up on a server that never accepts it', async () => {
    const sent = send(1);
    for (let i = 0; i < 70; i += 1) {
      wire.answer(1, { type: 'error', code: 'storage_failed', text: 'the disk failed' });
      vi.advanceTimersByTime(1_000);
    }
    expect(await sent).toEqual({ type: 'failed', code: 'storage_failed', text: 'the disk failed' });
    expect(wire.sent.length).toBeGreaterThan(50);
  });

  it('reports a protocol error for an answer of another shape', () => {
    void send(1);
    wire.answer(1, { type: 'ok', result: 'nonsense' });
    expect(wire.isDistrusted).toBe(true);
    expect(sendQueue.size).toBe(1);
  });

  it('can fail only what was in flight', async () => {
    const first = send(1);
    wire.lose();
    sendQueue.detach();
    void send(2);
    sendQueue.failSent('who knows');
    expect(await first).toEqual({ type: 'failed', code: 'lost', text: 'who knows' });
    expect(sendQueue.size).toBe(1);
    const empty = sendQueue.whenEmpty(1_000);
    sendQueue.failAll('the end');
    await empty;
  });

  it('settles a message that returned as an event, whatever the later answer', async () => {
    const both = [send(1), send(2)];
    sendQueue.settle('key 1', 5, 6);
    sendQueue.settle('key of nobody', 5, 6);
    expect(await both[0]).toEqual({ type: 'stored', id: 5, at: 6 });
    wire.answer(1, { type: 'error', code: 'not_a_member', text: 'join first' });
    expect(sendQueue.size).toBe(1);
    wire.answer(2, stored);
    expect(await both[1]).toEqual({ type: 'stored', id: 7, at: 8 });
  });

  it('waits until it is empty, for a limited time', async () => {
    await sendQueue.whenEmpty(1_000);
    void send(1);
    const waited = sendQueue.whenEmpty(1_000);
    vi.advanceTimersByTime(1_000);
    await waited;
    expect(sendQueue.size).toBe(1);
  });
});
