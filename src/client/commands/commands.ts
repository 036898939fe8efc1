/**
 * The client's commands in one table: name, arguments, effect, help. Parsing, `/help` and completion all use this
 * table. Arguments use the server's own rules, so both sides refuse the same input.
 */

import { text } from '../../protocol/arguments.ts';
import { LIMITS } from '../../protocol/vocabulary.ts';
import {
  conversation,
  conversationOrCount,
  count,
  isPageSize,
  seconds,
  topic,
  waitForText,
  wanted,
} from './arguments.ts';
import { type ClientCommand, define, parameter } from './command.ts';
import { join, leave, rooms, who } from './rooms.ts';
import type { Context, Plan, Refused } from './typed-command.ts';
import { whois } from './whois.ts';

const NAME_RULE = 'NAME is a room that you are in, or else a person. Use #NAME or @NAME to be explicit.';
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
        'This does not change the current conversation; /to does.',
        'NAME is a person, or else a room that you are in. If both exist, type @NAME or #NAME.',
      ],
    },
    [parameter(conversation, 'NAME', 'conversations'), parameter(text, 'TEXT', 'none', true)],
    ([to, body]) => ({ type: 'send', to, text: body }),
  ),
  define(
    {
      name: 'to',
      summary: 'choose the person or #room that plain text is sent to',
      details: [NAME_RULE],
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
        `NAME defaults to the current conversation, and COUNT to ${DEFAULT_HISTORY_COUNT} messages; the maximum is ${LIMITS.page}.`,
        'The messages appear in chronological order. Repeat the command to go further back.',
        NAME_RULE,
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
        'All words must occur. "Quoted words" are a phrase; begin* matches every word that begins with it.',
        'in:NAME before the words searches one conversation: /search in:tea kettle.',
        NAME_RULE,
        'Without arguments, it continues the last search.',
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
        'Asks for the old and the new password; neither is shown or kept in the history. Ctrl-C cancels.',
        'In a script the next two lines of input are the old and the new password.',
        'Your other sessions are ended.',
      ],
    },
    [],
    () => ({ type: 'password' }),
  ),
  define({ name: 'open', summary: 'open the display in the browser' }, [], () => ({ type: 'open' })),
  define(
    { name: 'wait', summary: 'pause before the next line', isForScripts: true },
    [parameter(seconds, 'SECONDS', 'none')],
    ([typed]) => ({ type: 'wait', seconds: Number(typed) }),
  ),
  define(
    {
      name: 'wait-for',
      summary: 'wait for an event that contains TEXT; fail if there is none',
      details: [
        `A number at the end is the time limit in seconds; the default is ${DEFAULT_WAIT_SECONDS}.`,
        'Events that arrived since the last match also count.',
        'Events look like "#tea bob: hello", "bob: hello", "bob joined #tea" or "bob is online".',
      ],
      isForScripts: true,
    },
    [parameter(waitForText, 'TEXT [SECONDS]', 'none', true)],
    ([typed]) => planWait(typed),
  ),
  define(
    {
      name: 'quit',
      aliases: ['q', 'exit'],
      summary: 'log out and exit; Ctrl-D does the same',
      details: ['Asks first if some messages are not stored yet. They can be kept for the next start.'],
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
  if (wanted === null) return refuse('there is no current conversation; type /history NAME');
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
    return refuse('in: must be followed by a person or a room, such as in:bob or in:tea');
  }
  if (name !== undefined && query === '') return refuse('type the words to search for after in:NAME');
  if (Buffer.byteLength(query) > LIMITS.query)
    return refuse(`a search query is at most ${LIMITS.query} bytes`);
  return { type: 'search', query: query === '' ? null : query, conversation: name ?? null };
}
