/** Completion for the Tab key: commands, their arguments, and names in plain text. */

import type { KnownNames } from '../reader/known-names.ts';
import type { NameKind } from './command.ts';
import { COMMANDS, findCommand } from './commands.ts';

/** The candidates, and the end of the line that they replace. */
export type Completion = readonly [candidates: readonly string[], replaced: string];

/** With more candidates than this, none are offered, because the list would fill the terminal. */
const OFFER_LIMIT = 100;
/** The prefix of a conversation name that restricts a search. */
const RESTRICTION = 'in:';

export function complete(line: string, known: KnownNames): Completion {
  const [candidates, replaced] = find(line, known);
  return [candidates.length > OFFER_LIMIT ? [] : candidates, replaced];
}

function find(line: string, known: KnownNames): Completion {
  const word = /\S*$/.exec(line)?.[0] ?? '';
  if (!line.startsWith('/') || line.startsWith('//')) {
    return [namesInText(word, known), word];
  }
  const words = line
    .slice(0, line.length - word.length)
    .split(/\s+/)
    .filter(Boolean);
  const [name] = words;
  if (name === undefined)
    return [namesOf('commands', word.slice(1), known).map((command) => `/${command}`), word];
  const command = findCommand(name.slice(1));
  if (command?.name === 'search' && words.length === 1 && word.startsWith(RESTRICTION)) {
    const begun = word.slice(RESTRICTION.length);
    return [namesOf('conversations', begun, known), begun];
  }
  const parameters = command?.parameters ?? [];
  const last = parameters.at(-1);
  const parameter = parameters[words.length - 1] ?? (last?.takesRest ? last : undefined);
  if (parameter?.takesRest) return [namesInText(word, known), word];
  return [namesOf(parameter?.completes ?? 'none', word, known), word];
}

/** In plain text a word is a user, and a room only if it starts with `#`. */
function namesInText(word: string, { people, rooms }: KnownNames): string[] {
  if (word === '') return [];
  return withSpace((word.startsWith('#') ? rooms : people).startingWith(word));
}

function namesOf(kind: NameKind, prefix: string, { people, rooms }: KnownNames): string[] {
  switch (kind) {
    case 'rooms':
      return withSpace(rooms.startingWith(prefix.startsWith('#') ? prefix : `#${prefix}`));
    case 'people':
      return withSpace(peopleNamed(prefix, people));
    case 'conversations':
      return withSpace([
        ...peopleNamed(prefix, people),
        ...rooms.startingWith(prefix.startsWith('#') ? prefix : `#${prefix}`),
      ]);
    case 'commands':
      return withSpace(
        COMMANDS.filter(
          (command) => !command.isForScripts && command.name.startsWith(prefix.toLowerCase()),
        ).map((command) => command.name),
      );
    case 'none':
      return [];
    default:
      return kind satisfies never;
  }
}

/** With the `@` if that has been typed. */
function peopleNamed(prefix: string, people: KnownNames['people']): string[] {
  return prefix.startsWith('@')
    ? people.startingWith(prefix.slice(1)).map((name) => `@${name}`)
    : [...people.startingWith(prefix)];
}

/** Adds a space, after which the next word begins. */
function withSpace(names: readonly string[]): string[] {
  return names.map((name) => `${name} `);
}
