/** What the Tab key offers: commands, their arguments, and names in plain text. */

import type { KnownNames } from '../reader/known-names.ts';
import type { NameKind } from './command.ts';
import { COMMANDS, findCommand } from './commands.ts';

/** What fits behind the line so far, and the part of the line that it takes the place of. */
export type Completion = readonly [candidates: readonly string[], replaced: string];

/** Of more candidates than this, none are offered: the list would fill the terminal. */
const OFFER_LIMIT = 100;
/** What stands before the name of the conversation that a search is restricted to. */
const RESTRICTION = 'in:';

export function complete(line: string, known: KnownNames): Completion {
  const [candidates, replaced] = find(line, known);
  return [candidates.length > OFFER_LIMIT ? [] : candidates, replaced];
}

function find(line: string, known: KnownNames): Completion {
  const word = /\S*$/.exec(line)?.[0] ?? '';
  if (!line.startsWith('/') || line.startsWith('//')) {
    return [mentioned(word, known), word];
  }
  const words = line
    .slice(0, line.length - word.length)
    .split(/\s+/)
    .filter(Boolean);
  const [name] = words;
  if (name === undefined)
    return [named('commands', word.slice(1), known).map((command) => `/${command}`), word];
  const command = findCommand(name.slice(1));
  if (command?.name === 'search' && words.length === 1 && word.startsWith(RESTRICTION)) {
    const begun = word.slice(RESTRICTION.length);
    return [named('conversations', begun, known), begun];
  }
  const parameters = command?.parameters ?? [];
  const last = parameters.at(-1);
  const parameter = parameters[words.length - 1] ?? (last?.takesRest ? last : undefined);
  if (parameter?.takesRest) return [mentioned(word, known), word];
  return [named(parameter?.completes ?? 'none', word, known), word];
}

/** In a text, a word is a person, and a room only with its `#`. */
function mentioned(word: string, { people, rooms }: KnownNames): string[] {
  if (word === '') return [];
  return spaced((word.startsWith('#') ? rooms : people).startingWith(word));
}

function named(kind: NameKind, prefix: string, { people, rooms }: KnownNames): string[] {
  switch (kind) {
    case 'rooms':
      return spaced(rooms.startingWith(prefix.startsWith('#') ? prefix : `#${prefix}`));
    case 'people':
      return spaced(peopleNamed(prefix, people));
    case 'conversations':
      return spaced([
        ...peopleNamed(prefix, people),
        ...rooms.startingWith(prefix.startsWith('#') ? prefix : `#${prefix}`),
      ]);
    case 'commands':
      return spaced(
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

/** The next word begins behind a blank. */
function spaced(names: readonly string[]): string[] {
  return names.map((name) => `${name} `);
}
