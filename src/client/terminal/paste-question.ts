/** Asks whether several pasted lines should be sent, and turns them into one message. */

import { printable, shorten } from '../../common/printable.ts';
import type { CommandRunner } from '../commands/command-runner.ts';
import { explicitName } from '../commands/conversation-name.ts';
import { readPaste } from '../commands/line.ts';
import type { Input } from '../commands/typed-command.ts';
import type { Person } from './startup-questions.ts';

export interface PastedLines {
  /** The text typed before and after the pasted lines. */
  readonly before: string;
  readonly pasted: string;
  readonly after: string;
}

/** How many lines the question shows, and how many characters of each. */
const SHOWN_LINES = 3;
const SHOWN_CHARACTERS = 70;

/**
 * Asks whether to send the lines as one message. Undefined if not, or if they cannot be sent; the user has been told
 * why.
 */
export async function confirmPaste(
  runner: CommandRunner,
  person: Person,
  { before, pasted, after }: PastedLines,
): Promise<Input | undefined> {
  const read = readPaste(before, pasted, after, runner.context);
  if (read.type !== 'send') {
    person.print(
      read.type === 'refused' ? read.text : 'the pasted text is blank, so there is nothing to send',
    );
    return undefined;
  }
  const found = await runner.findRecipient(read.to);
  if (found.type === 'refused') {
    person.print(found.text);
    return undefined;
  }
  const lines = read.text.split('\n');
  for (const line of lines.slice(0, SHOWN_LINES))
    person.print(`| ${shorten(printable(line), SHOWN_CHARACTERS)}`);
  if (lines.length > SHOWN_LINES) person.print(`| … and ${lines.length - SHOWN_LINES} more`);
  const question = `Send these ${lines.length} lines to ${found.name} as one message? [Y/n]: `;
  for (;;) {
    const answer = (await person.askOptional(question))?.trim().toLowerCase();
    if (answer === undefined || answer === 'n' || answer === 'no') break;
    if (answer === '' || answer === 'y' || answer === 'yes')
      return { to: explicitName(found.name), text: read.text };
  }
  person.print('(nothing was sent)');
  return undefined;
}
