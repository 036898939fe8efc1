/** Blocks: the log is divided into them, so that the browser need not lay out entries that are out of sight. */

/** @typedef {ReturnType<typeof createBlocks>} Blocks */

const SIZE = 100;

/** Estimated height in CSS pixels of an entry that has not been laid out, for the length of the scroll bar. */
const ENTRY_HEIGHT = 40;

/** @param {HTMLElement} log */
export function createBlocks(log) {
  /** @type {WeakMap<Element, number>} Entries a block showed when its height was estimated. */
  const guessed = new WeakMap();

  // A block that scrolls out of sight keeps its last height.
  const heights = new ResizeObserver((changes) => {
    for (const { target, contentRect } of changes) setHeight(target, contentRect.height);
  });

  /** @param {Element} block @param {number} height */
  function setHeight(block, height) {
    if (block instanceof HTMLElement) block.style.containIntrinsicBlockSize = `${height}px`;
  }

  /** Creates a block after another, or at the end. @param {Element | null} before */
  function start(before) {
    const block = document.createElement('div');
    block.className = 'block';
    log.insertBefore(block, before?.nextSibling ?? null);
    heights.observe(block);
    return block;
  }

  for (const block of log.children) heights.observe(block);

  return {
    /** @param {HTMLElement} element */
    append(element) {
      const last = log.lastElementChild;
      const block = last === null || last.childElementCount >= SIZE ? start(null) : last;
      block.append(element);
    },
    /** Splits the blocks that history has made too large. */
    divide() {
      for (let block = log.firstElementChild; block !== null; block = block.nextElementSibling) {
        if (block.childElementCount > 2 * SIZE) start(block).append(...[...block.children].slice(SIZE));
      }
    },
    /** Estimates heights where they may have changed. @param {Map<Element, number>} shown entries that a block shows */
    guess(shown) {
      for (const block of log.children) {
        const count = shown.get(block) ?? 0;
        if (guessed.get(block) === count) continue;
        guessed.set(block, count);
        setHeight(block, count * ENTRY_HEIGHT);
      }
    },
  };
}
