/**
 * Encodes the items of a link as bytes. Messages, which are nearly all of them, have a binary form; everything else crosses
 * as JSON, so an item may contain only what JSON can express, and `undefined` arrives as null.
 *
 * An entry crosses as the finished frame of its event, and the shard hands these bytes to its recipients. That takes a third
 * of the time of JSON at both ends (measured with a text of 64 bytes).
 */

import type { Entry } from '../../chat/entry.ts';
import { MESSAGE_BYTES, writeMessage } from '../../protocol/message-frame.ts';
import { type BatchReader, type BatchWriter, BYTES_A_UNIT } from '../kernel/batch.ts';
import { eventFrame } from './event-frame.ts';
import type { FromRegistry, ToRegistry, ToShard } from './messages.ts';

const JSON_ITEM = 0;
const SEND = 1;
/** An entry's type is the position of its kind in this list, plus 1. */
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
  if (item[0] === 'entry') writeEntry(out, item[1], item[2]);
  else writeJson(out, item);
}

export function readToShard(batch: BatchReader): FromRegistry {
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
  const { frames: bytes, start, end } = batch;
  return { kind, id, at, number, account, target, key, bytes, start, end };
}

function writeEntry(out: BatchWriter, number: number, entry: Entry): void {
  const { kind, id, at, account, user } = entry;
  out.byte(KINDS.indexOf(kind) + 1);
  out.number(id);
  out.number(at);
  out.number(number);
  out.number(account);
  out.number(entry.kind === 'direct' ? entry.peer : entry.room);
  if (entry.kind === 'message' || entry.kind === 'direct') {
    const { text } = entry;
    const to = entry.kind === 'message' ? entry.roomName : entry.peerName;
    out.text(entry.key ?? NO_KEY);
    const start = out.open(MESSAGE_BYTES + BYTES_A_UNIT * (user.length + to.length + text.length));
    out.close(writeMessage(out.frames, start, id, at, user, to, text));
  } else {
    out.text(NO_KEY);
    const frame = eventFrame(entry, NO_ACCOUNT);
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

/** Not validated: both ends are parts of one program. */
function readJson<Item>(batch: BatchReader): Item {
  return JSON.parse(batch.text());
}
