import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../../support/client.ts';
import { testFolder } from '../../support/folder.ts';
import { needs } from '../../support/needs.ts';
import { until } from '../../support/process.ts';
import { type RunningServer, startServer } from '../../support/server.ts';
import { display, enter, login, open, type Person } from '../terminal/person.ts';

needs('tmux');
const folder = testFolder();

interface Scene {
  readonly person: Person;
  readonly address: string;
  /** Starts the server again. */
  restart(): Promise<RunningServer>;
}

/** A person in #tea whose server has gone, and who has written `texts` since. */
async function offline(user: string, ...texts: string[]): Promise<Scene> {
  const data = join(folder, `data.${user}`);
  const server = await startServer({ data });
  const person = await enter(folder, user, server.address, '--register');
  person.say('/join tea');
  await person.see(new RegExp(`${user} #tea>$`));
  await server.kill();
  await person.see(/#tea \(offline/);
  for (const text of texts) person.say(text);
  await until('the messages on the page', () =>
    texts.every((text) => display(person).includes(text.replace(/^\/\//, '/'))),
  );
  return {
    person,
    address: server.address,
    restart: () => startServer({ data, args: ['--port', String(server.port)] }),
  };
}

/** What is saved for the next start, file by file. */
function kept({ cwd }: Person): string[] {
  const state = join(cwd, 'state');
  if (!existsSync(state)) return [];
  return readdirSync(state, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(state, name));
}

/** The texts of a user in #tea, oldest first. */
async function stored(server: RunningServer, user: string): Promise<unknown[]> {
  const reader = await TestClient.login(server.address, user, `secret of ${user}`);
  const page = await reader.ok('history', '#tea');
  reader.close();
  return Array.isArray(page) && Array.isArray(page[0]) ? page[0].map((message) => message[4]).reverse() : [];
}

const QUESTION = /(\d) messages? not sent yet: keep for the next start, drop, or stay\? \[keep\]:$/;

/** Quits, keeping what was not sent, and returns the file that has it. */
async function leave(person: Person): Promise<string> {
  person.press('C-d');
  await person.see(QUESTION);
  person.press('Enter');
  await person.exit();
  return kept(person)[0] ?? '';
}

describe('unsent messages', () => {
  it.each([
    ['/quit', (person: Person) => person.say('/quit')],
    ['Ctrl-D', (person: Person) => person.press('C-d')],
  ])(
    'are asked about once at %s, kept, and sent at the next start, once and in order',
    async (way, leave) => {
      const user = way === '/quit' ? 'anna' : 'bert';
      const { person, address, restart } = await offline(user, 'one', '//two', 'three');
      leave(person);
      await person.see(QUESTION);
      person.press('Enter');
      expect(await person.exit()).toBe(0);
      expect(person.screen()).toContain('parley: 3 messages were saved, to be sent at the next start');
      expect(display(person)).toContain('saved for the next start');
      expect(kept(person)).toHaveLength(1);
      const server = await restart();
      const again = await enter(folder, user, address);
      await again.see('sending 3 messages from the last run');
      await until('them to be stored', async () => (await stored(server, user)).length === 3);
      expect(await stored(server, user)).toEqual(['one', '/two', 'three']);
      again.press('C-d');
      expect(await again.exit()).toBe(0);
      expect(kept(again)).toEqual([]);
      await server.stop();
    },
  );

  it('can be dropped, or the user can stay', async () => {
    const { person } = await offline('cora', 'one');
    // Passwords typed ahead do not become messages.
    for (const line of ['/password', 'secret of cora', 'another secret', 'another secret']) person.say(line);
    await person.see('there is no connection to the server');
    person.say('/quit');
    await person.see(QUESTION);
    person.say('stay');
    await person.see(/cora #tea \(.*\)>$/);
    person.press('C-d');
    await person.see(QUESTION);
    person.say('d');
    expect(await person.exit()).toBe(0);
    expect(person.screen()).toContain('parley: 1 message was dropped');
    expect(display(person)).not.toContain('secret');
    expect(kept(person)).toEqual([]);
  });

  it.each([['C-d'], ['C-c']])('are kept by %s at the question', async (key) => {
    const { person } = await offline(`dirk.${key}`, 'one');
    person.press('C-d');
    await person.see(QUESTION);
    person.press(key);
    expect(await person.exit()).toBe(0);
    expect(kept(person)).toHaveLength(1);
  });

  it('are kept by Ctrl-C, which says so before it is pressed again', async () => {
    const { person } = await offline('emma', 'one', 'two');
    person.press('C-c');
    await person.see('(Ctrl-C again quits, and keeps for the next start 2 messages not sent yet)');
    person.press('C-c');
    expect(await person.exit()).toBe(130);
    expect(kept(person)).toHaveLength(1);
  });

  it('are kept when the terminal is closed', async () => {
    const { person } = await offline('fred', 'one');
    person.close();
    await until('it to be kept', () => kept(person).length === 1);
  });

  it('are stored once, even if they had been stored when the client exited', async () => {
    const { person, address, restart } = await offline('gerd', 'one', 'two');
    const file = await leave(person);
    const { messages } = JSON.parse(readFileSync(file, 'utf8'));
    const server = await restart();
    const other = await TestClient.login(address, 'gerd', 'secret of gerd');
    await other.ok('send', '#tea', 'one', messages[0].key);
    other.close();
    const again = await enter(folder, 'gerd', address);
    await until('all to be stored', async () => (await stored(server, 'gerd')).length === 2);
    expect(await stored(server, 'gerd')).toEqual(['one', 'two']);
    await again.see('sending 1 message from the last run');
    expect(display(again).split('>one<')).toHaveLength(2);
    again.press('C-d');
    await again.exit();
    expect(kept(again)).toEqual([]);
    await server.stop();
  });

  it('are asked about if they are from an earlier day', async () => {
    const { person, address, restart } = await offline('hans', 'old one', 'fresh one');
    const file = await leave(person);
    const content = JSON.parse(readFileSync(file, 'utf8'));
    content.messages[0].at -= 3 * 24 * 60 * 60 * 1_000;
    writeFileSync(file, JSON.stringify(content));
    const server = await restart();
    const question = /to #tea: old one[\s\S]*Send, drop, or ask again next time\? \[ask\]:$/;

    // A user who leaves without an answer keeps them all.
    const first = open(folder, 'hans', ...login(folder, 'hans', address));
    await first.see(question);
    first.close();
    await until('the client to end', () =>
      readFileSync(join(first.cwd, 'chat.live.js'), 'utf8').includes('"closed":true'),
    );
    expect(kept(first)).toHaveLength(1);
    const second = open(folder, 'hans', ...login(folder, 'hans', address));
    await second.see(question);
    second.press('Enter');
    await second.see(/sending 1 message from the last run[\s\S]*hans>$/);
    await until('the fresh one', async () => (await stored(server, 'hans')).includes('fresh one'));
    second.press('C-d');
    await second.exit();
    expect(kept(second)).toHaveLength(1);
    const third = open(folder, 'hans', ...login(folder, 'hans', address));
    await third.see(question);
    third.say('send');
    await until('the old one', async () => (await stored(server, 'hans')).includes('old one'));
    third.press('C-d');
    await third.exit();
    expect(kept(third)).toEqual([]);
    await server.stop();
  });

  it('of a guest can only be dropped', async () => {
    const data = join(folder, 'data.jane');
    const server = await startServer({ data, args: ['--guests'] });

    const jane = open(folder, 'jane', server.address, '--user', 'jane', '--guest', '--display', 'chat');
    await jane.see(/jane>$/);
    jane.say('/join tea');
    await jane.see(/jane #tea>$/);
    await server.kill();
    await jane.see(/offline/);
    jane.say('one');
    jane.press('C-d');
    await jane.see(/1 message not sent yet: drop and quit, or stay\? \[stay\]:$/);
    jane.press('Enter');
    await jane.see(/jane #tea \(.*\)>$/);
    jane.press('C-d');
    await jane.see(/stay\? \[stay\]:$/);
    jane.press('C-d');
    expect(await jane.exit()).toBe(0);
    expect(kept(jane)).toEqual([]);
  });
});
