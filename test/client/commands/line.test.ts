import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/client/commands/commands.ts';
import { explain, usage } from '../../../src/client/commands/help.ts';
import { readLine } from '../../../src/client/commands/line.ts';
import type { Context } from '../../../src/client/commands/typed-command.ts';
import { VERBS } from '../../../src/protocol/verbs.ts';

const nowhere: Context = { current: null, isScript: true };
const inTea: Context = { current: '#tea', isScript: true };

describe('text', () => {
  it('goes to the current conversation as it is', () => {
    expect(readLine(' two  words ', inTea)).toEqual({ type: 'send', to: '#tea', text: ' two  words ' });
  });

  it('says how to choose a conversation when there is none', () => {
    expect(readLine('hello', nowhere)).toMatchObject({
      type: 'refused',
      text: expect.stringContaining('/join'),
    });
  });

  it('begins with one slash when typed with two', () => {
    expect(readLine('//join tea', inTea)).toEqual({ type: 'send', to: '#tea', text: '/join tea' });
    expect(readLine('///', inTea)).toEqual({ type: 'send', to: '#tea', text: '//' });
  });

  it('is nothing when blank', () => {
    for (const blank of ['', ' ', '\t ']) expect(readLine(blank, inTea)).toEqual({ type: 'nothing' });
  });

  it('is refused above 8192 bytes, and taken at 8192', () => {
    expect(readLine('é'.repeat(4_096), inTea)).toMatchObject({ type: 'send' });
    expect(readLine(`${'é'.repeat(4_096)}x`, inTea)).toMatchObject({
      type: 'refused',
      text: expect.stringContaining('8192'),
    });
  });
});

describe('commands', () => {
  it.each([
    ['/help', { type: 'help', topic: null }],
    ['/h msg', { type: 'help', topic: 'msg' }],
    ['/?', { type: 'help', topic: null }],
    ['/msg bob  hello  there ', { type: 'send', to: 'bob', text: 'hello  there ' }],
    ['/m #tea hi', { type: 'send', to: '#tea', text: 'hi' }],
    ['/MSG bob /quit', { type: 'send', to: 'bob', text: '/quit' }],
    ['/join #tea', { type: 'request', command: 'join', verb: 'join', values: ['#tea'] }],
    ['/join tea ', { type: 'request', command: 'join', verb: 'join', values: ['#tea'] }],
    ['/j   Tea', { type: 'request', command: 'join', verb: 'join', values: ['#Tea'] }],
    ['/leave', { type: 'request', command: 'leave', verb: 'leave', values: ['#tea'] }],
    ['/leave cake', { type: 'request', command: 'leave', verb: 'leave', values: ['#cake'] }],
    ['/part #cake', { type: 'request', command: 'leave', verb: 'leave', values: ['#cake'] }],
    ['/who', { type: 'request', command: 'who', verb: 'who', values: [null, null] }],
    ['/who tea', { type: 'request', command: 'who', verb: 'who', values: ['#tea', null] }],
    ['/rooms', { type: 'request', command: 'rooms', verb: 'rooms', values: [null] }],
    ['/history', { type: 'history', conversation: '#tea', count: 50 }],
    ['/history 7', { type: 'history', conversation: '#tea', count: 7 }],
    ['/history bob', { type: 'history', conversation: 'bob', count: 50 }],
    ['/history #cake 500', { type: 'history', conversation: '#cake', count: 500 }],
    ['/search', { type: 'search', query: null, conversation: null }],
    ['/search kettle', { type: 'search', query: 'kettle', conversation: null }],
    ['/search "a phrase"  begin* ', { type: 'search', query: '"a phrase"  begin*', conversation: null }],
    ['/search in:#tea kettle', { type: 'search', query: 'kettle', conversation: '#tea' }],
    ['/search in:bob "in: a kettle"', { type: 'search', query: '"in: a kettle"', conversation: 'bob' }],
    ['/search kettle in:#tea', { type: 'search', query: 'kettle in:#tea', conversation: null }],
    ['/to bob', { type: 'to', conversation: 'bob' }],
    ['/to #cake', { type: 'to', conversation: '#cake' }],
    ['/password', { type: 'password' }],
    ['/open', { type: 'open' }],
    ['/quit', { type: 'quit' }],
    ['/q', { type: 'quit' }],
    ['/wait 0.5', { type: 'wait', seconds: 0.5 }],
    ['/wait-for hello', { type: 'wait-for', text: 'hello', seconds: 10 }],
    ['/wait-for bob: hello there 30', { type: 'wait-for', text: 'bob: hello there', seconds: 30 }],
    ['/wait-for 30', { type: 'wait-for', text: '30', seconds: 10 }],
  ])('%j', (line, plan) => {
    expect(readLine(line, inTea)).toEqual(plan);
  });

  it.each([
    ['/msg', 'msg', 'usage: /msg NAME TEXT'],
    ['/msg bob', 'msg', 'usage: /msg NAME TEXT'],
    ['/msg 0bob hi', 'msg', 'a name is 1 to 32 characters'],
    ['/join', 'join', 'usage: /join ROOM'],
    ['/join a b', 'join', 'too many arguments; usage: /join ROOM'],
    ['/join 9lives', 'join', 'a room is "#"'],
    ['/history 0', 'history', 'a COUNT from 1 to 500'],
    ['/history 501', 'history', 'a COUNT from 1 to 500'],
    ['/history bob many', 'history', 'a COUNT from 1 to 500'],
    ['/history 5 6', 'history', 'usage: /history [NAME] [COUNT]'],
    ['/history a b c', 'history', 'too many arguments'],
    ['/search in:#tea', 'search', 'type the words'],
    ['/search in: kettle', 'search', 'such as in:bob or in:tea'],
    ['/search in:9 kettle', 'search', 'such as in:bob or in:tea'],
    [`/search ${'é'.repeat(129)}`, 'search', 'at most 256 bytes'],
    ['/quit now', 'quit', 'usage: /quit'],
    ['/wait', 'wait', 'usage: /wait SECONDS'],
    ['/wait soon', 'wait', 'SECONDS must be a number'],
    ['/wait 99999', 'wait', 'SECONDS must be a number'],
    ['/wait-for', 'wait-for', 'usage: /wait-for'],
    ['/jion tea', 'unknown', 'did you mean /join?'],
    ['/jo tea', 'unknown', 'did you mean /join?'],
    ['/', 'unknown', '/help lists the commands'],
    ['/etc/passwd', 'unknown', '// at the start sends text'],
  ])('refuses %j', (line, of, text) => {
    expect(readLine(line, inTea)).toEqual({ type: 'refused', of, text: expect.stringContaining(text) });
  });

  it('leaves only rooms', () => {
    expect(readLine('/leave', { current: 'bob', isScript: true })).toMatchObject({ type: 'refused' });
    expect(readLine('/leave', nowhere)).toMatchObject({ type: 'refused' });
  });

  it('knows no history of nothing', () => {
    expect(readLine('/history 5', nowhere)).toMatchObject({
      type: 'refused',
      text: expect.stringContaining('/history NAME'),
    });
    expect(readLine('/history bob', nowhere)).toMatchObject({ type: 'history' });
  });

  it('keeps what makes a person wait to scripts', () => {
    const person = { current: '#tea', isScript: false };
    expect(readLine('/wait 1', person)).toMatchObject({ type: 'refused', of: 'wait' });
    expect(readLine('/wait-for x', person)).toMatchObject({ type: 'refused', of: 'wait-for' });
  });

  it('never turns a line that begins with one slash into text', () => {
    fc.assert(
      fc.property(
        fc.string().filter((rest) => !rest.startsWith('/')),
        (rest) => {
          const read = readLine(`/${rest}`, inTea);
          if (read.type === 'send') expect(rest.toLowerCase()).toMatch(/^(msg|m)\s/);
        },
      ),
    );
  });

  it('repeats nothing of an unknown command that a terminal would obey', () => {
    const read = readLine(`/\u001b[2J\u0007${'x'.repeat(1_000)}`, inTea);
    expect(read).toMatchObject({ type: 'refused', text: expect.not.stringMatching(/\p{Cc}/u) });
    expect(JSON.stringify(read).length).toBeLessThan(300);
  });
});

describe('the table', () => {
  it('names the verbs that people use; the client itself uses the others', () => {
    const ofTheClient = ['hello', 'register', 'login', 'resume', 'guest', 'logout', 'quit', 'ping', 'seen'];
    const used = COMMANDS.flatMap(({ verb }) => (verb === undefined ? [] : [verb]));
    expect([...used, ...ofTheClient].sort()).toEqual(VERBS.map(({ verb }) => verb).sort());
  });

  it('is the one in docs/client.md', () => {
    const page = readFileSync(new URL('../../../docs/client.md', import.meta.url), 'utf8');
    const cells = [...page.matchAll(/^\| (`\/.*?) \|/gm)].map(([, cell = '']) => cell);
    const documented = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text));
    expect(documented.sort()).toEqual(COMMANDS.map(usage).sort());
  });

  it('concludes every request that it makes', () => {
    for (const command of COMMANDS) {
      const values = command.parameters.map(({ completes }) => (completes === 'rooms' ? '#tea' : 'bob'));
      const plan = command.plan(values, inTea);
      expect(command.conclude !== undefined).toBe(plan?.type === 'request');
    }
  });
});

describe('help', () => {
  it('lists every command with its usage', () => {
    const help = explain(null, true);
    for (const command of COMMANDS) {
      expect(help).toMatchObject({
        lines: expect.arrayContaining([expect.stringContaining(usage(command))]),
      });
    }
    expect(JSON.stringify(explain(null, false))).not.toContain('/wait');
  });

  it('explains every command under each of its names', () => {
    for (const { name, aliases, summary } of COMMANDS) {
      for (const topic of [name, `/${name}`, ...aliases]) {
        expect(explain(topic, true)).toMatchObject({
          type: 'help',
          lines: expect.arrayContaining([expect.stringContaining(summary)]),
        });
      }
    }
  });

  it('guesses what was meant', () => {
    expect(explain('jion', true)).toMatchObject({
      type: 'refused',
      text: expect.stringContaining('/help join'),
    });
  });
});
