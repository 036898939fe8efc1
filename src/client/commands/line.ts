/** Parses a typed line into a command. Pure; runs in the writer thread. */

import { didYouMean } from '../../common/did-you-mean.ts';
import { printable, shorten } from '../../common/printable.ts';
import { firstFault, text as textSpec } from '../../protocol/arguments.ts';
import { LIMITS } from '../../protocol/vocabulary.ts';
import type { ClientCommand } from './command.ts';
import { COMMANDS, findCommand } from './commands.ts';
import { usage } from './help.ts';
import type { Context, Input, Plan, Refused } from './typed-command.ts';

export type ReadLine = Plan | Refused | { readonly type: 'nothing' };

const NAME = /^\/(\S*)(?:\s+(.*))?$/s;
/** How much of an unknown command an error repeats. */
const SHOWN_CHARACTERS = 40;

/**
 * Parses one line, without its newline. `/name …` is a command and never text; `//…` is text that begins with a slash;
 * a blank line is nothing; anything else is text for the current conversation.
 */
export function readLine(line: string, context: Context): ReadLine {
  if (line.trim() === '') return { type: 'nothing' };
  if (!line.startsWith('/')) return planText(line, context);
  if (line.startsWith('//')) return planText(line.slice(1), context);
  const [, name = '', rest = ''] = NAME.exec(line) ?? [];
  const command = findCommand(name);
  if (command === undefined) return refuseUnknown(name);
  if (command.isForScripts && !context.isScript) {
    return refuse(command, `/${command.name} is only for scripts, because it would make you wait`);
  }
  return planCommand(command, rest, context);
}

/** Like `readLine`, but also accepts a message, whose text need not be a single line. */
export function readInput(input: Input, context: Context): ReadLine {
  return typeof input === 'string'
    ? readLine(input, context)
    : planText(input.text, { ...context, current: input.to });
}

/** True for a line that may contain a password: it MUST NOT be shown again. */
export function isSecretLine(line: string): boolean {
  return /^\s*\/pass\w*\s+\S/i.test(line);
}

/** Stands for pasted lines within a half-typed line. A typed line cannot contain this character. */
const PASTED = '\u0000';

/**
 * Parses a half-typed line into which several lines were pasted: a message that contains them unchanged. The text typed
 * before them may be a command that sends text.
 */
export function readPaste(before: string, pasted: string, after: string, context: Context): ReadLine {
  if ((before + pasted + after).trim() === '') return { type: 'nothing' };
  const read = readLine(before + PASTED + after, context);
  switch (read.type) {
    case 'send': {
      if (read.text.split(PASTED).length !== 2) return NOT_A_MESSAGE;
      const text = read.text.replace(PASTED, () => pasted);
      if (textSpec.is(text)) return { ...read, text };
      return { type: 'refused', of: 'send', text: tooLong(Buffer.byteLength(text)) };
    }
    case 'refused':
      return read.of === 'send' ? read : NOT_A_MESSAGE;
    default:
      return NOT_A_MESSAGE;
  }
}

/** The error for a paste that does not fit into a message. */
export function tooLong(bytes: number): string {
  return `the paste has ${bytes} bytes, but a message can have at most ${LIMITS.text}, so it was ignored`;
}

const NOT_A_MESSAGE: Refused = {
  type: 'refused',
  of: 'send',
  text: 'several lines can only be pasted into a message, so they were ignored',
};

function planText(text: string, { current }: Context): ReadLine {
  if (current === null) {
    return {
      type: 'refused',
      of: 'send',
      text: 'no conversation is selected; choose one with /join ROOM or /to NAME, or use /msg NAME TEXT',
    };
  }
  if (!textSpec.is(text)) return { type: 'refused', of: 'send', text: textSpec.rule };
  return { type: 'send', to: current, text };
}

function planCommand(command: ClientCommand, rest: string, context: Context): ReadLine {
  const values = splitArguments(command, rest);
  if (values === undefined) return refuse(command, `too many arguments; usage: ${usage(command)}`);
  const plan = command.plan(values, context);
  if (plan !== undefined) return plan;
  const fault = firstFault(values, command.parameters);
  if (fault === undefined || fault.code === 'missing_argument')
    return refuse(command, `usage: ${usage(command)}`);
  return refuse(command, fault.text);
}

/** One value per parameter, undefined if absent; undefined as a whole if there are more words than parameters. */
function splitArguments(command: ClientCommand, rest: string): Array<string | undefined> | undefined {
  let left = rest.trimStart();
  const values = command.parameters.map((parameter) => {
    const word = parameter.takesRest ? left : (/^\S*/.exec(left)?.[0] ?? '');
    left = left.slice(word.length).trimStart();
    if (word === '') return undefined;
    return parameter.completes === 'rooms' && !word.startsWith('#') ? `#${word}` : word;
  });
  return left === '' ? values : undefined;
}

function refuse(command: ClientCommand, text: string): Refused {
  return { type: 'refused', of: command.name, text };
}

function refuseUnknown(name: string): Refused {
  const shown = shorten(printable(name), SHOWN_CHARACTERS);
  const meant = name.length <= SHOWN_CHARACTERS ? guess(name.toLowerCase()) : undefined;
  const hint =
    meant === undefined
      ? '/help lists the commands, and // at the start sends text'
      : `did you mean /${meant}?`;
  return { type: 'refused', of: 'unknown', text: `there is no command /${shown}; ${hint}` };
}

/**
 * The beginning of a command's name means that command; otherwise the command spelt most like it is suggested.
 * Two-letter names are excluded, because every short word would look like a misspelling of them.
 */
function guess(name: string): string | undefined {
  const begun = name === '' ? undefined : COMMANDS.find((command) => command.name.startsWith(name));
  return (
    begun?.name ??
    didYouMean(
      name,
      COMMANDS.flatMap(({ name: known, aliases }) => [known, ...aliases]).filter((known) => known.length > 2),
    )
  );
}
