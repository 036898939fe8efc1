import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IrcLines, LONGEST_LINE } from '../../../src/load/wires/irc-lines.ts';

/** Reads pieces as a socket would bring them: always in the same buffer, with something stale behind them. */
function read(pieces: readonly Buffer[]): { readonly heard: string[]; readonly isGood: boolean } {
  const heard: string[] = [];
  const lines = new IrcLines({
    message: (bytes, start, end) => heard.push(`message ${bytes.toString('latin1', start, end)}`),
    said: (line) => heard.push(`said ${line}`),
  });
  const shared = Buffer.from('\r\n:x PRIVMSG y :stale\r\n'.repeat(1_000));
  const stale = Buffer.from(shared);
  const isGood = pieces.every((piece) => {
    stale.copy(shared);
    piece.copy(shared);
    return lines.push(shared, piece.length);
  });
  return { heard, isGood };
}

const STREAM = [
  'PING :cookie',
  ':irc.test 001 ann :Welcome',
  ':ann!~a@127.0.0.1 JOIN :#tea',
  ':ben!~b@127.0.0.1 PRIVMSG #tea :hot : tea',
  ':ben!~b@127.0.0.1 PRIVMSG ann :',
  ':ben!~b@127.0.0.1 PRIVMSG ann word',
  'PRIVMSG ann :from nowhere',
  ':ben!~b@127.0.0.1 PRIVMSGS ann :no',
  ':PRIVMSG JOIN :#tea',
  '',
  ':',
  'ERROR :Closing link',
].join('\r\n');

const HEARD = [
  'said PING :cookie',
  'said :irc.test 001 ann :Welcome',
  'message hot : tea',
  'message ',
  'message word',
  'message from nowhere',
  'said :ben!~b@127.0.0.1 PRIVMSGS ann :no',
  'said ERROR :Closing link',
];

describe('lines of IRC', () => {
  const bytes = Buffer.from(`${STREAM}\r\n`);

  it('come the same however the bytes are split', () => {
    expect(read([bytes])).toEqual({ heard: HEARD, isGood: true });
    for (let at = 0; at <= bytes.length; at += 1)
      expect(read([bytes.subarray(0, at), bytes.subarray(at)]).heard, `split at ${at}`).toEqual(HEARD);
    expect(read(Array.from(bytes, (byte) => Buffer.of(byte))).heard).toEqual(HEARD);
  });

  it('may end without a carriage return', () => {
    expect(read([Buffer.from(`${STREAM.replaceAll('\r', '')}\n`)]).heard).toEqual(HEARD);
  });

  it('that have not ended are not told', () => {
    expect(read([Buffer.from(':ben!~b@127.0.0.1 PRIVMSG #tea :hot')]).heard).toEqual([]);
  });

  it('that are too long end the stream, in one piece or in many', () => {
    const line = (size: number): Buffer => Buffer.from(`:b PRIVMSG a :${'.'.repeat(size - 15)}\r\n`);
    const longest = line(LONGEST_LINE);
    const long = line(LONGEST_LINE + 1);
    const pieces = (of: Buffer): Buffer[] => Array.from(of, (byte) => Buffer.of(byte));
    expect(read([longest]).isGood).toBe(true);
    expect(read(pieces(longest)).isGood).toBe(true);
    expect(read([long]).isGood).toBe(false);
    expect(read(pieces(long)).isGood).toBe(false);
    expect(read([Buffer.alloc(LONGEST_LINE + 1, '.')]).isGood).toBe(false);
  });

  it('nothing is told after a stop, not even the rest of what has come', () => {
    const heard: string[] = [];
    const lines = new IrcLines({
      message: (read, start, end) => {
        heard.push(read.toString('latin1', start, end));
        lines.stop();
      },
      said: () => {},
    });
    const two = Buffer.from(':b PRIVMSG a :one\r\n:b PRIVMSG a :two\r\n');
    expect(lines.push(two, two.length)).toBe(true);
    expect(heard).toEqual(['one']);
  });

  it('any bytes at all are taken, and split anywhere they say the same', () => {
    const byte = fc.constantFrom(...Buffer.from(':PRIVMSG 09\r\nE'));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 200 }), fc.nat(), (array, place) => {
        const all = Buffer.from(array);
        const at = place % (all.length + 1);
        expect(read([all.subarray(0, at), all.subarray(at)])).toEqual(read([all]));
      }),
    );
  });
});
