// Somebody at their own window, who does what people do: follows links, types, chooses, sends, reads.
//
// Everything is found by its words, as it is said to somebody who cannot see it: a link by what it says, a field by its
// label, an answer by its question. What has no words is not found.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { watch, windowOf } from './chromium.mjs'
import { faults } from './looks.mjs'
import { pageAt, pages } from './pages.mjs'
import { people, site } from './site.mjs'

/** Which pages were looked at on the way, and in which state: each once. */
const looked = new Set()
const all = pages()

export class Person {
  #watched
  /** How often they clicked. */
  clicked = 0

  static async at(browser, key, options) {
    const context = await windowOf(browser, people[key], options)
    const page = await context.newPage()
    page.on('dialog', (dialog) => {
      dialog.dismiss()
      assert.fail(`a dialog: ${dialog.message()}`)
    })
    return new Person(people[key], context, page)
  }

  constructor(who, context, page) {
    this.who = who
    this.context = context
    this.page = page
    this.#watched = watch(page, { statuses: [422] })
  }

  /** Open an address, as from a bookmark or a message. */
  async opens(path) {
    await this.page.goto(path.startsWith('http') ? path : site + path)
    await this.#looks()
  }

  /** Follow the link or press the button that says so; inside, where there are many, a part of the page that says this. */
  async clicks(words, { inside } = {}) {
    const named = { name: words, exact: typeof words === 'string' }
    const anywhere = this.page.getByRole('link', named).or(this.page.getByRole('button', named))
    const parts = this.page.locator('tr, li, .nhsuk-card, .nhsuk-inset-text, .nhsuk-summary-list__row')
    const around = inside && parts.filter({ hasText: inside }).filter({ has: anywhere }).last()
    const target = (around ? around.getByRole('link', named).or(around.getByRole('button', named)) : anywhere).first()
    await target.waitFor().catch(async () => assert.fail(`${this.who.name} finds no link or button “${words}” ${await this.#where()}`))
    await Promise.all([this.page.waitForEvent('load').catch(() => {}), target.click()])
    this.clicked += 1
    await this.#looks()
  }

  /** Open what is folded. */
  async unfolds(words) {
    await this.page.locator('summary', { hasText: words }).click()
    this.clicked += 1
  }

  async types(label, text) {
    await this.#field(label).fill(text).catch(async () => assert.fail(`${this.who.name} finds no field “${label}” ${await this.#where()}`))
  }

  /** A date into its three fields: `2027-01-31`. */
  async dates(question, day) {
    const fields = this.page.getByRole('group', { name: question, exact: true })
    for (const [at, label] of ['Year', 'Month', 'Day'].entries()) {
      await fields.getByLabel(label, { exact: true }).fill(String(Number(day.split('-')[at])))
    }
  }

  /** One answer, or more, of those that a question has. */
  async chooses(question, ...answers) {
    for (const answer of answers) {
      const group = this.page.getByRole('group', { name: question, exact: typeof question === 'string' })
      const named = { name: answer, exact: typeof answer === 'string' }
      await group.getByRole('radio', named).or(group.getByRole('checkbox', named)).check().catch(async () => {
        assert.fail(`${this.who.name} cannot answer “${question}” with “${answer}” ${await this.#where()}`)
      })
    }
  }

  /** A box that stands by itself. */
  async ticks(label) {
    await this.page.getByRole('checkbox', { name: label, exact: true }).check().catch(async () => {
      assert.fail(`${this.who.name} finds no box “${label}” ${await this.#where()}`)
    })
  }

  /** Press the button that gives a file, and read it. */
  async downloads(words) {
    const [file] = await Promise.all([
      this.page.waitForEvent('download'),
      this.page.getByRole('button', { name: words, exact: true }).click(),
    ])
    return readFileSync(await file.path(), 'utf8')
  }

  /** Hand in a file. */
  async hands(label, name, text) {
    const [chooser] = await Promise.all([this.page.waitForEvent('filechooser'), this.#field(label).click()])
    await chooser.setFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) })
  }

  /** One line of a list that drops down. */
  async picks(label, line) {
    const list = this.#field(label)
    const words = (await list.locator('option').allTextContents()).map((text) => text.trim())
    const found = words.find((text) => (line instanceof RegExp ? line.test(text) : text === line))
    assert.ok(found, `${this.who.name} finds no “${line}” under “${label}” among ${words.join(', ')}`)
    await list.selectOption({ label: found })
  }

  async sees(...many) {
    for (const words of many) {
      const shown = this.page.getByText(words).filter({ visible: true }).first()
      await shown.waitFor().catch(async () => assert.fail(`${this.who.name} does not see “${words}” ${await this.#where()}`))
    }
  }

  async seesNot(words) {
    const count = await this.page.getByText(words).filter({ visible: true }).count()
    assert.equal(count, 0, `${this.who.name} sees “${words}” ${await this.#where()}`)
  }

  /** Where they are, as an address without its server. */
  get place() {
    return this.page.url().slice(site.length)
  }

  async leaves() {
    await this.context.close()
  }

  #field(label) {
    return this.page.getByLabel(label, { exact: typeof label === 'string' }).first()
  }

  async #where() {
    const said = (await this.page.locator('main').innerText().catch(() => '')).replace(/\s+/g, ' ').slice(0, 900)
    return `at ${this.place}, “${await this.page.title()}”, which says: ${said}`
  }

  /** Each page is looked at once in each state: as it opens, with mistakes, being checked, with what was done. */
  async #looks() {
    const quiet = this.#watched.taken()
    assert.deepEqual(quiet, [], `what ${this.place} does as ${this.who.role}`)
    const title = await this.page.title()
    assert.ok(!/went wrong/.test(title), `${this.place} failed for ${this.who.name}: ${await this.#where()}`)
    const state = [
      pageAt(all, this.place.split(/[?#]/)[0])?.name ?? this.place.split(/[?#]/)[0],
      title.startsWith('Error: '),
      await this.page.getByRole('heading', { name: 'Check what you are about to send' }).count(),
    ].join()
    if (looked.has(state)) return
    looked.add(state)
    assert.deepEqual(await faults(this.page), [], `${this.place} as ${this.who.role}`)
  }
}

/** A day so many days from now, as `2027-01-31`. */
export function day(fromNow) {
  return new Date(Date.now() + fromNow * 86_400_000).toISOString().slice(0, 10)
}
