// Every page, as each role that it opens for, in two widths, with scripts and without them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watch, windowOf } from './lib/chromium.mjs'
import { faults } from './lib/looks.mjs'
import { found, worthOpening } from './lib/pages.mjs'
import { site } from './lib/site.mjs'

const WIDTHS = [1280, 390]
/** How many windows are worked in at a time. */
const HANDS = 3

/** Do something with each of many, so many at a time. */
async function each(many, hands, deed) {
  const left = [...many.entries()]
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift()) await deed(next[1], next[0])
  }
  await Promise.all(Array.from({ length: hands }, work))
}

/** The windows of a sweep: one for each who looks and each way of looking. Opened once, used by one at a time. */
function windows(browser) {
  const free = new Map()
  return {
    async with(viewer, withScripts, deed) {
      const key = `${viewer.name}${withScripts}`
      const waiting = free.get(key) ?? []
      free.set(key, waiting)
      let held = waiting.pop()
      if (!held) {
        const context = await windowOf(browser, viewer, { withScripts })
        const page = await context.newPage()
        held = { context, page, watched: watch(page, { withScripts }) }
      }
      await deed(held.page, held.watched)
      waiting.push(held)
    },
  }
}

export function sweep(browser) {
  test('every page, as each role, in both widths, with scripts and without', async (t) => {
    const { all, places, failures } = await found()
    const chosen = worthOpening(places)
    if (process.env.VERBOSE) console.error(failures.join('\n'), `\n${chosen.length} to look at`)
    const open = windows(browser())
    const titles = new Map()
    const begun = new Set()

    const look = async ({ page: { name }, address, viewer }, widths, withScripts) => {
      const told = (where, what) => {
        failures.push(`${name} as ${viewer.role}${where}${withScripts ? '' : ', no scripts'}: ${what} (${address})`)
        if (process.env.VERBOSE) console.error(failures.at(-1))
      }
      const looking = open.with(viewer, withScripts, async (page, watched) => {
        await page.setViewportSize({ width: widths[0], height: 900 })
        const response = await page.goto(site + address)
        if (response.status() !== 200) told('', `answers ${response.status()}`)
        const title = await page.title()
        titles.set(title, (titles.get(title) ?? new Set()).add(name))
        for (const width of widths) {
          if (page.viewportSize().width !== width) await page.setViewportSize({ width, height: 900 })
          for (const what of await faults(page)) told(` ${width} wide`, what)
        }
        for (const what of watched.taken()) told('', what)
      })
      await looking.catch((error) => told('', error.message))
    }
    await each(chosen, HANDS, async (place, at) => {
      // The fullest of each page in both widths, half loaded wide and made narrow, half the other way round, and once
      // without scripts. What else there is to it on a telephone, where room is short.
      if (begun.has(place.page.name)) return look(place, [390], true)
      begun.add(place.page.name)
      const widths = at % 2 ? WIDTHS : [...WIDTHS].reverse()
      await look(place, widths, true)
      await look(place, [widths[1]], false)
    })

    for (const [title, names] of titles) {
      if (names.size > 1) failures.push(`“${title}” is the title of ${[...names].sort().join(' and ')}`)
    }
    t.diagnostic(`${chosen.length} of ${places.length} places looked at, of ${all.length} pages`)
    assert.equal(failures.length, 0, `${failures.length} faults:\n${[...new Set(failures)].sort().join('\n')}`)
  })
}
