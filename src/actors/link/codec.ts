/**
 * The items of a link as bytes. Messages, which are nearly all of them, have a form of their own; everything else crosses
 * as JSON, so that there is nothing in it that JSON does not hold; `undefined` comes as null.
 *
 * An entry crosses as the finished frame of its event: the registry encodes it once, and the shard gives these very bytes to
 * its recipients. That takes a third of the time of JSON at both ends (measured, with a text of 64 bytes).
 */

import { MESSAGE_BYTES, writeMessage } from '../../protocol/message-frame.ts';
import { type BatchReader, type BatchWriter, BYTES_A_UNIT } from '../kernel/batch.ts';
import { eventFrame, type Routed } from './event-frame.ts';
import type { Delivery, ToRegistry, ToShard } from './messages.ts';

const JSON_ITEM = 0;
const SEND = 1;
/** Entries: their kind by its place here, and 1. */
const KINDS = ['message', 'direct', 'joined', 'left'] as const;

export function writeToRegistry(out: BatchWriter, item: ToRegistry): void {
  if (item[0] !== 'send') {
    writeJson(out, item);
    return;
  }
  const [, number, connection, to, text, key] = item;
  out.byte(SEND);
  out.number(number);
  out.number(connection);
  out.text(to);
  out.text(text);
  out.text(key ?? NO_KEY);
}

export function readToRegistry(batch: BatchReader): ToRegistry {
  if (batch.byte() === JSON_ITEM) return readJson(batch);
  const number = batch.number();
  const connection = batch.number();
  const to = batch.text();
  const text = batch.text();
  return ['send', number, connection, to, text, readKey(batch)];
}

export function writeToShard(out: BatchWriter, item: ToShard): void {
  switch (item[0]) {
    case 'message':
    case 'direct':
    case 'joined':
    case 'left':
      writeEntry(out, item);
      break;
    default:
      writeJson(out, item);
  }
}

export function readToShard(batch: BatchReader): Exclude<ToShard, Routed> | Delivery {
  const type = batch.byte();
  if (type === JSON_ITEM) return readJson(batch);
  const kind = KINDS[type - 1] ?? 'message';
  const id = batch.number();
  const at = batch.number();
  const number = batch.number();
  const account = batch.number();
  const target = batch.number();
  const key = readKey(batch);
  batch.frame();
  return [kind, id, at, number, account, target, key, batch.frames, batch.start, batch.end];
}

function writeEntry(out: BatchWriter, item: Routed): void {
  const [kind, id, at, number, account, user, target, name] = item;
  out.byte(KINDS.indexOf(kind) + 1);
  out.number(id);
  out.number(at);
  out.number(number);
  out.number(account);
  out.number(target);
  if (item[0] === 'message' || item[0] === 'direct') {
    const text = item[8];
    out.text(item[9] ?? NO_KEY);
    const start = out.open(MESSAGE_BYTES + BYTES_A_UNIT * (user.length + name.length + text.length));
    out.close(writeMessage(out.frames, start, id, at, user, name, text));
  } else {
    out.text(NO_KEY);
    const frame = eventFrame(item, NO_ACCOUNT);
    const start = out.open(frame.length);
    out.close(start + frame.copy(out.frames, start));
  }
}

/** A key has at least one byte. */
const NO_KEY = '';
/** No account has this id. */
const NO_ACCOUNT = 0;

function readKey(batch: BatchReader): string | null {
  const key = batch.text();
  return key === NO_KEY ? null : key;
}

function writeJson(out: BatchWriter, item: readonly unknown[]): void {
  out.byte(JSON_ITEM);
  out.text(JSON.stringify(item));
}

/** The two ends are parts of one program: its types are taken on trust. */
function readJson<Item>(batch: BatchReader): Item {
  return JSON.parse(batch.text());
}
