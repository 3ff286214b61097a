// Which pages there are, and where each of them can be found: by following links from home, as each role.

import { readFileSync, readdirSync } from 'node:fs'
import { get, people } from './site.mjs'

/** Pages about what the sample has none of: a variation that waits, aid that waits to be confirmed or published; and the frame
    that the other pages of the thread are drawn in. */
const NONE_IN_THE_SAMPLE = [
  'grants/refuse-variation',
  'grants/variation-approve',
  'partners/subsidy-confirm',
  'partners/subsidy-published',
  'thread/drawn_page',
]

const folder = new URL('../../../web/pages/', import.meta.url)

/** One or two people of each role. */
export const viewers = ['tom', 'nadia', 'bronwen', 'lena', 'gus', 'ravi', 'rosa', 'jamie', 'auditor', 'public'].map((key) => people[key])

/** How many things a viewer looks at a page of: these roles at enough of these to see every state they are in, everybody else
    at a few. */
const THOROUGH = ['commissioner', 'finance']
const MOST = { 'grants/one': 60, 'offers/show': 60, 'partners/show': 20, 'consultations/one_page': 12, 'payments/case': 12 }
const MOST_OF_OTHERS = 5
const MOST_OF_FORMS = 2

/** The pages, as their documents have them: a new one is there at once. */
export function pages() {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.graphql'))
    .sort()
    .map((file) => {
      const document = readFileSync(new URL(file, folder), 'utf8')
      const template = readFileSync(new URL(file.replace(/graphql$/, 'html'), folder), 'utf8')
      const path = document.match(/^# path: (.*)$/m)[1].trim()
      const names = [...path.matchAll(/\{(\w+)\}/g)].map((found) => found[1])
      return {
        name: file.replace(/\.graphql$/, ''),
        path,
        names,
        takes: (name) => new RegExp(`[$]${name}\\b|\\b(values|v)[.]${name}\\b|["']${name}["']`).test(document + template),
        pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '([^/]+)')}$`),
        isForm: /^mutation /m.test(document),
      }
    })
}

/** The page at an address: of two that would fit, the one that says more of it in so many words. */
export function pageAt(all, path) {
  return all.filter((page) => page.pattern.test(path)).sort((one, other) => one.names.length - other.names.length)[0]
}

/** The addresses on our own server that a page links to. */
function links(html) {
  const found = [...html.matchAll(/<a\b[^>]*?\shref="([^"]*)"/g)].map((link) => link[1].replaceAll('&#x2f;', '/').replaceAll('&amp;', '&'))
  return [...new Set(found.filter((link) => /^\/(?!\/)/.test(link) && !/\.csv(\?|$)/.test(link)).map((link) => link.split('#')[0]))]
}

/** What a page is made of, words and numbers apart: which element of which kind stands in which. */
function parts(html) {
  const main = html.slice(html.indexOf('<main'), html.indexOf('</main>'))
  const [found, around] = [new Set(), []]
  for (const [, closes, tag, rest] of main.matchAll(/<(\/?)([a-z][a-z0-9]*)\b([^>]*)>/g)) {
    if (closes) {
      while (around.length && around.pop() !== tag);
      continue
    }
    const kinds = ['class', 'role', 'type', 'scope'].map((name) => rest.match(new RegExp(`\\s${name}="([^"]*)"`))?.[1] ?? '')
    found.add(`${around.at(-1)}>${tag} ${kinds.join(' ')}`)
    if (!['input', 'br', 'hr', 'img', 'link', 'meta', 'path', 'line', 'rect', 'circle'].includes(tag)) around.push(tag)
  }
  return found
}

/** Of all places those that are worth opening in a browser: each home, of each page the fullest, and whichever has an
    element of a kind in a place where no fuller one has it. What is the same for two roles is looked at once. */
export function worthOpening(places) {
  const seen = new Set()
  return [...places]
    .sort((one, other) => other.parts.size - one.parts.size)
    .filter(({ page, parts }) => {
      const added = [...parts].map((part) => `${page.name} ${part}`).filter((part) => !seen.has(part))
      added.forEach((part) => seen.add(part))
      return added.length > 0 || page.path === '/'
    })
}

/** Follow the links from home as somebody. Each place: its page, its address, what it is made of. */
async function follow(all, viewer) {
  const [places, failures, passed, counts] = [[], [], new Set(), new Map()]
  const queue = [['/', 'home']]
  const mostOf = (page) => {
    if (page.isForm) return MOST_OF_FORMS
    return (THOROUGH.includes(viewer.role) && MOST[page.name]) || MOST_OF_OTHERS
  }
  const take = async ([address, from]) => {
    const page = pageAt(all, address.split('?')[0])
    if (!page) return
    const answer = await get(viewer, address)
    if (answer.status !== 200) {
      failures.push(`${viewer.name}, ${viewer.role}, is led from ${from} to ${address}, which answers ${answer.status}`)
      return
    }
    const html = await answer.text()
    places.push({ page, address, viewer, parts: parts(html) })
    for (const link of links(html)) {
      const [path, query] = link.split('?')
      const target = pageAt(all, path)
      if (passed.has(link) || !target) continue
      passed.add(link)
      const odd = [...new URLSearchParams(query).keys()].filter((name) => !target.takes(name))
      if (odd.length) failures.push(`${page.name} leads to ${target.name} with ${odd.join(', ')}, of which it makes nothing (${link})`)
      // Of the many ways to sort and turn the leaves of a list, one.
      const kind = query === undefined ? target.name : `${target.name}?`
      const count = counts.get(kind) ?? 0
      if (count >= (query === undefined ? mostOf(target) : 1)) continue
      counts.set(kind, count + 1)
      queue.push([link, address])
    }
  }
  passed.add('/')
  while (queue.length) await Promise.all(queue.splice(0, 2).map(take))
  return { places, failures }
}

/** Where each page can be found, by everybody, and what went wrong on the way. A page that no link leads to in the sample
    is tried with the ids that stand in the addresses of others. */
export async function found() {
  const all = pages()
  const followed = []
  for (const viewer of viewers) followed.push(await follow(all, viewer))
  const places = followed.flatMap((one) => one.places)
  const failures = followed.flatMap((one) => one.failures)
  const unlinked = all.filter((page) => !places.some((place) => place.page === page))
  for (const page of unlinked) places.push(...(await tried(page, places)))
  for (const page of unlinked.filter((one) => !NONE_IN_THE_SAMPLE.includes(one.name))) {
    if (!places.some((place) => place.page === page)) failures.push(`${page.name}: nothing in the sample can be looked at there`)
  }
  return { all, places, failures, unlinked }
}

/** A page that no link leads to, at addresses made of those of other pages. */
async function tried(page, places) {
  const ways = new Map()
  for (const { page: other, address } of places) {
    const ids = address.split('?')[0].match(other.pattern).slice(1)
    const way = Object.fromEntries(other.names.map((name, at) => [name, ids[at]]))
    if (page.names.every((name) => name in way)) ways.set(page.names.map((name) => way[name]).join('/'), way)
  }
  for (const viewer of viewers) {
    for (const way of [...ways.values()].slice(0, 12)) {
      const address = page.path.replace(/\{(\w+)\}/g, (_, name) => way[name])
      const answer = await get(viewer, address)
      if (answer.status === 401 || answer.status === 403) break
      if (answer.status === 200) return [{ page, address, viewer, parts: parts(await answer.text()) }]
    }
  }
  return []
}
