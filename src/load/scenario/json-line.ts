/** Where something stands in the text of a JSON document, so that people are told the line. */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * The line, counted from 1, on which the element or the key at the end of `path` stands; of what is not there, that of what it
 * should be in. `text` is well-formed.
 */
export function lineAt(text: string, path: readonly PropertyKey[]): number {
  const found = [...text.matchAll(TOKEN)];
  const tokens = found.map(([token]) => token);
  let place = 0;
  let value = 0;
  for (const part of path) {
    const child = childOf(tokens, value, part);
    if (child === undefined) break;
    ({ place, value } = child);
  }
  return text.slice(0, found[place]?.index ?? 0).split('\n').length;
}

interface Child {
  /** Of the key in an object, or of the element in an array: the number of its token. */
  readonly place: number;
  readonly value: number;
}

function childOf(tokens: readonly string[], parent: number, part: PropertyKey): Child | undefined {
  const isObject = tokens[parent] === '{';
  if (!isObject && tokens[parent] !== '[') return undefined;
  let place = parent + 1;
  for (let index = 0; tokens[place] !== '}' && tokens[place] !== ']' && place < tokens.length; index += 1) {
    const key: unknown = isObject ? JSON.parse(tokens[place] ?? '') : index;
    const value = isObject ? place + 2 : place;
    if (key === part) return { place, value };
    place = endOf(tokens, value);
    if (tokens[place] === ',') place += 1;
  }
  return undefined;
}

/** The token behind a value. */
function endOf(tokens: readonly string[], value: number): number {
  let depth = 0;
  for (let at = value; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === '{' || token === '[') depth += 1;
    if (token === '}' || token === ']') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return tokens.length;
}
