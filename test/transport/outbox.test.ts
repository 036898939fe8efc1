import { describe, expect, it } from 'vitest';
import { Outbox, type Sink, WriteTurn } from '../../src/transport/outbox.ts';

class Recorder implements Sink {
  readonly writes: string[] = [];
  buffered = 0;
  /** A peer that reads nothing. */
  isStuck = false;
  write(bytes: Buffer): void {
    if (this.isStuck) this.buffered += bytes.length;
    this.writes.push(bytes.toString());
  }
}

const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('an outbox', () => {
  it('writes once for each turn, in order', async () => {
    const sink = new Recorder();
    const outbox = new Outbox(new WriteTurn(), sink, 1_000, () => {});
    for (const text of ['a', 'b', 'c']) outbox.push(Buffer.from(text));
    expect(sink.writes).toEqual([]);
    await endOfTurn();
    outbox.push(Buffer.from('d'));
    await endOfTurn();
    expect(sink.writes).toEqual(['abc', 'd']);
  });

  it('serves several connections in the same turn', async () => {
    const turn = new WriteTurn();
    const sinks = [new Recorder(), new Recorder()];
    const outboxes = sinks.map((sink) => new Outbox(turn, sink, 1_000, () => {}));
    const shared = Buffer.from('same bytes');
    for (const outbox of outboxes) outbox.push(shared);
    await endOfTurn();
    expect(sinks.map((sink) => sink.writes)).toEqual([['same bytes'], ['same bytes']]);
  });

  it('over its limit writes what waits, and goes on if the network takes it', async () => {
    const sink = new Recorder();
    const outbox = new Outbox(new WriteTurn(), sink, 10, () => expect.fail('the peer reads'));
    for (const text of ['0123456789', 'x', 'y']) outbox.push(Buffer.from(text));
    await endOfTurn();
    expect(sink.writes).toEqual(['0123456789x', 'y']);
  });

  it('over its limit with a peer that does not read says so once, and takes no more', async () => {
    const sink = new Recorder();
    sink.isStuck = true;
    let overflows = 0;
    const outbox = new Outbox(new WriteTurn(), sink, 10, () => {
      overflows += 1;
    });
    outbox.push(Buffer.from('0123456789'));
    expect(overflows).toBe(0);
    outbox.push(Buffer.from('x'));
    outbox.push(Buffer.from('y'));
    await endOfTurn();
    expect([overflows, sink.writes]).toEqual([1, ['0123456789x']]);
  });

  it('counts what the socket still holds', () => {
    const sink = new Recorder();
    sink.isStuck = true;
    sink.buffered = 8;
    let overflows = 0;
    const outbox = new Outbox(new WriteTurn(), sink, 10, () => {
      overflows += 1;
    });
    outbox.push(Buffer.from('12'));
    expect(overflows).toBe(0);
    outbox.push(Buffer.from('3'));
    expect(overflows).toBe(1);
  });
});
