import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IrcLines, LONGEST_LINE } from '../../../src/load/wires/irc-lines.ts';

/** Reads pieces as a socket delivers them: always in the same buffer, followed by stale bytes. */
function read(pieces: readonly Buffer[]): { readonly heard: string[]; readonly isGood: boolean } {
  const heard: string[] = [];
  const lines = new IrcLines({
    message: (bytes, start, end) => heard.push(`message ${bytes.toString('latin1', start, end)}`),
    serverLine: (line) => heard.push(`server ${line}`),
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
  'server PING :cookie',
  'server :irc.test 001 ann :Welcome',
  'message hot : tea',
  'message ',
  'message word',
  'message from nowhere',
  'server :ben!~b@127.0.0.1 PRIVMSGS ann :no',
  'server ERROR :Closing link',
];

describe('lines of IRC', () => {
  const bytes = Buffer.from(`${STREAM}\r\n`);

  it('are the same however the bytes are split', () => {
    expect(read([bytes])).toEqual({ heard: HEARD, isGood: true });
    for (let at = 0; at <= bytes.length; at += 1)
      expect(read([bytes.subarray(0, at), bytes.subarray(at)]).heard, `split at ${at}`).toEqual(HEARD);
    expect(read(Array.from(bytes, (byte) => Buffer.of(byte))).heard).toEqual(HEARD);
  });

  it('may end without a carriage return', () => {
    expect(read([Buffer.from(`${STREAM.replaceAll('\r', '')}\n`)]).heard).toEqual(HEARD);
  });

  it('are not reported before they end', () => {
    expect(read([Buffer.from(':ben!~b@127.0.0.1 PRIVMSG #tea :hot')]).heard).toEqual([]);
  });

  it('end the stream if they are too long, in one piece or in many', () => {
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

  it('are not reported after a stop, even if they have arrived', () => {
    const heard: string[] = [];
    const lines = new IrcLines({
      message: (read, start, end) => {
        heard.push(read.toString('latin1', start, end));
        lines.stop();
      },
      serverLine: () => {},
    });
    const two = Buffer.from(':b PRIVMSG a :one\r\n:b PRIVMSG a :two\r\n');
    expect(lines.push(two, two.length)).toBe(true);
    expect(heard).toEqual(['one']);
  });

  it('are the same for arbitrary bytes, split anywhere', () => {
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
