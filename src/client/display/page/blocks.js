/** Blocks: the log is divided into them, so that the browser need not lay out entries that are out of sight. */

/** @typedef {ReturnType<typeof createBlocks>} Blocks */

const SIZE = 100;

/** Height of an entry that has not been laid out, in CSS pixels: a guess, for the length of the scroll bar. */
const ENTRY_HEIGHT = 40;

/** @param {HTMLElement} log */
export function createBlocks(log) {
  // A block that goes out of sight keeps the height that it had.
  const heights = new ResizeObserver((changes) => {
    for (const { target, contentRect } of changes) {
      if (target instanceof HTMLElement) setHeight(target, contentRect.height);
    }
  });
  for (const block of log.children) heights.observe(block);

  /** @param {HTMLElement} block @param {number} height */
  function setHeight(block, height) {
    block.style.containIntrinsicBlockSize = `${height}px`;
  }

  return {
    /** @param {HTMLElement} element */
    append(element) {
      let block = log.lastElementChild;
      if (block === null || block.childElementCount >= SIZE) {
        block = document.createElement('div');
        block.className = 'block';
        log.append(block);
        heights.observe(block);
      }
      block.append(element);
    },
    /** Guesses all heights again. @param {Map<Element | null, number>} shown number of entries that a block shows */
    estimate(shown) {
      for (const block of log.children) {
        if (block instanceof HTMLElement) setHeight(block, (shown.get(block) ?? 0) * ENTRY_HEIGHT);
      }
    },
  };
}
