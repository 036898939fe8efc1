/** Finds the line of a value in a JSON text, for error messages. */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * The line, counted from 1, of the element or key at the end of `path`. If it does not exist, the line of its closest existing
 * parent. `text` must be well-formed.
 */
export function lineAt(text: string, path: readonly PropertyKey[]): number {
  const found = [...text.matchAll(TOKEN)];
  const tokens = found.map(([token]) => token);
  let start = 0;
  let value = 0;
  for (const part of path) {
    const child = childOf(tokens, value, part);
    if (child === undefined) break;
    ({ start, value } = child);
  }
  return text.slice(0, found[start]?.index ?? 0).split('\n').length;
}

interface Child {
  /** The token index of the key in an object, or of the element in an array. */
  readonly start: number;
  readonly value: number;
}

function childOf(tokens: readonly string[], parent: number, part: PropertyKey): Child | undefined {
  const isObject = tokens[parent] === '{';
  if (!isObject && tokens[parent] !== '[') return undefined;
  let start = parent + 1;
  for (let index = 0; tokens[start] !== '}' && tokens[start] !== ']' && start < tokens.length; index += 1) {
    const key: unknown = isObject ? JSON.parse(tokens[start] ?? '') : index;
    const value = isObject ? start + 2 : start;
    if (key === part) return { start, value };
    start = endOf(tokens, value);
    if (tokens[start] === ',') start += 1;
  }
  return undefined;
}

/** The index of the token after a value. */
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
