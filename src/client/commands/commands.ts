/**
 * The commands that people type, in one table: name → arguments, what it plans, help. Reading a line, `/help` and
 * completion all read this table. Arguments are those of the server's own table, so both refuse the same.
 */

import { text } from '../../protocol/arguments.ts';
import { LIMITS } from '../../protocol/vocabulary.ts';
import {
  awaited,
  conversation,
  conversationOrCount,
  count,
  isPageSize,
  seconds,
  topic,
  wanted,
} from './arguments.ts';
import { type ClientCommand, define, parameter } from './command.ts';
import { join, leave, rooms, who } from './rooms.ts';
import type { Context, Plan, Refused } from './typed-command.ts';
import { whois } from './whois.ts';

const ROOM_FIRST = 'NAME is a room that you are in, or else a person; #NAME and @NAME leave no choice.';
const DEFAULT_WAIT_SECONDS = 10;
const DEFAULT_HISTORY_COUNT = 50;
/** `in:NAME` before the words of a search. */
const RESTRICTED = /^in:(\S*)\s*(.*)$/s;

export const COMMANDS: readonly ClientCommand[] = [
  define(
    { name: 'help', aliases: ['h', '?'], summary: 'list the commands, or explain one' },
    [parameter(topic, '[COMMAND]', 'commands')],
    ([of]) => ({ type: 'help', topic: of ?? null }),
  ),
  define(
    {
      name: 'msg',
      verb: 'send',
      aliases: ['m'],
      summary: 'send TEXT to a person or a #room',
      details: [
        'The current conversation stays what it is; /to changes it.',
        'NAME is a person, or else a room that you are in. Where both exist, type @NAME or #NAME.',
      ],
    },
    [parameter(conversation, 'NAME', 'conversations'), parameter(text, 'TEXT', 'none', true)],
    ([to, body]) => ({ type: 'send', to, text: body }),
  ),
  define(
    {
      name: 'to',
      summary: 'make a person or a #room the current conversation, where plain text goes',
      details: [ROOM_FIRST],
    },
    [parameter(conversation, 'NAME', 'conversations')],
    ([name]) => ({ type: 'to', conversation: name }),
  ),
  join,
  leave,
  who,
  rooms,
  whois,
  define(
    {
      name: 'history',
      verb: 'history',
      summary: 'show earlier messages of a conversation in the display',
      details: [
        `Without NAME it is the current conversation; without COUNT it is ${DEFAULT_HISTORY_COUNT} messages, at most ${LIMITS.page}.`,
        'They appear in their place in time. Typed again, it goes further back.',
        ROOM_FIRST,
      ],
    },
    [parameter(conversationOrCount, '[NAME]', 'conversations'), parameter(count, '[COUNT]', 'none')],
    ([first, second], context) => planHistory(first ?? null, second ?? null, context),
  ),
  define(
    {
      name: 'search',
      verb: 'search',
      summary: 'find messages, newest first',
      details: [
        'All words must occur. "Quoted words" are a phrase; begin* stands for every word that begins so.',
        'in:NAME before the words searches one conversation: /search in:tea kettle.',
        ROOM_FIRST,
        'Without anything it goes on behind what the last search has shown.',
      ],
    },
    [parameter(wanted, '[in:NAME] [WORDS]', 'none', true)],
    ([typed]) => planSearch(typed?.trim() ?? ''),
  ),
  define(
    {
      name: 'password',
      verb: 'password',
      summary: 'change your password',
      details: [
        'Asks for the old and the new one; neither is shown, or kept in the history. Ctrl-C calls it off.',
        'In a script the next two lines of input are the old and the new password.',
        'Your other sessions end.',
      ],
    },
    [],
    () => ({ type: 'password' }),
  ),
  define({ name: 'open', summary: 'open the display in the browser' }, [], () => ({ type: 'open' })),
  define(
    { name: 'wait', summary: 'go on reading for that long before the next line', isForScripts: true },
    [parameter(seconds, 'SECONDS', 'none')],
    ([typed]) => ({ type: 'wait', seconds: Number(typed) }),
  ),
  define(
    {
      name: 'wait-for',
      summary: 'wait until something arrives that contains TEXT, or fail',
      details: [
        `A number at the end is the seconds to wait; without one it is ${DEFAULT_WAIT_SECONDS}.`,
        'What arrived before counts too, from behind the place where the last /wait-for found its text.',
        'It looks at lines such as "#tea bob: hello", "bob: hello", "bob joined #tea", "bob is online".',
      ],
      isForScripts: true,
    },
    [parameter(awaited, 'TEXT [SECONDS]', 'none', true)],
    ([typed]) => planWait(typed),
  ),
  define(
    {
      name: 'quit',
      aliases: ['q', 'exit'],
      summary: 'say goodbye and end the client; Ctrl-D does the same',
      details: [
        'Asks first if the server has not stored all messages yet. They can be kept for the next start.',
      ],
    },
    [],
    () => ({ type: 'quit' }),
  ),
];

export function findCommand(name: string): ClientCommand | undefined {
  const folded = name.toLowerCase();
  return COMMANDS.find((command) => command.name === folded || command.aliases.includes(folded));
}

function planWait(typed: string): Plan {
  const split = /^(.*\S)\s+(\S+)$/s.exec(typed);
  const [, body, last] = split ?? [];
  if (body !== undefined && seconds.is(last)) return { type: 'wait-for', text: body, seconds: Number(last) };
  return { type: 'wait-for', text: typed, seconds: DEFAULT_WAIT_SECONDS };
}

function planHistory(first: string | null, second: string | null, { current }: Context): Plan | Refused {
  const refuse = (reason: string): Refused => ({ type: 'refused', of: 'history', text: reason });
  const isCounted = isPageSize(first);
  if (isCounted && second !== null) return refuse('usage: /history [NAME] [COUNT]');
  const wanted = isCounted ? current : (first ?? current);
  if (wanted === null) return refuse('there is no current conversation: type /history NAME');
  const typed = isCounted ? first : second;
  return {
    type: 'history',
    conversation: wanted,
    count: typed === null ? DEFAULT_HISTORY_COUNT : Number(typed),
  };
}

function planSearch(typed: string): Plan | Refused {
  const refuse = (reason: string): Refused => ({ type: 'refused', of: 'search', text: reason });
  const [, name, rest] = RESTRICTED.exec(typed) ?? [];
  const query = rest ?? typed;
  if (name !== undefined && !conversation.is(name)) {
    return refuse('in: is followed by a person or a room, such as in:bob or in:tea');
  }
  if (name !== undefined && query === '') return refuse('type the words to search for, behind in:NAME');
  if (Buffer.byteLength(query) > LIMITS.query) return refuse(`a search is at most ${LIMITS.query} bytes`);
  return { type: 'search', query: query === '' ? null : query, conversation: name ?? null };
}
