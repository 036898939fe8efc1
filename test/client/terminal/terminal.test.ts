import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../../support/client.ts';
import { testFolder } from '../../support/folder.ts';
import { needs } from '../../support/needs.ts';
import { until } from '../../support/process.ts';
import { ScriptedServer } from '../../support/scripted-server.ts';
import { startServer } from '../../support/server.ts';
import { sharedServer } from '../../support/server-runs.ts';
import { display, enter as enterChat, open as openTerminal } from './person.ts';

needs('tmux');
const folder = testFolder();
const server = sharedServer();

const open = (user: string, ...args: string[]) => openTerminal(folder, user, ...args);
const enter = (user: string, address = server.address, ...args: string[]) =>
  enterChat(folder, user, address, ...args);

describe('questions', () => {
  it('are asked in order; wrong answers are explained and asked again; passwords are not shown', async () => {
    const terminal = open('alice');
    const answer = async (question: string, text: string): Promise<void> => {
      await until(`the question ${question}`, () => terminal.screen().endsWith(question.trimEnd()), {
        state: terminal.screen,
      });
      terminal.type(text);
      terminal.press('Enter');
    };
    writeFileSync(join(terminal.cwd, 'diary.html'), 'not yours');
    await answer('Server [127.0.0.1:4040]: ', 'localhost:port');
    await terminal.see('is not a port');
    await answer('Server [127.0.0.1:4040]: ', '127.0.0.1:1');
    await terminal.see('127.0.0.1:1: no server is listening there');
    await answer('Server [127.0.0.1:4040]: ', server.address);
    await answer('Display file [chat.html]: ', 'diary');
    await terminal.see('diary.html exists and is not');
    await answer('Display file [chat.html]: ', '');
    await answer('Register or log in? [log in]: ', 'maybe');
    await terminal.see('type "register"');
    await answer('Register or log in? [log in]: ', 'register');
    await answer('Name: ', '1alice');
    await terminal.see('a name is 1 to 32 characters');
    await answer('Name: ', 'alice');
    await answer('Password: ', 'short');
    await terminal.see('a password is 8 to 256 bytes');
    await answer('Password: ', 'a secret of mine');
    await answer('Password again: ', 'a secret of yours');
    await terminal.see('the two passwords differ');
    await answer('Password: ', 'secret of alice');
    await answer('Password again: ', 'secret of alice');
    await terminal.see(/Connected to .* as alice/);
    await terminal.see('alice>');
    expect(display(terminal)).toContain(`<title>alice on ${server.address} – Parley</title>`);
    // Neither on the screen, nor in the history.
    terminal.press('Up');
    terminal.type('/who');
    terminal.press('Enter');
    expect(await terminal.see('1 person online: alice')).not.toMatch(/secret|short/);
    terminal.press('C-d');
    expect(await terminal.exit()).toBe(0);
    expect(readFileSync(join(terminal.cwd, 'diary.html'), 'utf8')).toBe('not yours');
    expect(display(terminal)).not.toContain('secret');
  });

  it('end with Ctrl-D, and a user who never logged in replaces no file', async () => {
    const terminal = open('olaf', server.address, '--display', 'chat');
    const page = '<!doctype html>\n<!-- parley display 1 -->\nof yesterday';
    writeFileSync(join(terminal.cwd, 'chat.html'), page);
    await terminal.see('Register or log in?');
    terminal.press('C-d');
    expect(await terminal.exit()).toBe(0);
    expect(terminal.screen()).not.toContain('rror');
    expect(display(terminal)).toBe(page);
  });
});

describe('the half-typed line', () => {
  it('stays intact while messages arrive, answers are printed, and it wraps', async () => {
    const bob = await enter('bob', server.address, '--register');
    bob.type('/join tea');
    bob.press('Enter');
    await bob.see('bob #tea>');
    const carl = await TestClient.register(server.address, 'carl');
    await carl.ok('join', '#tea');
    const half = `half of a line that is longer than the terminal is wide, ${'so it wraps '.repeat(5)}`;
    bob.type('/msg nobody.here hello');
    bob.press('Enter');
    bob.type(half);
    await bob.see('not sent to nobody.here: there is no such user');
    await carl.ok('send', '#tea', 'hello from carl');
    await until('the message on the display', () => display(bob).includes('hello from carl'));
    bob.press('Left', 'Left', 'BSpace');
    bob.type('P');
    const typed = `bob #tea> ${half.slice(0, -3)}P${half.slice(-2)}`;
    const screen = await bob.see(typed.trimEnd().slice(-20));
    expect(screen.replaceAll('\n', '')).toContain(typed.trimEnd());
    // Once, and nothing of anyone else's.
    expect(screen.split('half of a line')).toHaveLength(2);
    expect(screen).not.toContain('hello from carl');
    bob.press('Enter');
    await carl.event(
      'message',
      ([, , , from, , text]) => from === 'bob' && String(text).startsWith('half of'),
    );
    carl.close();
    bob.type('/quit');
    bob.press('Enter');
    expect(await bob.exit()).toBe(0);
  });

  it('is completed by Tab, and recalled with the arrows', async () => {
    const dora = await enter('dora', server.address, '--register');
    // Keys that arrive at once count as a paste, in which a tab is a tab.
    dora.type('/jo');
    await dora.see(/\/jo$/);
    dora.press('Tab');
    await dora.see(/\/join$/);
    dora.type('lounge');
    dora.press('Enter');
    await dora.see('joined #lounge');
    dora.type('/who #l');
    await dora.see(/#l$/);
    dora.press('Tab');
    await dora.see(/\/who #lounge$/);
    dora.press('Enter');
    await dora.see(/1 member in #lounge, 1 online: dora\n(.*\n)*1 member in #lounge/);
    dora.press('Up', 'Up');
    await dora.see(/dora #lounge> \/join lounge$/);
    dora.press('Down');
    await dora.see(/dora #lounge> \/who #lounge$/);
    dora.press('C-u');
    dora.type('hi do');
    await dora.see(/hi do$/);
    dora.press('Tab');
    await dora.see(/dora #lounge> hi dora$/);
  });

  it('can be left by Ctrl-C while an answer is pending', async () => {
    const silent = await ScriptedServer.start(({ verb }) => verb === 'who');
    const kurt = await enter('kurt', silent.address);
    kurt.type('/who');
    kurt.press('Enter');
    await silent.asked('who');
    kurt.press('C-c', 'C-c');
    expect(await kurt.exit()).toBe(130);
  });
});

it('waits for what was just sent when it quits', async () => {
  const slow = await ScriptedServer.start(({ verb, id }, caller) => {
    if (verb === 'send') setTimeout(() => caller.send(['ok', id, [2, 2]]), 500);
    return verb === 'send';
  });
  const jane = await enter('jane', slow.address);
  jane.type('/msg bob good night');
  jane.press('Enter', 'C-d');
  expect(await jane.exit()).toBe(0);
  expect(slow.requests.map(({ verb }) => verb).slice(-3)).toEqual(['send', 'seen', 'quit']);
  expect(display(jane)).toMatch(/data-seq="\d+" data-kind="stored"/);
});

describe('a lost connection', () => {
  it('shows in the prompt, keeps what is typed, and sends it after reconnecting', async () => {
    const data = join(folder, 'other');
    const first = await startServer({ data });
    const gina = await enter('gina', first.address, '--register');
    gina.type('/join tea');
    gina.press('Enter');
    await gina.see('gina #tea>');
    gina.type('half a line');
    await gina.see('gina #tea> half a line');
    await first.kill();
    await gina.see(/gina #tea \((offline, next try in \d+ s|connecting)\)> half a line$/);
    gina.type(' sent offline');
    gina.press('Enter');
    gina.type('/rooms');
    gina.press('Enter');
    await gina.see('there is no connection to the server');
    gina.type('typed on');
    const second = await startServer({ data, args: ['--port', String(first.port)] });
    await gina.see(/gina #tea> typed on$/, 40_000);
    await until('the message to be stored', () => /data-seq="\d+" data-kind="stored"/.test(display(gina)));
    expect(display(gina)).toContain('half a line sent offline');
    expect(display(gina)).toMatch(/data-state="lost"[\s\S]*data-state="connected"/);
    gina.press('C-u', 'C-d');
    expect(await gina.exit()).toBe(0);
    await second.stop();
  });
});
