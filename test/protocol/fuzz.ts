/**
 * Feeds random and damaged streams of frames to the decoders of frames and bodies, and checks each step against a
 * second implementation of the rules. Run by hand:
 *
 *     node test/protocol/fuzz.ts --inputs 1000000 --seed 1
 *
 * An input is one stream on one connection. The seed and its number determine its content, so `--first N --inputs 1`
 * repeats input N. At the first failure the program prints it and exits with 1.
 */

import { isDeepStrictEqual, parseArgs } from 'node:util';
import { isNativeAccelerationEnabled } from 'msgpackr';
import { decodeBody, encodeFrame } from '../../src/protocol/codec.ts';
import { FrameDecoder, frameBody } from '../../src/protocol/frame.ts';
import { isSafeArray } from '../../src/protocol/scan.ts';
import { HEADER_BYTES } from '../../src/protocol/vocabulary.ts';
import { type Pick, startCycle } from '../support/random.ts';
import { mutate, writeBody } from './hostile.ts';
import { findForbidden, readPlainly } from './oracle.ts';

const LIMIT = 4_096;

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    first: { type: 'string', default: '0' },
  },
});
const [inputs, seed, first] = [readCount(values.inputs), readCount(values.seed), readCount(values.first)];

const counts = {
  inputs: 0,
  bytes: 0,
  bodies: 0,
  taken: 0,
  refused: 0,
  badFrames: 0,
  tooLarge: 0,
  unfinished: 0,
};
const slowest = { ms: 0, bytes: 0 };

/** Decoded after each refused body, because a peer's bytes must not change how the next peer's are read. */
const probe: readonly unknown[] = ['send', 0x40, 0x7f, '#room', { type: 'é'.repeat(20), a: 'x'.repeat(150) }];
const probeBody = encodeFrame(probe).subarray(HEADER_BYTES);

function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 0) throw new Error(`not a whole number: ${text}`);
  return count;
}

/** The content of the stream, read in one piece. */
type Expected = { bodies: Buffer[]; end: 'more' | 'bad_frame' | 'frame_too_large'; idle: boolean };

function readStream(stream: Buffer): Expected {
  const bodies: Buffer[] = [];
  let at = 0;
  for (;;) {
    const header = stream.toString('latin1', at, at + HEADER_BYTES);
    if (header.length < HEADER_BYTES) return { bodies, end: 'more', idle: header === '' };
    if (!/^[1-9][0-9]{0,6} +$/.test(header)) return { bodies, end: 'bad_frame', idle: false };
    if (Number(header) > LIMIT) return { bodies, end: 'frame_too_large', idle: false };
    const start = at + HEADER_BYTES;
    at = start + Number(header);
    if (at > stream.length) return { bodies, end: 'more', idle: false };
    bodies.push(stream.subarray(start, at));
  }
}

function drawBody(pick: Pick): Buffer {
  const kind = pick(8);
  if (kind === 0) return Buffer.from(Array.from({ length: pick(60) }, () => pick(256)));
  if (kind === 1) return writeBody(pick, 0);
  if (kind === 2) return writeBody(pick, 10);
  if (kind === 3) return mutate(pick, probeBody, writeBody(pick, 20));
  const body = writeBody(pick, kind < 6 ? 0 : 40);
  return mutate(pick, body, kind === 7 ? writeBody(pick, 10) : body);
}

function drawStream(pick: Pick): Buffer {
  const frames: Buffer[] = [];
  for (let i = pick(6); i >= 0; i -= 1) {
    const body = drawBody(pick);
    if (body.length > 0) frames.push(frameBody(body));
  }
  const stream = Buffer.concat(frames);
  const fate = pick(20);
  if (fate === 0) return mutate(pick, stream, stream);
  if (fate === 1) return stream.subarray(0, pick(stream.length + 1));
  if (fate === 2) {
    // Random damage rarely hits a header, so damage one on purpose.
    const headers = [
      '0       ',
      '00000001',
      '4097    ',
      '9999999 ',
      '99999999',
      '1      \0',
      '1\t      ',
      '-1      ',
    ];
    return Buffer.concat([stream, Buffer.from(headers[pick(headers.length)] ?? '', 'latin1'), stream]);
  }
  return stream;
}

/** Pushes the stream in random pieces and pulls at random times. Returns a description of the first wrong result. */
function checkStream(pick: Pick, stream: Buffer): string | undefined {
  const expected = readStream(stream);
  const decoder = new FrameDecoder(LIMIT);
  const largest = [1, 10, 200, 100_000][pick(4)] ?? 1;
  let seen = 0;
  for (let at = 0; ; ) {
    const size = Math.min(stream.length - at, 1 + pick(largest));
    decoder.push(stream.subarray(at, at + size));
    at += size;
    for (let pulls = at === stream.length ? Infinity : pick(5); pulls > 0; pulls -= 1) {
      const decoded = decoder.next();
      if (decoded.type === 'fault') return checkEnd(expected, seen, decoded.fault, false);
      if (decoded.type === 'body') {
        const wanted = expected.bodies[seen];
        seen += 1;
        if (wanted === undefined || !decoded.body.equals(wanted)) return `body ${seen} of the stream differs`;
        const wrong = checkBody(decoded.body);
        if (wrong !== undefined) return `body ${seen}, ${wanted.toString('hex')}: ${wrong}`;
      } else if (at === stream.length) return checkEnd(expected, seen, 'more', decoder.idle);
      else break;
    }
  }
}

function checkEnd(expected: Expected, seen: number, end: Expected['end'], idle: boolean): string | undefined {
  if (end === 'bad_frame') counts.badFrames += 1;
  if (end === 'frame_too_large') counts.tooLarge += 1;
  if (end === 'more' && !idle) counts.unfinished += 1;
  if (seen !== expected.bodies.length) return `${seen} bodies instead of ${expected.bodies.length}`;
  if (end !== expected.end) return `ended with ${end} instead of ${expected.end}`;
  if (end === 'more' && idle !== expected.idle) return `idle is ${idle}`;
  return undefined;
}

function timeBody(body: Buffer): void {
  let ms = Infinity;
  // Takes the fastest of up to three tries, because another process or the garbage collector may slow one down.
  for (let i = 0; i < 3 && ms > slowest.ms; i += 1) {
    const started = performance.now();
    decodeBody(body);
    ms = Math.min(ms, performance.now() - started);
  }
  if (ms > slowest.ms) Object.assign(slowest, { ms, bytes: body.length });
}

function checkBody(body: Buffer): string | undefined {
  const expected = readPlainly(body);
  const safe = isSafeArray(body);
  const decoded = decodeBody(body);
  timeBody(body);
  counts.bodies += 1;
  if (safe !== (expected !== undefined)) return safe ? 'taken, but not allowed' : 'allowed, but refused';
  if (decoded === undefined) {
    if (safe) return 'taken by the scan, but not decoded';
    counts.refused += 1;
    return isDeepStrictEqual(decodeBody(probeBody), probe)
      ? undefined
      : 'changes how the next body is decoded';
  }
  counts.taken += 1;
  if (!isDeepStrictEqual(decoded, expected)) return 'decoded to something else';
  const forbidden = findForbidden(decoded);
  if (forbidden !== undefined) return `holds ${forbidden}`;
  for (const key in {}) return `set ${key} on every object`;
  return isDeepStrictEqual(decodeBody(body), expected) ? undefined : 'decoded differently the second time';
}

/** The result of a check, or the error that it threw. */
function attempt(pick: Pick, stream: Buffer): string | undefined {
  try {
    return checkStream(pick, stream);
  } catch (error) {
    return `threw ${error instanceof Error ? error.stack : String(error)}`;
  }
}

function summarize(): string {
  const rate = Math.round(counts.inputs / (performance.now() / 1_000));
  return `seed ${seed}, ${rate} inputs/s, ${JSON.stringify(counts)}, slowest body ${slowest.ms.toFixed(2)} ms for ${slowest.bytes} bytes`;
}

console.log(
  `fuzzing ${inputs} inputs, seed ${seed}, native ${isNativeAccelerationEnabled}, Node ${process.version}`,
);
for (let number = first; number < first + inputs; number += 1) {
  const pick = startCycle(seed, number);
  const stream = drawStream(pick);
  const wrong = attempt(pick, stream);
  counts.inputs += 1;
  counts.bytes += stream.length;
  if (wrong !== undefined) {
    console.error(`input ${number} fails: ${wrong}\nstream: ${stream.toString('hex')}`);
    console.error(`again: node test/protocol/fuzz.ts --seed ${seed} --first ${number} --inputs 1`);
    console.error(summarize());
    process.exit(1);
  }
  if (counts.inputs % 250_000 === 0) console.log(summarize());
}
console.log(`no failure: ${summarize()}`);
