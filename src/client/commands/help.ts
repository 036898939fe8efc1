/** The output of `/help`, from the table of commands. */

import { didYouMean } from '../../common/did-you-mean.ts';
import type { ClientCommand } from './command.ts';
import { COMMANDS, findCommand } from './commands.ts';

export type Help =
  | { readonly type: 'help'; readonly lines: readonly string[] }
  | { readonly type: 'refused'; readonly text: string };

/** `/msg NAME TEXT` */
export function usage(command: ClientCommand): string {
  return [`/${command.name}`, ...command.parameters.map(({ label }) => label)].join(' ');
}

export function explain(topic: string | null, isScript: boolean): Help {
  if (topic === null) return { type: 'help', lines: list(isScript) };
  const name = topic.replace(/^\//, '');
  const command = findCommand(name);
  if (command !== undefined) return { type: 'help', lines: describe(command) };
  const meant = didYouMean(
    name.toLowerCase(),
    COMMANDS.map((known) => known.name),
  );
  const hint = meant === undefined ? '/help lists the commands' : `did you mean /help ${meant}?`;
  return { type: 'refused', text: `there is no such command; ${hint}` };
}

function list(isScript: boolean): string[] {
  const shown = COMMANDS.filter((command) => isScript || !command.isForScripts);
  const width = Math.max(...shown.map((command) => usage(command).length));
  return [
    ...shown.map((command) => `${usage(command).padEnd(width)}  ${command.summary}`),
    'Anything else is sent to the current conversation. //text sends text that begins with a slash.',
  ];
}

function describe(command: ClientCommand): string[] {
  const lines = [`${usage(command)}: ${command.summary}`, ...command.details];
  if (command.aliases.length > 0) {
    lines.push(`Also: ${command.aliases.map((alias) => `/${alias}`).join(', ')}`);
  }
  return lines;
}
