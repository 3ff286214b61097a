// What every page must be: open to everybody's eyes and hands, as wide as its window, under one heading.

import { AxeBuilder } from '@axe-core/playwright'

const WCAG_2_2_AA = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

/** What axe finds against WCAG 2.2 AA: one line a place. */
async function barriers(page) {
  // There are no frames here, and without them this way needs no second page.
  const { violations } = await new AxeBuilder({ page }).withTags(WCAG_2_2_AA).setLegacyMode(true).analyze()
  return violations.flatMap((rule) =>
    rule.nodes.slice(0, 3).map((node) => {
      const why = [...node.any, ...node.all, ...node.none][0]?.message ?? rule.help
      return `axe ${rule.id} at ${node.target.join(' ')}: ${why}`
    })
  )
}

/** What stands out on the right: the innermost of it. */
async function overflow(page) {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.scrollingElement
    if (scrollWidth <= clientWidth) return []
    const isClipped = (element) => {
      for (let around = element.parentElement; around; around = around.parentElement) {
        if (getComputedStyle(around).overflowX !== 'visible' && around !== document.body && around !== document.documentElement) return true
      }
      return false
    }
    const wide = [...document.body.querySelectorAll('*')].filter(
      (element) => element.getBoundingClientRect().right > clientWidth + 0.5 && !isClipped(element)
    )
    const innermost = wide.filter((element) => !wide.some((other) => other !== element && element.contains(other)))
    const named = innermost.slice(0, 3).map((element) => {
      const parent = element.parentElement
      const name = (one) => one.tagName.toLowerCase() + (one.id ? `#${one.id}` : [...one.classList].map((word) => `.${word}`).join(''))
      return `${name(parent)} > ${name(element)} “${(element.textContent ?? '').trim().slice(0, 40)}”`
    })
    return [`scrolls sideways, ${scrollWidth} in ${clientWidth}: ${named.join('; ') || 'what is as wide is not known'}`]
  })
}

/** Everything wrong with the page as it stands in its window. */
export async function faults(page) {
  const found = []
  const headings = await page.locator('h1').count()
  if (headings !== 1) found.push(`${headings} headings of the first level`)
  const title = await page.title()
  if (!title.endsWith(' – Side by Side') || title.startsWith(' ')) found.push(`its title is “${title}”`)
  if ((await page.locator('html').getAttribute('lang')) !== 'en-GB') found.push('its language is not said')
  found.push(...(await overflow(page)), ...(await barriers(page)))
  return found
}
