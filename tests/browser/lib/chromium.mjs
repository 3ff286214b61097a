// Chromium, and pages of it that belong to somebody.

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'
import { headers, site } from './site.mjs'

/** The browser: the one that CHROMIUM names, else the first that is installed. */
function program() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
  const places = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)))
  places.push('/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium')
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** A browser without a window. */
export async function launch() {
  const executablePath = program()
  if (!executablePath) throw new Error('Chromium is missing: run scripts/set-up tests')
  // Root has no sandbox to be in; nothing but our own server is opened.
  const args = process.getuid?.() === 0 ? ['--disable-gpu', '--no-sandbox'] : ['--disable-gpu']
  return chromium.launch({ executablePath, args })
}

/** A window of somebody's own: other people's sign-in is not in it. */
export async function windowOf(browser, person, { width = 1280, withScripts = true } = {}) {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    locale: 'en-GB',
    reducedMotion: 'reduce',
    extraHTTPHeaders: await headers(person),
  })
  context.setDefaultTimeout(20_000)
  context.setDefaultNavigationTimeout(90_000) // a debug build beside many other tests is slow
  if (!withScripts) await context.route('**/*', withoutScripts)
  return context
}

// With JavaScript switched off altogether axe could not look either. The policy keeps the page's own from running.
async function withoutScripts(route) {
  if (route.request().resourceType() !== 'document') return route.continue()
  const response = await route.fetch({ maxRedirects: 0 })
  const policy = response.headers()['content-security-policy'] ?? ''
  const changed = policy.replace("script-src 'self'", "script-src 'none'")
  if (changed === policy) throw new Error(`the policy of ${route.request().url()} is not what it was: ${policy}`)
  return route.fulfill({ response, headers: { ...response.headers(), 'content-security-policy': changed } })
}

/** Notes what a page must not do: errors on the console, requests to other hosts, answers that are missing. */
export function watch(page, { withScripts = true, statuses = [200] } = {}) {
  const seen = []
  page.on('console', (message) => {
    if (message.type() !== 'error') return
    const text = message.text()
    const isOurBlock = !withScripts && text.includes("script-src 'none'")
    const isWanted = text.startsWith('Failed to load resource') && message.location().url === page.url() && !statuses.includes(200)
    if (!isOurBlock && !isWanted) seen.push(`on the console: ${text} (${message.location().url})`)
  })
  page.on('pageerror', (error) => seen.push(`a script failed: ${error.message}`))
  page.on('request', (request) => {
    if (!request.url().startsWith(`${site}/`) && !request.url().startsWith('data:')) seen.push(`asks another host: ${request.url()}`)
  })
  page.on('response', (response) => {
    if (response.status() >= 400 && response.request().resourceType() !== 'document') {
      seen.push(`${response.status()} for ${response.url()}`)
    }
  })
  return { taken: () => seen.splice(0) }
}
