/**
 * An expression for a page: the contrast of every element's own text with what is painted behind it, by the formula of WCAG 2.
 * `poor` are the texts below 4.5, `checked` is their number of all, and `paper` the luminance of the page.
 */
export const CONTRAST = `(() => {
  const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 })
    .getContext('2d', { willReadFrequently: true });
  const paint = (...colors) => {
    for (const color of colors) { context.fillStyle = color; context.fillRect(0, 0, 1, 1); }
    const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((value) => value / 255)
      .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const poor = [];
  let checked = 0;
  for (const element of document.querySelectorAll('body *')) {
    if (!element.checkVisibility() || element.localName === 'title') continue;
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')) continue;
    const backgrounds = [];
    for (let up = element; up; up = up.parentElement) backgrounds.unshift(getComputedStyle(up).backgroundColor);
    const style = getComputedStyle(element);
    const color = element.localName === 'text' ? style.fill : style.color;
    const [low, high] = [paint(...backgrounds), paint(...backgrounds, color)].sort((a, b) => a - b);
    checked += 1;
    if ((high + 0.05) / (low + 0.05) < 4.5) poor.push(element.textContent);
  }
  return { poor, checked, paper: paint(getComputedStyle(document.body).backgroundColor) };
})()`;
