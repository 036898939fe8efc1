/** Adds a kind of intent and entry to a copy of the sources, which takes one file and its rows in the table, and uses it. */

import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';

const folder = testFolder();
const root = fileURLToPath(new URL('../..', import.meta.url));

/** A reaction to an entry of a room, with a single character. */
const REACT = `
import type { Directory } from '../directory.ts';
import type { Authored, Committed, InRoom } from '../entry.ts';
import type { AccountIntent } from '../intent.ts';
import type { Journal } from '../journal.ts';
import { type ChatState, type Decision, singleChange, refused } from '../state.ts';
import { common, type EntryKind, inRoom } from './entry-kind.ts';

export interface ReactIntent extends AccountIntent {
  readonly kind: 'react';
  readonly room: string;
  readonly about: number;
  readonly sign: string;
}

interface Reaction extends Authored, Committed, InRoom {
  readonly kind: 'reaction';
  readonly about: number;
  readonly data: string;
}

export const reactions = new Map<number, string>();

export const REACTION: EntryKind<Reaction> = {
  code: 3,
  place: 'room',
  read: (stored) => ({
    kind: 'reaction',
    ...common(stored),
    ...inRoom(stored),
    about: stored.about ?? 0,
    data: stored.data ?? '',
  }),
  apply(_: Directory, { about, data }: Reaction, journal: Journal): void {
    const before = reactions.get(about);
    reactions.set(about, (before ?? '') + data);
    journal.push(() => (before === undefined ? reactions.delete(about) : reactions.set(about, before)));
  },
};

export function decideReact({ directory }: ChatState, intent: ReactIntent): Decision {
  const { account, user, room: name, about, sign, origin } = intent;
  const room = directory.room(name);
  if (!room?.members.has(account)) return refused('not_a_member');
  return singleChange({ kind: 'reaction', account, user, room: room.id, roomName: room.name, about, data: sign, origin });
}
`;

const PROGRAM = `
import { Fold } from './src/chat/fold.ts';
import type { Intent } from './src/chat/intent.ts';
import { reactions } from './src/chat/kinds/react.ts';
import { Archive } from './src/store/sqlite/archive.ts';
import { openProjection } from './src/store/sqlite/projection.ts';

const file = process.argv[2] ?? '';
const projection = openProjection(file);
const fold = new Fold(projection);
let position = 0;
const apply = (...intents: Intent[]) => {
  position += 1;
  return fold.apply([{ position, at: 1_795_000_000_000, batch: { writer: 'a', number: position, intents } }]);
};
const ann = { account: 1, user: 'ann', origin: null };
const ben = { account: 2, user: 'ben', origin: null };
apply({ kind: 'register', name: 'ann', guest: false }, { kind: 'register', name: 'ben', guest: false });
apply({ kind: 'join', ...ann, room: '#tea' }, { kind: 'say', ...ann, to: '#tea', text: 'hello', key: null });
const about = projection.lastId;
const applied = apply(
  { kind: 'react', ...ann, room: '#tea', about, sign: '+' },
  { kind: 'react', ...ben, room: '#tea', about, sign: '-' },
);
const [read] = projection.readAfter(about, 1);
projection.close();
const archive = new Archive(file);
const { entries } = archive.replay(1, about, 10, 10_000);
archive.close();
console.log(JSON.stringify({ about, applied, read, replayed: entries[0], inMemory: [...reactions] }));
`;

it('works with decide, the fold, the database and a replay, and passes the type check', () => {
  cpSync(`${root}/src`, `${folder}/src`, { recursive: true });
  cpSync(`${root}/package.json`, `${folder}/package.json`);
  symlinkSync(`${root}/node_modules`, `${folder}/node_modules`);
  writeFileSync(`${folder}/src/chat/kinds/react.ts`, REACT);
  const table = readFileSync(`${folder}/src/chat/kinds/table.ts`, 'utf8')
    .replace('export const INTENTS = {', '$&\n  react: decideReact,')
    .replace('export const ENTRIES = {', '$&\n  reaction: REACTION,')
    .replace(/^import/m, "import { decideReact, REACTION } from './react.ts';\nimport");
  writeFileSync(`${folder}/src/chat/kinds/table.ts`, table);
  writeFileSync(`${folder}/program.ts`, PROGRAM);
  const options = { extends: `${root}/tsconfig.json`, include: [], files: ['program.ts'] };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify(options));

  execFileSync(`${root}/node_modules/.bin/tsc`, ['-p', folder, '--noEmit'], { stdio: 'inherit' });
  const printed = execFileSync(process.execPath, [`${folder}/program.ts`, `${folder}/chat.db`], {
    encoding: 'utf8',
  });
  const { about, applied, read, replayed, inMemory } = JSON.parse(printed);
  const reaction = { kind: 'reaction', account: 1, user: 'ann', roomName: '#tea', about, data: '+' };
  const [reacted, refused] = applied.outcomes[0];
  expect(reacted.entries[0]).toMatchObject(reaction);
  expect(refused).toEqual({ type: 'refused', code: 'not_a_member' });
  expect(read).toEqual(reacted.entries[0]);
  expect(replayed).toEqual(reacted.entries[0]);
  expect(inMemory).toEqual([[about, '+']]);
});
