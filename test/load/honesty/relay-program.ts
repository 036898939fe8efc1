/**
 * The program of the relay's process: a small chat server that speaks Parley's protocol, remembers everything in memory, and does
 * wrong exactly what it was asked to. Argument: the faults, as JSON. Over its channel it says its port, and when asked what it
 * has counted.
 */

import { createServer, type Socket } from 'node:net';
import { decodeBody, encodeFrame } from '../../../src/protocol/codec.ts';
import { FrameDecoder } from '../../../src/protocol/frame.ts';
import { type Faults, noCounted } from './faults.ts';
import { Deliveries, isDue, type Letter, type Mailbox } from './relay-deliveries.ts';

/** As large as Parley's own, which are microseconds. */
const FIRST_ID = 1_795_334_587_148_000;
const TEXTS = 1_000;
/** Timers may come a little early, and 20 is what is promised. */
const DELAY_MS = 21;
/** Where the number of a message begins and ends in its text. */
const NUMBER = [18, 24] as const;

interface Client {
  readonly socket: Socket;
  person: Person | undefined;
  /** What it asked for behind a message that is taken later. */
  waiting: (() => void)[] | undefined;
}

class Person implements Mailbox {
  readonly name: string;
  readonly isGuest: boolean;
  readonly clients = new Set<Client>();
  hasReplayed = false;
  hasWritten = false;
  lastId = 0;

  constructor(name: string, isGuest: boolean) {
    this.name = name;
    this.isGuest = isGuest;
  }

  put(letter: Letter, id: number = letter.id): void {
    this.lastId = Math.max(this.lastId, id);
    for (const { socket } of this.clients) socket.write(letter.frame(id));
  }
}

interface Entry {
  readonly id: number;
  readonly writer: Person;
  readonly readers: ReadonlySet<Person>;
  readonly letter: Letter;
}

// The test that started this process wrote it there.
const faults: Faults = JSON.parse(process.argv[2] ?? '{}');
const counted = noCounted();
const deliveries = new Deliveries(faults, counted);
const people = new Map<string, Person>();
const rooms = new Map<string, Set<Person>>();
const log: Entry[] = [];
const keys = new Map<string, readonly [number, number]>();
let lastId = FIRST_ID;
let sends = 0;
let asked = 0;

const server = createServer({ noDelay: true }, (socket) => {
  counted.connections += 1;
  const client: Client = { socket, person: undefined, waiting: undefined };
  const decoder = new FrameDecoder(65_536);
  socket.on('error', () => {});
  socket.on('close', () => leave(client));
  socket.on('data', (chunk: Buffer) => {
    decoder.push(chunk);
    for (let next = decoder.next(); next.type === 'body' && !socket.destroyed; next = decoder.next()) {
      const [verb, id, ...values] = decodeBody(next.body) ?? [];
      const act = (): void => answer(client, String(verb), id, values);
      if (verb === 'resume' && faults.slowDoorMs !== undefined) setTimeout(act, faults.slowDoorMs);
      else if (client.waiting !== undefined) client.waiting.push(act);
      else if (verb === 'send' && isDelayed()) delay(client, act);
      else act();
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' && address !== null ? address.port : 0 });
});
process.on('message', () => process.send?.({ counted }));
process.on('disconnect', () => process.exit());

function isDelayed(): boolean {
  asked += 1;
  if (!isDue(asked, faults.delayEvery)) return false;
  counted.delayed += 1;
  return true;
}

/** It takes effect later, and so does what the same connection asks for behind it. */
function delay(client: Client, act: () => void): void {
  const waiting = [act];
  client.waiting = waiting;
  setTimeout(() => {
    client.waiting = undefined;
    for (const next of waiting) next();
  }, DELAY_MS);
}

function answer(client: Client, verb: string, id: unknown, values: readonly unknown[]): void {
  const say = (...frames: readonly (readonly unknown[])[]): void => {
    for (const frame of frames) client.socket.write(encodeFrame(frame));
  };
  const [first, second, third] = values;
  if (verb === 'guest' || verb === 'login' || verb === 'resume') {
    const person = people.get(String(first)) ?? new Person(String(first), verb === 'guest');
    people.set(person.name, person);
    client.person = person;
    say(['ok', id, { user: person.name, rooms: [], ...(person.isGuest ? {} : { token: 'a token' }) }]);
    if (typeof third === 'number' && !replay(client, person, third)) return;
    say(['live', lastId]);
    person.clients.add(client);
  } else if (verb === 'join') {
    const members = rooms.get(String(first)) ?? new Set();
    rooms.set(String(first), members);
    if (client.person !== undefined) members.add(client.person);
    lastId += 1;
    say(['ok', id, [lastId, [[], null]]]);
  } else if (verb === 'send') {
    const answered = send(client, String(first), String(second), third);
    if (client.socket.destroyed || answered === undefined) return;
    say(typeof answered === 'string' ? ['error', id, answered, 'no'] : ['ok', id, answered]);
  } else if (verb === 'quit') {
    say(['ok', id], ['bye', 'quit', 'goodbye']);
    client.socket.end();
  } else say(['ok', id]);
}

/** Its id and time, or why not; undefined if there is no answer. */
function send(
  { person: writer, socket }: Client,
  to: string,
  text: string,
  key: unknown,
): readonly [number, number] | string | undefined {
  if (writer === undefined) return 'not_logged_in';
  const known = typeof key === 'string' ? keys.get(`${writer.name} ${key}`) : undefined;
  if (known !== undefined) return known;
  const members = to.startsWith('#') ? rooms.get(to) : new Set([people.get(to) ?? []].flat());
  if (members === undefined || members.size === 0)
    return to.startsWith('#') ? 'no_such_room' : 'no_such_user';
  if (to.startsWith('#') && !members.has(writer)) return 'not_a_member';
  sends += 1;
  happen(sends);
  // It is as good as gone: what had come in behind that message is not handled any more.
  if (sends >= (faults.goAwayAt ?? Number.POSITIVE_INFINITY)) return undefined;
  if (isDue(sends, faults.refuseEvery)) {
    counted.refused += 1;
    return 'storage_full';
  }
  if (isDue(sends, faults.dropEvery)) {
    counted.cut += 1;
    socket.destroy();
    return undefined;
  }
  if (isDue(sends, faults.swallowEvery)) {
    counted.swallowed += 1;
    return undefined;
  }
  counted.messages += 1;
  if (counted.texts.length < TEXTS) counted.texts.push(text);
  writer.hasWritten = true;
  const readers = new Set([...members].filter((member) => member !== writer));
  const isDamaged = isDue(sends, faults.damageEvery);
  if (isDamaged) counted.damaged += readers.size;
  const letter = write(writer, to, isDamaged ? `${text.slice(0, 20)}x${text.slice(21)}` : text);
  const stored = [letter.id, Date.now()] as const;
  writer.lastId = letter.id;
  log.push({ id: letter.id, writer, readers, letter });
  if (typeof key === 'string') keys.set(`${writer.name} ${key}`, stored);
  deliveries.send(sends, letter, [...readers]);
  if (isDue(sends, faults.strayEvery)) stray(writer, readers, letter);
  if (isDue(sends, faults.inventEvery)) {
    counted.invented += readers.size;
    const invented = write(writer, to, `${text.slice(0, NUMBER[0])}987654${text.slice(NUMBER[1])}`);
    for (const reader of readers) reader.put(invented);
  }
  if (isDue(sends, faults.cutEvery)) {
    counted.cut += 1;
    socket.destroy();
  }
  return stored;
}

/** It gets the next id. */
function write({ name: writer }: Person, to: string, text: string): Letter {
  lastId += 1;
  const at = Date.now();
  return { id: lastId, writer, to, frame: (id) => encodeFrame(['message', id, at, writer, to, text]) };
}

/** What happens once, with that message. */
function happen(number: number): void {
  if (number === faults.closeDoorAt || number === faults.hangUpAt) server.close();
  if (number === faults.hangUpAt) {
    for (const { clients } of people.values()) for (const { socket } of clients) socket.destroy();
  }
  if (number === faults.goAwayAt) {
    // The parent gets it before the end of the channel.
    process.send?.({ counted }, () => process.exit());
    block(1_000);
  }
  if (number === faults.stallAt) {
    const began = performance.now();
    block(faults.stallMs ?? 0);
    counted.stalledMs = performance.now() - began;
  }
  if (people.size >= (faults.slowFrom ?? Number.POSITIVE_INFINITY)) block(faults.workMs ?? 0);
}

/** The whole process stands still. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Somebody gets it who has nothing to do with it. */
function stray(writer: Person, readers: ReadonlySet<Person>, letter: Letter): void {
  const stranger = [...people.values()].find((person) => person !== writer && !readers.has(person));
  if (stranger === undefined) return;
  counted.strayed += 1;
  stranger.put(letter);
}

/** What somebody missed. False if the connection was ended in the middle of it. */
function replay({ socket }: Client, person: Person, since: number): boolean {
  if (since >= Number.MAX_SAFE_INTEGER) return true;
  counted.resumed += 1;
  const missed = log.filter(
    ({ id, readers, writer }) => id > since && (readers.has(person) || writer === person),
  );
  const end = person.hasReplayed ? undefined : faults.cutReplayAfter;
  if (end === undefined || missed.length <= end) {
    for (const { id, letter } of missed) socket.write(letter.frame(id));
    return true;
  }
  person.hasReplayed = true;
  counted.cut += 1;
  socket.end(Buffer.concat(missed.slice(0, end).map(({ id, letter }) => letter.frame(id))));
  return false;
}

function leave(client: Client): void {
  const { person } = client;
  if (person === undefined) return;
  person.clients.delete(client);
  if (!person.isGuest || person.clients.size > 0) return;
  people.delete(person.name);
  for (const members of rooms.values()) members.delete(person);
}
