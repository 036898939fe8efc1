import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../src/protocol/codec.ts';
import { frameBody } from '../../src/protocol/frame.ts';
import { LIMITS } from '../../src/protocol/vocabulary.ts';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const data = `${testFolder()}/data`;
let server: RunningServer;
let ann: TestClient;
let ben: TestClient;

beforeAll(async () => {
  server = await startServer({ data, args: ['--workers', '2'] });
  ann = await TestClient.register(server.address, 'ann');
  ben = await TestClient.register(server.address, 'ben');
});
afterAll(async () => {
  await server.stop();
});

const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('reads a frame that is cut at any byte', async () => {
  const frame = encodeFrame(['send', 1_000, 'ben', 'cut in two']);
  for (let cut = 1; cut < frame.length; cut += 1) {
    ann.answers.delete(1_000);
    ann.socket.write(frame.subarray(0, cut));
    await pause();
    ann.socket.write(frame.subarray(cut));
    expect((await ann.answer(1_000))[0]).toBe('ok');
  }
  await ben.until(() => ben.messages().length === frame.length - 1, 'every message');
});

it('reads frames that come byte by byte, and many that come at once', async () => {
  const frames = Array.from({ length: 200 }, (_, i) => encodeFrame(['ping', 2_000 + i]));
  const bytes = Buffer.concat(frames);
  for (let i = 0; i < 400; i += 1) {
    ann.socket.write(bytes.subarray(i, i + 1));
    await pause();
  }
  ann.socket.write(bytes.subarray(400));
  expect(await ann.answer(2_199)).toEqual(['ok', 2_199]);
});

it('takes a frame of the largest size after login, and one larger ends the connection', async () => {
  const filled = (size: number): Buffer => {
    const empty = encodeFrame(['ping', 3_000, '']).length - 8;
    return encodeFrame(['ping', 3_000, 'x'.repeat(size - empty - 4 + 2)]);
  };
  const largest = filled(LIMITS.frame);
  expect(largest.length - 8).toBe(LIMITS.frame);
  ann.socket.write(largest);
  expect((await ann.answer(3_000))[0]).toBe('ok');
  const other = await TestClient.login(server.address, 'ann');
  other.socket.write(filled(LIMITS.frame + 1));
  await other.closed();
  expect(other.answers.get(null)?.[2]).toBe('frame_too_large');
  await ann.ok('ping');
});

it('takes 4 KiB before login and not a byte more', async () => {
  const frame = (size: number): Buffer => frameBody(Buffer.alloc(size, 0xc0));
  const small = await TestClient.connect(server.address);
  small.socket.write(frame(LIMITS.frameBeforeLogin));
  expect((await small.answer(null))[2]).toBe('malformed');
  const large = await TestClient.connect(server.address);
  large.socket.write(frame(LIMITS.frameBeforeLogin + 1).subarray(0, 8));
  expect((await large.answer(null))[2]).toBe('frame_too_large');
  await large.closed();
});

describe('a header that cannot be trusted: an error frame, a farewell, the end; all others go on', () => {
  it.each([
    ['not a number', 'hello   '],
    ['negative', '-5      '],
    ['signed', '+5      '],
    ['zero', '0       '],
    ['a leading zero', '007     '],
    ['no blanks', '12345678'],
    ['blanks first', '      42'],
    ['a tab', '42\t     '],
    ['a number after blanks', '4 2     '],
    ['a fraction', '4.2     '],
    ['hexadecimal', '0x10    '],
    ['NUL bytes', '42\0\0\0\0\0\0'],
    ['a request of another protocol', 'GET / HTTP/1.1\r\n\r\n'],
  ])('%s', async (_, header) => {
    const client = await TestClient.connect(server.address);
    client.socket.write(header);
    expect((await client.answer(null)).slice(0, 3)).toEqual(['error', null, 'bad_frame']);
    await client.closed();
    expect(client.events.at(-1)?.slice(0, 2)).toEqual(['bye', 'bad_frame']);
    await ann.ok('ping');
  });
});

describe('a body that makes no sense: an error frame, and the connection goes on', () => {
  it.each([
    ['not an array', Buffer.from([0x01])],
    ['cut short', Buffer.from([0x92, 0xa4, 0x70])],
    ['bytes behind the array', Buffer.from([0x90, 0x90])],
    ['invalid UTF-8', Buffer.from([0x92, 0xa1, 0xff, 0x01])],
    ['an extension type', Buffer.from([0x91, 0xd4, 0x01, 0x00])],
    ['too deep', Buffer.from([...Array(20).fill(0x91), 0xc0])],
    ['a huge count', Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])],
    [
      'an integer beyond 2^53',
      Buffer.from([0x92, 0xa1, 0x61, 0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ],
  ])('%s', async (_, body) => {
    const client = await TestClient.connect(server.address);
    client.socket.write(frameBody(body));
    expect((await client.answer(null))[2]).toBe('malformed');
    await client.ok('ping');
    client.close();
  });

  it.each([[-1], [1.5], ['1'], [null], [[1]]])('a request id that is %j', async (id) => {
    const client = await TestClient.connect(server.address);
    client.socket.write(encodeFrame(['ping', id]));
    expect((await client.answer(null))[2]).toBe('bad_request_id');
    await client.ok('ping');
    client.close();
  });
});

it('answers what was asked before the peer closed its half', async () => {
  const client = await TestClient.connect(server.address);
  client.socket.end(
    Buffer.concat([
      encodeFrame(['login', 1, 'ben', 'secret of ben']),
      encodeFrame(['send', 2, 'ann', 'bye']),
    ]),
  );
  await client.closed();
  expect(client.answers.get(2)?.[0]).toBe('ok');
});

it('closes a connection that reads too slowly, and keeps everybody else', async () => {
  const slow = await TestClient.login(server.address, 'ben');
  slow.socket.pause();
  const text = 'x'.repeat(8_000);
  let closed = false;
  for (let i = 0; i < 200 && !closed; i += 1) {
    await Promise.all(Array.from({ length: 20 }, () => ann.ok('send', 'ben', text)));
    closed = server.stderr().includes('"too_slow"');
  }
  expect(closed).toBe(true);
  await ann.ok('ping');
  expect(ben.isClosed).toBe(false);
  slow.socket.resume();
  await slow.closed();
});
