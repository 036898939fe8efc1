/** Several pasted lines: what is asked about them, and the message that they become. */

import { printable, shorten } from '../../common/printable.ts';
import type { Desk } from '../commands/command-runner.ts';
import { explicitName } from '../commands/conversation-name.ts';
import { readPaste } from '../commands/line.ts';
import type { Input } from '../commands/typed-command.ts';
import type { Person } from './startup-questions.ts';

export interface PastedLines {
  /** What was typed in front of them, and behind. */
  readonly before: string;
  readonly pasted: string;
  readonly after: string;
}

/** Lines that the question shows, and characters of each. */
const SHOWN_LINES = 3;
const SHOWN_CHARACTERS = 70;

/** Asks whether the lines are to be sent as one message. Undefined if they are not, or cannot be; the person knows why. */
export async function confirmPaste(
  desk: Desk,
  person: Person,
  { before, pasted, after }: PastedLines,
): Promise<Input | undefined> {
  const read = readPaste(before, pasted, after, desk.context);
  if (read.type !== 'send') {
    person.tell(read.type === 'refused' ? read.text : 'the paste is blank: there is nothing to send');
    return undefined;
  }
  const found = await desk.findRecipient(read.to);
  if (found.type === 'refused') {
    person.tell(found.text);
    return undefined;
  }
  const lines = read.text.split('\n');
  for (const line of lines.slice(0, SHOWN_LINES))
    person.tell(`| ${shorten(printable(line), SHOWN_CHARACTERS)}`);
  if (lines.length > SHOWN_LINES) person.tell(`| … and ${lines.length - SHOWN_LINES} more`);
  const question = `Send these ${lines.length} lines to ${found.name} as one message? [Y/n]: `;
  for (;;) {
    const answer = (await person.consult(question))?.trim().toLowerCase();
    if (answer === undefined || answer === 'n' || answer === 'no') break;
    if (answer === '' || answer === 'y' || answer === 'yes')
      return { to: explicitName(found.name), text: read.text };
  }
  person.tell('(nothing was sent)');
  return undefined;
}
