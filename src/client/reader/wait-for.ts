/**
 * The event lines that `/wait-for` searches: also lines that came before the command was typed, but only after the last
 * match, so that a script misses nothing between two waits. Bounded: the oldest lines are forgotten.
 */

const LINES_LIMIT = 1_000;

export class WaitFor {
  readonly #matched: () => void;
  readonly #lines: string[] = [];
  #text: string | undefined;

  constructor(matched: () => void) {
    this.#matched = matched;
  }

  begin(text: string): void {
    const found = this.#lines.findIndex((line) => line.includes(text));
    if (found === -1) {
      this.#text = text;
    } else {
      this.#lines.splice(0, found + 1);
      this.#matched();
    }
  }

  end(): void {
    this.#text = undefined;
  }

  add(line: string): void {
    if (this.#text !== undefined && line.includes(this.#text)) {
      this.#text = undefined;
      this.#lines.length = 0;
      this.#matched();
      return;
    }
    this.#lines.push(line);
    if (this.#lines.length > LINES_LIMIT) this.#lines.shift();
  }
}
