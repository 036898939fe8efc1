import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TestClient } from '../../support/client.ts';
import { testFolder } from '../../support/folder.ts';
import { needs } from '../../support/needs.ts';
import { runScript } from '../../support/parley.ts';
import { ScriptedServer } from '../../support/scripted-server.ts';
import { sharedServer } from '../../support/server-runs.ts';
import { display, enter, open, type Person } from './person.ts';

needs('tmux');
const folder = testFolder();
const server = sharedServer();

/** A person whose plain text would go to a room, at the first question of `/password`. */
async function atPassword(user: string): Promise<Person> {
  const person = await enter(folder, user, server.address, '--register');
  person.say('/join tea');
  await person.see(new RegExp(`${user} #tea>$`));
  person.say('/password');
  await person.see(/Current password:$/);
  return person;
}

async function answer(person: Person, question: RegExp, text: string): Promise<void> {
  await person.see(new RegExp(`${question.source}\\s*$`));
  person.say(text);
}

/** The messages in #tea. */
async function said(): Promise<unknown[]> {
  const { stdout } = await runScript(['/history tea 500'], {
    folder,
    user: 'fred',
    address: server.address,
    flags: ['--json'],
  });
  return stdout.split('\n').filter((line) => line.includes('"history"'));
}

describe('/password', () => {
  it('asks for a new password again, hidden, if it is invalid', async () => {
    const anna = await atPassword('anna');
    await answer(anna, /Current password:/, 'secret of anna');
    await answer(anna, /New password:/, 'short');
    await answer(anna, /8 to 256 bytes\nNew password:/, 'hunter2 hunter2');
    await answer(anna, /New password again:/, 'hunter3 hunter3');
    await answer(anna, /passwords differ\nNew password:/, 'hunter2 hunter2');
    await answer(anna, /New password again:/, 'hunter2 hunter2');
    await anna.see('your password was changed');
    expect(anna.output()).not.toMatch(/hunter|short/);
    const again = await TestClient.login(server.address, 'anna', 'hunter2 hunter2');
    again.close();
  });

  it('asks for the current password again, hidden, if it is wrong', async () => {
    const berta = await atPassword('berta');
    await answer(berta, /Current password:/, 'hunter1');
    await answer(berta, /New password:/, 'hunter2 hunter2');
    await answer(berta, /New password again:/, 'hunter2 hunter2');
    await answer(berta, /wrong password.*\nCurrent password:/, 'secret of berta');
    await berta.see('your password was changed');
    expect(berta.output()).not.toMatch(/hunter|secret of/);
  });

  it('gives up after three attempts, and sends nothing of what was typed', async () => {
    const carla = await atPassword('carla');
    await answer(carla, /Current password:/, 'secret of carla');
    await carla.see(/New password:$/);
    // Typed ahead, all at once: the fourth password is for nobody.
    carla.paste('hunter1\rhunter2\rhunter3\rhunter4 hunter4\rhunter5', { isBracketed: false });
    await carla.see(/in the meantime was dropped\)\na password is 8 to 256 bytes\ncarla #tea>$/);
    carla.say('the end');
    await carla.see(/carla #tea>$/);
    expect(carla.output()).not.toContain('hunter');
    expect(display(carla)).not.toContain('hunter');
  });

  it.each([
    ['C-c', 0],
    ['C-d', 0],
    ['C-c', 1],
    ['C-c', 2],
  ])('is cancelled by %s at question %i, which returns to the prompt', async (key, at) => {
    const user = `dora.${key}.${at}`;
    const dora = await atPassword(user);
    const questions = [/Current password:/, /New password:/, /New password again:/];
    for (const question of questions.slice(0, at)) await answer(dora, question, `secret of ${user}`);
    await dora.see(new RegExp(`${questions[at]?.source}$`));
    if (key === 'C-c') {
      dora.type('hunter2');
    }
    dora.press(key);
    await dora.see(/your password was not changed\n.* #tea>$/);
    dora.press('C-y', 'C-_');
    dora.press('Up');
    await dora.see(/#tea> \/password$/);
    expect(dora.output()).not.toContain('hunter');
  });

  it('leaves nothing in the kill ring, the undo list or the history', async () => {
    const emil = await atPassword('emil');
    emil.type('hunter1 hunter1');
    emil.press('C-w', 'C-u', 'C-k');
    emil.say('secret of emil');
    await emil.see(/New password:$/);
    emil.press('C-c');
    await emil.see(/was not changed\nemil #tea>$/);
    emil.press('C-y', 'M-y', 'C-_', 'C-_');
    emil.type('nothing');
    await emil.see(/emil #tea> nothing$/);
    expect(emil.output()).not.toMatch(/hunter|secret/);
  });

  it('keeps a password typed after it off the page and out of the history', async () => {
    const frida = await enter(folder, 'frida', server.address, '--register');
    for (const line of ['/password hunter1 hunter2', '/passwd hunter3', '/nickserv identify hunter4']) {
      frida.say(line);
    }
    await frida.see(/no command \/nickserv[\s\S]*frida>$/);
    expect(display(frida)).toMatch(/\/passwd[\s\S]*\/nickserv/);
    expect(display(frida)).not.toContain('hunter');
    frida.press('Up', 'Up');
    expect(await frida.see(/frida>(?!.*hunter[123]).*$/)).toBeTruthy();
    expect(readFileSync(join(frida.cwd, 'chat.html'), 'utf8')).not.toContain('hunter');
  });
});

describe('a refused login', () => {
  it('is followed by the same question, hidden, three times', async () => {
    const known = await TestClient.register(server.address, 'gerd', 'secret of gerd');
    known.close();
    const gerd = open(folder, 'gerd', server.address, '--user', 'gerd', '--display', 'chat');
    await answer(gerd, /Password:/, 'hunter1');
    // Typed while the first is being checked.
    gerd.say('hunter2');
    await gerd.see(
      /wrong password\nPassword of gerd .*:\s*unknown user or wrong password\nPassword of gerd .*:$/,
    );
    gerd.say('secret of gerd');
    await gerd.see(/Connected to .* as gerd/);
    await gerd.see(/gerd>$/);
    expect(gerd.output()).not.toMatch(/hunter|secret of/);
  });

  it('passes nothing of what was typed to a visible question', async () => {
    const slow = await ScriptedServer.start(({ verb, id }, caller) => {
      if (verb === 'login') setTimeout(() => caller.send(['error', id, 'wrong_credentials', 'no']), 300);
      return verb === 'login';
    });
    const ines = open(folder, 'ines', slow.address, '--user', 'ines', '--display', 'chat');
    await ines.see(/Password:$/);
    ines.paste('hunter1\rhunter2\rhunter3\rhunter4\rhunter5', { isBracketed: false });
    await ines.see(/dropped\)\nRegister or log in\? \[log in\]:$/);
    expect(ines.output()).not.toContain('hunter');
  });
});

it('a password typed ahead of its question is not shown', async () => {
  const known = await TestClient.register(server.address, 'jutta', 'secret of jutta');
  known.close();
  const jutta = open(folder, 'jutta', server.address, '--display', 'chat');
  await jutta.see(/Register or log in\?/);
  jutta.paste('\rjutta\rsecret of jutta\r', { isBracketed: false });
  await jutta.see(/jutta>$/);
  expect(jutta.output()).not.toContain('secret of');
});

it('nothing of this was sent', async () => {
  const fred = await TestClient.register(server.address, 'fred', 'secret of fred');
  await fred.ok('join', '#tea');
  fred.close();
  expect(JSON.stringify(await said())).not.toMatch(/hunter|secret|short/);
});
