import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Outbox, type Sink, WriteTurn } from '../../src/transport/outbox.ts';
import { listenTcp, type Wire } from '../../src/transport/tcp.ts';
import { until } from '../support/process.ts';

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

/** A peer that does not read, and already has something queued. */
class Keeper implements Sink {
  readonly buffered = 1;
  kept: Buffer | undefined;
  write(bytes: Buffer): void {
    this.kept = bytes;
  }
}

const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('an outbox', () => {
  it('writes once for each turn, in order', async () => {
    const sink = new Recorder();
    const outbox = new Outbox(new WriteTurn(), sink, 1_000, { overflow() {} });
    for (const text of ['a', 'b', 'c']) outbox.push(Buffer.from(text));
    expect(sink.writes).toEqual([]);
    await endOfTurn();
    outbox.push(Buffer.from('d'));
    await endOfTurn();
    expect(sink.writes).toEqual(['abc', 'd']);
  });

  it('ignores what is empty, as a dialect’s form of an event that it does not show may be', async () => {
    const sink = new Recorder();
    const outbox = new Outbox(new WriteTurn(), sink, 1_000, { overflow() {} });
    outbox.push(Buffer.alloc(0));
    await endOfTurn();
    outbox.push(Buffer.from('a'));
    await endOfTurn();
    expect(sink.writes).toEqual(['a']);
  });

  it('serves several connections in the same turn', async () => {
    const turn = new WriteTurn();
    const sinks = [new Recorder(), new Recorder()];
    const outboxes = sinks.map((sink) => new Outbox(turn, sink, 1_000, { overflow() {} }));
    const shared = Buffer.from('same bytes');
    for (const outbox of outboxes) outbox.push(shared);
    await endOfTurn();
    expect(sinks.map((sink) => sink.writes)).toEqual([['same bytes'], ['same bytes']]);
  });

  it('over its limit writes what is queued, and continues if the network accepts it', async () => {
    const sink = new Recorder();
    const outbox = new Outbox(new WriteTurn(), sink, 10, { overflow: () => expect.fail('the peer reads') });
    for (const text of ['0123456789', 'x', 'y']) outbox.push(Buffer.from(text));
    await endOfTurn();
    expect(sink.writes).toEqual(['0123456789x', 'y']);
  });

  it('over its limit with a peer that does not read reports it once, and accepts no more', async () => {
    const sink = new Recorder();
    sink.isStuck = true;
    let overflows = 0;
    const outbox = new Outbox(new WriteTurn(), sink, 10, {
      overflow() {
        overflows += 1;
      },
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
    const outbox = new Outbox(new WriteTurn(), sink, 10, {
      overflow() {
        overflows += 1;
      },
    });
    outbox.push(Buffer.from('12'));
    expect(overflows).toBe(0);
    outbox.push(Buffer.from('3'));
    expect(overflows).toBe(1);
  });

  it('writes pieces of buffers shared with others', async () => {
    const turn = new WriteTurn();
    const sinks = [new Recorder(), new Recorder()];
    const [one, two] = sinks.map((sink) => new Outbox(turn, sink, 1_000, { overflow() {} }));
    const batch = Buffer.from('.aa.bbb.c.');
    one?.push(batch, 1, 3);
    two?.push(batch, 1, 3);
    two?.push(Buffer.from('!'));
    for (const outbox of [one, two]) outbox?.push(batch, 4, 7);
    one?.push(batch, 7, 8);
    one?.push(batch, 8, 9);
    await endOfTurn();
    expect(sinks.map((sink) => sink.writes)).toEqual([['aabbb.c'], ['aa!bbb']]);
  });

  it('lets slow peers share bytes that make up most of their block', async () => {
    const turn = new WriteTurn();
    /** Whether two stuck peers keep a block itself, or a copy each. */
    const isShared = async (bytes: Buffer, start: number, end: number): Promise<boolean> => {
      const sinks = [new Keeper(), new Keeper()];
      for (const sink of sinks) new Outbox(turn, sink, 1_000, { overflow() {} }).push(bytes, start, end);
      await endOfTurn();
      expect(sinks.map(({ kept }) => String(kept))).toEqual(
        sinks.map(() => bytes.subarray(start, end).toString()),
      );
      return sinks.every(({ kept }) => kept?.buffer === bytes.buffer);
    };
    const block = Buffer.allocUnsafeSlow(16);
    block.write('0123456789abcdef');
    expect(await isShared(block, 0, 16)).toBe(true);
    expect(await isShared(block, 4, 12)).toBe(true);
    expect(await isShared(block, 4, 11)).toBe(false);
    const { arena } = turn;
    const start = arena.open(60_000);
    arena.close(start + 60_000);
    expect(await isShared(arena.block, start, start + 60_000)).toBe(false);
  });

  it('keeps what a socket could not send at once, whatever is written later', async () => {
    let socket: Wire | undefined;
    const listening = await listenTcp({ host: '127.0.0.1', port: 0, reusePort: false }, (wire) => {
      socket = wire;
      return { data() {}, ended() {}, closed() {} };
    });
    if (listening.type !== 'listening') throw new Error(listening.text);
    const peer = connect(listening.port, '127.0.0.1').pause();
    onTestFinished(() => {
      peer.destroy();
      listening.stop();
    });
    const wire = await until('a connection', () => socket);
    const turn = new WriteTurn();
    const outbox = new Outbox(turn, wire, 64 * 1_048_576, { overflow: () => expect.fail('there is room') });
    const other = new Outbox(turn, new Recorder(), 64 * 1_048_576, {
      overflow: () => expect.fail('there is room'),
    });
    const sent: Buffer[] = [];
    // In two pieces each, so that both outboxes assemble their writes in the shared buffer; or alternately in the
    // arena, which is reused in the next turn.
    for (let n = 0; n < 300 || wire.buffered < 1_000_000; n += 1) {
      const halves = [Buffer.alloc(20_000, n), Buffer.alloc(20_000, n + 1)];
      if (n % 2 === 0) {
        const start = turn.arena.open(40_000);
        turn.arena.close(start + 40_000);
        for (const half of halves) half.copy(turn.arena.block, half === halves[0] ? start : start + 20_000);
        outbox.push(turn.arena.block, start, start + 40_000);
      } else {
        for (const half of halves) outbox.push(half);
      }
      for (const half of halves) other.push(Buffer.alloc(half.length, 0xff));
      sent.push(...halves);
      await endOfTurn();
    }
    const expected = Buffer.concat(sent);
    const received: Buffer[] = [];
    let bytes = 0;
    peer.on('data', (chunk: Buffer) => {
      received.push(chunk);
      bytes += chunk.length;
    });
    peer.resume();
    await until('all bytes', () => (bytes >= expected.length ? true : undefined));
    expect(Buffer.concat(received).equals(expected)).toBe(true);
  });
});
