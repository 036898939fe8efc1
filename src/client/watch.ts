/**
 * What `/wait-for` looks at: lines of events, those that came before it was typed too, from behind the line that
 * matched last. So a script misses nothing between two waits. Bounded: the oldest lines are forgotten.
 */

const LINES_LIMIT = 1_000;

export class Watch {
  readonly #matched: () => void;
  #lines: string[] = [];
  #text: string | undefined;

  constructor(matched: () => void) {
    this.#matched = matched;
  }

  begin(text: string): void {
    this.#text = text;
    const lines = this.#lines;
    this.#lines = [];
    for (const line of lines) this.saw(line);
  }

  end(): void {
    this.#text = undefined;
  }

  saw(line: string): void {
    if (this.#text === undefined) {
      this.#lines.push(line);
      if (this.#lines.length > LINES_LIMIT) this.#lines.shift();
    } else if (line.includes(this.#text)) {
      this.#text = undefined;
      this.#matched();
    }
  }
}
